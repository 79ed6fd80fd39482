"""Truth: what the protocols of auth promise of whoever keeps things for them: what is stored
comes back as it was, and is used once, by one caller, whoever races."""

# ruff: noqa: S106 - hashes of secrets that nobody has

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from skyscan_server.auth.enrolment import Enrolment
from skyscan_server.auth.grants.clients import Client, GrantType
from skyscan_server.auth.grants.codes import AuthorizationCode
from skyscan_server.auth.grants.refresh_tokens import RefreshToken
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.credentials import (
    StoredClients,
    StoredCodes,
    StoredEnrolments,
    StoredRefreshTokens,
    StoredRevocations,
)
from skyscan_server.store.database import open_database

SOON = datetime.now(UTC) + timedelta(hours=1)
LONG_AGO = datetime.now(UTC) - timedelta(days=30)
SCOPES = frozenset({Scope.SKYSCAN_READ, Scope.ROTORS_READ})

CODE = AuthorizationCode(
    code_hash="code",
    family="family",
    client_id="browser",
    redirect_uri="http://127.0.0.1:8888/back",
    challenge="challenge",
    subject="ada",
    scopes=SCOPES,
    expires=SOON,
)
TOKEN = RefreshToken("token", "family", "browser", "ada", SCOPES, SOON)
ENROLMENT = Enrolment("enrolment", "roof", SOON)
CLIENT = Client(
    client_id="roof-1",
    secret_hash="hash",
    scopes=frozenset({Scope.NODE}),
    grants=frozenset({GrantType.CLIENT_CREDENTIALS}),
    installation="roof",
)


async def raced(attempts):
    """How many of these were told that they were the one."""
    return sum(await asyncio.gather(*attempts))


async def test_a_client_comes_back_as_it_was(database):
    clients = StoredClients(database)
    public = replace(
        CLIENT,
        client_id="browser",
        secret_hash=None,
        scopes=SCOPES,
        grants=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH}),
        installation=None,
        redirect_uris=("http://127.0.0.1:8888/back",),
    )
    for client in (CLIENT, public):
        await clients.add(client)
        assert await clients.find(client.client_id) == client
    assert await clients.find("nobody") is None


async def test_a_code_is_used_once(database):
    codes = StoredCodes(database)
    await codes.add(CODE)
    assert await codes.find("code") == CODE
    assert await raced(codes.use("code") for _ in range(10)) == 1
    assert not await codes.use("code")
    assert not await codes.use("unknown")
    assert await codes.find("code") == CODE, "a second use must be known as one"


async def test_a_refresh_token_is_exchanged_once_and_only_then_is_there_a_next(database):
    tokens = StoredRefreshTokens(database)
    await tokens.add(TOKEN)
    following = [replace(TOKEN, token_hash=f"next {n}") for n in range(10)]
    assert await raced(tokens.rotate("token", one, SOON) for one in following) == 1
    found = [await tokens.find(one.token_hash) for one in following]
    (stored,) = [one for one in found if one is not None]
    assert await tokens.find("token") == replace(TOKEN, used=SOON, followed_by=stored.token_hash), (
        "a second use must be known as one"
    )
    assert not await tokens.rotate("unknown", replace(TOKEN, token_hash="never"), SOON)
    assert await tokens.find("never") is None


async def test_an_enrolment_makes_one_client(database):
    enrolments, clients = StoredEnrolments(database), StoredClients(database)
    await enrolments.add(ENROLMENT)
    assert await enrolments.find("enrolment") == ENROLMENT
    made = [replace(CLIENT, client_id=f"roof-{n}") for n in range(10)]
    assert await raced(enrolments.redeem("enrolment", client, SOON) for client in made) == 1
    found = [await clients.find(client.client_id) for client in made]
    assert len([client for client in found if client is not None]) == 1


async def test_an_enrolment_ends_the_node_of_its_installation_and_nothing_else(database):
    enrolments, clients = StoredEnrolments(database), StoredClients(database)
    revocations = StoredRevocations(database)
    service = replace(CLIENT, client_id="service", scopes=SCOPES, installation=None)
    mast = replace(CLIENT, client_id="mast-1", installation="mast")
    for client in (CLIENT, service, mast):
        await clients.add(client)
    await enrolments.add(ENROLMENT)
    following = replace(CLIENT, client_id="roof-2")
    assert await enrolments.redeem("enrolment", following, SOON)
    assert await clients.find("roof-1") is None
    assert await revocations.any_revoked(["roof-1"])
    assert not await revocations.any_revoked(["roof-2", "service", "mast-1"])
    for client in (following, service, mast):
        assert await clients.find(client.client_id) == client
    assert not await enrolments.redeem("enrolment", CLIENT, SOON)
    assert await clients.find("roof-2") == following, "a code that was used ends nothing"


async def test_the_same_hash_of_another_kind_is_something_else(database):
    await StoredCodes(database).add(replace(CODE, code_hash="same"))
    await StoredRefreshTokens(database).add(replace(TOKEN, token_hash="same"))
    assert await StoredEnrolments(database).find("same") is None
    assert await StoredCodes(database).use("same")
    assert await StoredRefreshTokens(database).rotate(
        "same", replace(TOKEN, token_hash="next"), SOON
    )


async def test_what_expired_long_ago_is_dropped(database):
    codes = StoredCodes(database)
    await codes.add(replace(CODE, code_hash="old", expires=LONG_AGO))
    await codes.add(replace(CODE, code_hash="yesterday", expires=SOON - timedelta(hours=2)))
    await codes.add(CODE)
    assert await codes.find("old") is None
    assert await codes.find("yesterday") is not None


async def test_what_is_revoked_is_known_at_once_here_and_soon_elsewhere(database):
    here, elsewhere = StoredRevocations(database), StoredRevocations(database)
    assert not await elsewhere.any_revoked(["token", "family"])
    assert not await here.any_revoked(["token", "family"])
    await here.revoke("family", SOON)
    assert await here.any_revoked(["token", "family"])
    assert not await here.any_revoked(["token"])
    async with asyncio.timeout(10):
        while not await elsewhere.any_revoked(["family"]):  # noqa: ASYNC110 - it asks by itself
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("until", [SOON, LONG_AGO])
async def test_a_hub_that_starts_again_knows_what_was_revoked(database_url, until):
    async with open_database(database_url) as database:
        await StoredRevocations(database).revoke("token", until)
    async with open_database(database_url) as database:
        # Of a token that has expired, nobody has to know that it was revoked.
        assert await StoredRevocations(database).any_revoked(["token"]) == (until == SOON)
