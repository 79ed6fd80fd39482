"""Who may come in: the issuer of tokens, their verifier, and what both remember."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from skyscan_server.auth.enrolment import Enrolling
from skyscan_server.auth.grants.authorization import Authorizations
from skyscan_server.auth.grants.revocation_endpoint import RevocationEndpoint
from skyscan_server.auth.grants.token_endpoint import TokenEndpoint
from skyscan_server.auth.issuer import AccessToken, Issuer
from skyscan_server.auth.keys import SigningKey, load_signing_key
from skyscan_server.auth.own_token import OwnToken
from skyscan_server.auth.principal import TokenVerifier
from skyscan_server.auth.remote_keys import RemoteKeys
from skyscan_server.auth.tickets import Tickets
from skyscan_server.auth.verification import JwtVerifier
from skyscan_server.domain.credentials import (
    StoredClients,
    StoredCodes,
    StoredEnrolments,
    StoredRefreshTokens,
    StoredRevocations,
)
from skyscan_server.main.issuing import AUDIENCE, ISSUER, BuiltInClients, issuer_of, lab_token
from skyscan_server.settings import HubSettings
from skyscan_server.store.database import Database

_LEEWAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Access:
    """Everything about tokens.

    Attributes
    ----------
    lab_token : AccessToken
        With which notebooks and commands on this machine come in.
    people, nodes : TokenVerifier
        Of those who come to the public API, and to the gateway. An outside issuer takes our
        place for people, but for the lab's own token; nodes enrol here, and have our tokens.
    """

    key: SigningKey
    issuer: Issuer
    clients: BuiltInClients
    registered: StoredClients
    endpoint: TokenEndpoint
    revoking: RevocationEndpoint
    authorizations: Authorizations
    enrolling: Enrolling
    revocations: StoredRevocations
    lab_token: AccessToken
    people: TokenVerifier
    nodes: TokenVerifier
    tickets: Tickets


@asynccontextmanager
async def access_to(settings: HubSettings, database: Database) -> AsyncIterator[Access]:
    """Put it together, as the settings want it."""
    key = await asyncio.to_thread(load_signing_key, settings.data)
    issuer = issuer_of(key)
    revocations = StoredRevocations(database)
    registered = StoredClients(database)
    clients = BuiltInClients(registered)
    codes = StoredCodes(database)
    refresh_tokens = StoredRefreshTokens(database)
    ours = JwtVerifier(key.key_set(), ISSUER, AUDIENCE, revocations)
    async with AsyncExitStack() as stack:
        own = lab_token(issuer)
        people: TokenVerifier = ours
        outside = settings.outside_issuer
        if outside is not None:
            keys = await stack.enter_async_context(RemoteKeys(outside.jwks_url))
            theirs = JwtVerifier(
                keys, outside.issuer, outside.audience, revocations, leeway=_LEEWAY
            )
            people = OwnToken(own, ours, theirs)
        yield Access(
            key=key,
            issuer=issuer,
            clients=clients,
            registered=registered,
            endpoint=TokenEndpoint(
                issuer,
                clients=clients,
                codes=codes,
                refresh_tokens=refresh_tokens,
                revocations=revocations,
            ),
            revoking=RevocationEndpoint(
                issuer,
                ours,
                clients=clients,
                refresh_tokens=refresh_tokens,
                revocations=revocations,
            ),
            authorizations=Authorizations(ISSUER, clients, codes),
            enrolling=Enrolling(StoredEnrolments(database)),
            revocations=revocations,
            lab_token=own,
            people=people,
            nodes=ours,
            tickets=Tickets(),
        )
