"""Truth: RFC 6749 and 7636, and RFC 9700 on what a second use means; our own verifier."""

import asyncio
import string
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from skyscan_server.auth.grants.authorization import AuthorizationRequest, Authorizations
from skyscan_server.auth.grants.clients import Client, GrantType
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.pkce import challenge_of
from skyscan_server.auth.grants.token_endpoint import (
    ASKED_AGAIN_WITHIN,
    LOGIN_LIFETIME,
    TokenEndpoint,
)
from skyscan_server.auth.grants.token_request import TokenRequest
from skyscan_server.auth.machine_secret import hash_secret
from skyscan_server.auth.principal import Principal, TokenRefused
from skyscan_server.auth.scopes import GRANTS, Scope

BACK = "http://127.0.0.1:8888/back"
VERIFIER = "verifier-" * 6
OWNER = Principal("owner", None, GRANTS["owner"], "login.1", None)

NODE = Client(
    "node-1",
    hash_secret("node-secret"),
    frozenset({Scope.NODE}),
    frozenset({GrantType.CLIENT_CREDENTIALS}),
    installation="roof",
)
AS_NODE = {
    "grant_type": "client_credentials",
    "client_id": "node-1",
    "client_secret": "node-secret",
}
SERVICE = Client(
    "service",
    hash_secret("service-secret"),
    frozenset({Scope.INTERNAL, Scope.SKYSCAN_READ}),
    frozenset({GrantType.CLIENT_CREDENTIALS}),
)
PAGE = Client(
    "page",
    None,
    GRANTS["operator"],
    frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH}),
    redirect_uris=(BACK,),
)
BRIEF = Client(
    "brief",
    None,
    GRANTS["requester"],
    frozenset({GrantType.AUTHORIZATION_CODE}),
    redirect_uris=(BACK,),
)
PROOF = {"client_secret": "portal-secret"}
PORTAL = Client(
    "portal",
    hash_secret("portal-secret"),
    GRANTS["operator"],
    frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH}),
    redirect_uris=(BACK,),
)


@pytest.fixture
def endpoint(issuer, clients, codes, refresh_tokens, revocations):
    for client in (NODE, SERVICE, PAGE, BRIEF, PORTAL):
        clients.add(client)
    return TokenEndpoint(
        issuer,
        clients=clients,
        codes=codes,
        refresh_tokens=refresh_tokens,
        revocations=revocations,
    )


@pytest.fixture
def ask(endpoint):
    async def ask(**fields):
        return await endpoint.answer(TokenRequest.of(fields.items()))

    return ask


@pytest.fixture
def login(clients, codes, clock):
    """What the browser brings back after somebody has agreed."""
    authorizations = Authorizations("https://hub.example", clients, codes, clock)

    async def login(client_id="page", scope="", person=OWNER):
        request = AuthorizationRequest(
            client_id=client_id,
            redirect_uri=BACK,
            response_type="code",
            scope=scope,
            code_challenge=challenge_of(VERIFIER),
            code_challenge_method="S256",
        )
        address = await authorizations.authorize(person, request)
        return {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "redirect_uri": BACK,
            "code": parse_qs(urlsplit(address).query)["code"][0],
            "code_verifier": VERIFIER,
        }

    return login


async def refused(asking):
    with pytest.raises(OAuthError) as caught:
        await asking
    allowed = set(string.printable[:95]) - set('"\\')  # RFC 6749, 5.2
    assert set(caught.value.description) <= allowed
    return caught.value.error


def refresh(reply, **changes):
    asked = {"grant_type": "refresh_token", "client_id": "page"}
    return {**asked, "refresh_token": reply.refresh_token, **changes}


# client_credentials


async def test_a_node_gets_a_token_of_its_installation(ask, verifier):
    reply = await ask(**AS_NODE)
    assert reply.model_dump(exclude={"access_token"}) == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "node",
        "refresh_token": None,
    }
    principal = await verifier.verify(reply.access_token)
    assert (principal.subject, principal.installation) == ("node-1", "roof")
    assert principal.scopes == {Scope.NODE}


async def test_a_service_may_ask_for_less(ask, verifier):
    asked = {
        "grant_type": "client_credentials",
        "client_id": "service",
        "client_secret": "service-secret",
    }
    assert (await ask(**asked)).scope == "internal skyscan:read"
    reply = await ask(**asked, scope="internal")
    assert reply.scope == "internal"
    assert (await verifier.verify(reply.access_token)).scopes == {Scope.INTERNAL}
    for scope in ("admin", "internal admin", "internal openid", " "):
        assert await refused(ask(**asked, scope=scope)) == "invalid_scope"


async def test_all_tokens_of_a_client_end_with_it(ask, verifier, revocations, clock):
    replies = [await ask(**AS_NODE) for _ in range(3)]
    await revocations.revoke("node-1", clock.now + timedelta(hours=1))
    for reply in replies:
        with pytest.raises(TokenRefused, match="revoked"):
            await verifier.verify(reply.access_token)


