"""Truth: RFC 7009: what ends, for whom, and what a client is told."""

# ruff: noqa: S106 - secrets that nobody has

from dataclasses import replace
from datetime import timedelta

import pytest

from skyscan_server.auth.grants.clients import Client, GrantType
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.refresh_tokens import RefreshToken
from skyscan_server.auth.grants.revocation_endpoint import RevocationEndpoint, RevocationRequest
from skyscan_server.auth.machine_secret import hash_secret
from skyscan_server.auth.principal import TokenRefused
from skyscan_server.auth.scopes import Scope

READ = frozenset({Scope.SKYSCAN_READ})
PAGE = Client("page", None, READ, frozenset({GrantType.REFRESH}))
SERVICE = Client("service", hash_secret("s3cret"), READ, frozenset({GrantType.CLIENT_CREDENTIALS}))


@pytest.fixture
def endpoint(issuer, verifier, clients, refresh_tokens, revocations):
    for client in (PAGE, SERVICE):
        clients.add(client)
    return RevocationEndpoint(
        issuer,
        verifier,
        clients=clients,
        refresh_tokens=refresh_tokens,
        revocations=revocations,
    )


@pytest.fixture
def revoke(endpoint):
    async def revoke(**fields):
        await endpoint.answer(RevocationRequest.of(fields.items()))

    return revoke


@pytest.fixture
async def login(issuer, refresh_tokens, clock):
    """A refresh token and an access token of the same login, and a later one of it."""
    expires = clock.now + timedelta(days=30)
    row = RefreshToken(hash_secret("refresh"), "login", "page", "ada", READ, expires)
    await refresh_tokens.add(row)
    following = replace(row, token_hash=hash_secret("next"))
    await refresh_tokens.rotate(row.token_hash, following, clock.now)
    return issuer.mint("ada", READ, client_id="page", family="login").token


async def ended(verifier, token):
    try:
        await verifier.verify(token)
    except TokenRefused as error:
        assert "revoked" in str(error)  # noqa: PT017 - the other way is that it is good
        return True
    return False


@pytest.mark.parametrize("hint", ["", "refresh_token", "access_token", "nonsense"])
@pytest.mark.parametrize("token", ["refresh", "next"])
async def test_a_refresh_token_ends_with_its_login(
    revoke, login, verifier, revocations, clock, token, hint
):
    await revoke(token=token, client_id="page", token_type_hint=hint)
    assert await ended(verifier, login)
    clock.advance(days=30)
    assert await revocations.any_revoked(["login"]), "as long as anything of it could be good"


async def test_an_access_token_ends_alone(revoke, login, issuer, verifier):
    other = issuer.mint("ada", READ, client_id="page", family="login").token
    await revoke(token=login, client_id="page")
    assert await ended(verifier, login)
    assert not await ended(verifier, other)


@pytest.mark.parametrize("token", ["made up", "a.b.c", "é"])
async def test_what_is_no_token_of_ours_is_as_it_was_to_be(revoke, token):
    await revoke(token=token, client_id="page")
    await revoke(token=token)


async def test_again_is_the_same(revoke, login, clock):
    for _ in range(2):
        await revoke(token=login, client_id="page")
        await revoke(token="refresh", client_id="page")
    clock.advance(days=40)
    await revoke(token=login, client_id="page")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"client_id": "service", "client_secret": "s3cret"}, "invalid_grant"),
        ({"client_id": "service", "client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "service"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({}, "invalid_client"),
    ],
)
async def test_nobody_ends_the_token_of_another_client(revoke, login, verifier, asked, error):
    for token in ("refresh", login):
        with pytest.raises(OAuthError) as caught:
            await revoke(token=token, **asked)
        assert caught.value.error == error
    assert not await ended(verifier, login)


async def test_a_token_of_no_client_ends_by_who_has_it(revoke, issuer, verifier):
    printed = issuer.mint("owner@lab", READ).token
    with pytest.raises(OAuthError, match="not given to this client"):
        await revoke(token=printed, client_id="page")
    assert not await ended(verifier, printed)
    await revoke(token=printed)
    assert await ended(verifier, printed)


async def test_a_token_must_be_given(revoke):
    with pytest.raises(OAuthError, match="token: must be given"):
        await revoke(client_id="page")
