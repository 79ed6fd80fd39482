"""Our own tokens: by which name they are made, and who gets which without asking."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from skyscan_server.auth.grants.clients import Client, Clients, GrantType
from skyscan_server.auth.issuer import AccessToken, Issuer
from skyscan_server.auth.keys import SigningKey, load_signing_key
from skyscan_server.auth.machine_secret import hash_secret
from skyscan_server.auth.scopes import GRANTS, Scope

ISSUER = "skyscan-lab"
AUDIENCE = "skyscan-lab"

BUILT_IN = "lab"
"""Installation of the node that runs beside the hub."""

PARTS: Mapping[str, frozenset[Scope]] = MappingProxyType(
    {**GRANTS, "internal": frozenset({Scope.INTERNAL})}
)
"""Scopes by what ``skyscan token --grant`` calls them: of people, and of the hub's services."""

# As long as the process: a lab is opened for days, and its token ends with the key only.
_LAB_LIFETIME = timedelta(days=365)


def issuer_of(key: SigningKey) -> Issuer:
    """Issuer of a hub's tokens."""
    return Issuer(key, ISSUER, AUDIENCE)


def person_token(data: Path, grant: str, lifetime: timedelta) -> str:
    """Make a token for a person or a service, good at the hub of a data folder.

    Parameters
    ----------
    data : Path
        The folder; its signing key is made if it has none yet.
    grant : str
        One of `PARTS`.
    lifetime : timedelta
        For how long it is good.
    """
    issuer = issuer_of(load_signing_key(data))
    return issuer.mint(f"{grant}@{data.name}", PARTS[grant], lifetime=lifetime).token


def lab_token(issuer: Issuer) -> AccessToken:
    """Token of whoever has started the lab: for their notebooks and commands."""
    return issuer.mint("lab", GRANTS["owner"], lifetime=_LAB_LIFETIME)


class BuiltInClients:
    """Clients that need no registration: the node beside the hub, with a secret of this start.

    Parameters
    ----------
    others : Clients
        All the others.

    Attributes
    ----------
    node_id, node_secret : str
        Credentials of the built-in node.
    """

    def __init__(self, others: Clients) -> None:
        self._others = others
        self.node_id = f"{BUILT_IN}-node"
        self.node_secret = secrets.token_urlsafe(32)
        self._node = Client(
            client_id=self.node_id,
            secret_hash=hash_secret(self.node_secret),
            scopes=frozenset({Scope.NODE}),
            grants=frozenset({GrantType.CLIENT_CREDENTIALS}),
            installation=BUILT_IN,
        )

    async def find(self, client_id: str) -> Client | None:
        """Client of a name."""
        return self._node if client_id == self.node_id else await self._others.find(client_id)