# authorization_code


async def test_a_person_gets_tokens_for_a_code(ask, login, verifier):
    reply = await ask(**await login(scope="skyscan:read rotors:move"))
    assert reply.scope == "rotors:move skyscan:read"
    assert reply.refresh_token
    principal = await verifier.verify(reply.access_token)
    assert (principal.subject, principal.installation) == ("owner", None)
    assert principal.scopes == {Scope.SKYSCAN_READ, Scope.ROTORS_MOVE}


async def test_no_refresh_token_for_who_may_not_use_it(ask, login, refresh_tokens):
    assert (await ask(**await login("brief"))).refresh_token is None
    assert not refresh_tokens.rows


@pytest.mark.parametrize("seconds", [59, 60])
async def test_a_code_lives_for_a_minute(ask, login, clock, seconds):
    asked = await login()
    clock.advance(seconds=seconds)
    if seconds < 60:
        assert (await ask(**asked)).access_token
    else:
        assert await refused(ask(**asked)) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "made-up"},
        {"redirect_uri": "https://thief.example/"},
        {"client_id": "brief"},
        {"client_id": "portal", **PROOF},
        {"code_verifier": "other-verifier-" * 4},
        {"code_verifier": challenge_of(VERIFIER)},
        {"code_verifier": "short"},
    ],
    ids=str,
)
async def test_a_code_is_bound_and_a_thief_does_not_spoil_it(ask, login, verifier, changes):
    asked = await login()
    assert await refused(ask(**{**asked, **changes})) == "invalid_grant"
    reply = await ask(**asked)
    assert await refused(ask(**{**asked, **changes})) == "invalid_grant"
    await verifier.verify(reply.access_token)


async def test_a_second_use_of_a_code_ends_what_was_made_from_it(ask, login, verifier, clock):
    asked = await login()
    reply = await ask(**asked)
    later = await ask(**refresh(reply))
    other = await ask(**await login())
    assert await refused(ask(**asked)) == "invalid_grant"
    for made in (reply, later):
        with pytest.raises(TokenRefused, match="revoked"):
            await verifier.verify(made.access_token)
    assert await refused(ask(**refresh(later))) == "invalid_grant"
    await verifier.verify(other.access_token)
    clock.advance(days=29)
    assert await refused(ask(**refresh(later))) == "invalid_grant"
    await ask(**refresh(other))


async def test_a_second_use_counts_even_after_the_minute(ask, login, verifier, clock):
    asked = await login()
    reply = await ask(**asked)
    clock.advance(minutes=5)
    await verifier.verify(reply.access_token)
    assert await refused(ask(**asked)) == "invalid_grant"
    with pytest.raises(TokenRefused, match="revoked"):
        await verifier.verify(reply.access_token)


async def test_of_two_at_once_with_a_code_neither_keeps_a_token(ask, login, verifier):
    asked = await login()
    answers = await asyncio.gather(ask(**asked), ask(**asked), return_exceptions=True)
    replies = [answer for answer in answers if not isinstance(answer, OAuthError)]
    assert len(replies) == 1
    with pytest.raises(TokenRefused, match="revoked"):
        await verifier.verify(replies[0].access_token)


# refresh_token


async def test_refreshing_goes_on_and_on(ask, login, verifier, clock):
    reply = await ask(**await login())
    seen = {reply.refresh_token}
    for _ in range(10):
        clock.advance(hours=2)
        reply = await ask(**refresh(reply))
        assert (await verifier.verify(reply.access_token)).subject == "owner"
        seen.add(reply.refresh_token)
    assert len(seen) == 11


async def test_a_login_ends_however_often_it_was_refreshed(ask, login, clock):
    reply = await ask(**await login())
    clock.advance(days=15)
    reply = await ask(**refresh(reply))
    clock.advance(days=15, seconds=-1)
    reply = await ask(**refresh(reply))
    clock.advance(seconds=1)
    assert await refused(ask(**refresh(reply))) == "invalid_grant"


async def test_a_second_use_of_a_refresh_token_ends_the_login(ask, login, verifier, clock):
    first = await ask(**await login())
    second = await ask(**refresh(first))
    third = await ask(**refresh(second))
    assert await refused(ask(**refresh(first))) == "invalid_grant"
    for reply in (first, second, third):
        with pytest.raises(TokenRefused, match="revoked"):
            await verifier.verify(reply.access_token)
    assert await refused(ask(**refresh(third))) == "invalid_grant"
    clock.advance(seconds=LOGIN_LIFETIME.total_seconds() - 10)
    assert await refused(ask(**refresh(third))) == "invalid_grant"


async def test_a_refresh_whose_answer_was_lost_may_be_asked_for_again(ask, login, verifier, clock):
    reply = await ask(**await login())
    await ask(**refresh(reply))  # and the answer is lost
    clock.advance(seconds=ASKED_AGAIN_WITHIN.total_seconds() - 1)
    again = await ask(**refresh(reply))
    assert (await verifier.verify(again.access_token)).subject == "owner"
    clock.advance(hours=1)
    await ask(**refresh(again))


async def test_but_not_for_long(ask, login, verifier, clock):
    reply = await ask(**await login())
    following = await ask(**refresh(reply))
    clock.advance(seconds=ASKED_AGAIN_WITHIN.total_seconds())
    assert await refused(ask(**refresh(reply))) == "invalid_grant"
    with pytest.raises(TokenRefused, match="revoked"):
        await verifier.verify(following.access_token)


async def test_and_only_once(ask, login):
    reply = await ask(**await login())
    await ask(**refresh(reply))
    again = await ask(**refresh(reply))
    assert await refused(ask(**refresh(reply))) == "invalid_grant"
    assert await refused(ask(**refresh(again))) == "invalid_grant"


async def test_a_thief_who_asks_again_is_found_out_when_the_owner_goes_on(ask, login, verifier):
    reply = await ask(**await login())
    owners = await ask(**refresh(reply))
    thiefs = await ask(**refresh(reply))
    assert await refused(ask(**refresh(owners))) == "invalid_grant"
    for one in (owners, thiefs):
        with pytest.raises(TokenRefused, match="revoked"):
            await verifier.verify(one.access_token)
        assert await refused(ask(**refresh(one))) == "invalid_grant"


async def test_of_many_at_once_with_a_refresh_token_none_keeps_one(ask, login, verifier):
    reply = await ask(**await login())
    asked = refresh(reply)
    answers = await asyncio.gather(*(ask(**asked) for _ in range(5)), return_exceptions=True)
    replies = [answer for answer in answers if not isinstance(answer, OAuthError)]
    assert len(replies) <= 2
    for one in replies:
        with pytest.raises(TokenRefused, match="revoked"):
            await verifier.verify(one.access_token)
        assert await refused(ask(**refresh(one))) == "invalid_grant"


async def test_less_may_be_asked_for_and_the_login_keeps_the_rest(ask, login, verifier):
    reply = await ask(**await login(scope="skyscan:read rotors:move"))
    less = await ask(**refresh(reply, scope="skyscan:read"))
    assert (await verifier.verify(less.access_token)).scopes == {Scope.SKYSCAN_READ}
    assert await refused(ask(**refresh(less, scope="skyscan:write"))) == "invalid_scope"
    assert await refused(ask(**refresh(less, scope="skyscan:read admin"))) == "invalid_scope"
    all_again = await ask(**refresh(less))
    assert all_again.scope == "rotors:move skyscan:read"


async def test_a_client_that_was_given_less_gets_less(ask, login, clients):
    reply = await ask(**await login(scope="skyscan:read rotors:move"))
    clients.add(
        Client("page", None, frozenset({Scope.SKYSCAN_READ}), PAGE.grants, redirect_uris=(BACK,))
    )
    reply = await ask(**refresh(reply))
    assert reply.scope == "skyscan:read"
    clients.add(Client("page", None, frozenset({Scope.ADMIN}), PAGE.grants))
    assert await refused(ask(**refresh(reply))) == "invalid_scope"


async def test_another_clients_refresh_token_is_none(ask, login, verifier):
    reply = await ask(**await login())
    stolen = refresh(reply, client_id="portal", **PROOF)
    assert await refused(ask(**stolen)) == "invalid_grant"
    for other in ("made-up", reply.access_token, hash_secret(reply.refresh_token)):
        assert await refused(ask(**refresh(reply, refresh_token=other))) == "invalid_grant"
    await verifier.verify(reply.access_token)
    await ask(**refresh(reply))


async def test_only_hashes_are_stored(ask, login, codes, refresh_tokens):
    asked = await login()
    reply = await ask(**asked)
    stored = repr(codes.rows) + repr(refresh_tokens.rows)
    assert hash_secret(reply.refresh_token) in stored
    for secret in (asked["code"], reply.refresh_token, reply.access_token, VERIFIER):
        assert secret not in stored
        assert secret not in repr(reply)


# who may ask, and how


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"client_id": ""}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
        ({"code": ""}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
    ids=str,
)
async def test_refusals_have_the_names_of_the_standard(ask, login, changes, error):
    asked = {**await login("portal"), **PROOF}
    assert await refused(ask(**{**asked, **changes})) == error
    await ask(**asked)


async def test_a_client_asks_in_its_own_ways_only(ask, login):
    stolen = {**AS_NODE, "grant_type": "authorization_code", "code": (await login())["code"]}
    assert await refused(ask(**stolen)) == "unauthorized_client"
    brief = {"grant_type": "refresh_token", "client_id": "brief", "refresh_token": "x"}
    assert await refused(ask(**brief)) == "unauthorized_client"


async def test_a_confidential_client_proves_itself_each_time(ask, login):
    asked = await login("portal")
    assert await refused(ask(**asked)) == "invalid_client"
    reply = await ask(**asked, **PROOF)
    again = refresh(reply, client_id="portal")
    assert await refused(ask(**again)) == "invalid_client"
    await ask(**again, **PROOF)
