"""Truth: RFC 6749, section 4.1: what goes back to a client, and what must not."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from skyscan_server.auth.grants.authorization import AuthorizationRequest, Authorizations
from skyscan_server.auth.grants.clients import Client, GrantType
from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.pkce import challenge_of
from skyscan_server.auth.machine_secret import hash_secret
from skyscan_server.auth.principal import Principal
from skyscan_server.auth.scopes import GRANTS, Scope

BACK = "http://127.0.0.1:8888/back?from=hub"
VERIFIER = "v" * 43
OWNER = Principal("owner", None, GRANTS["owner"], "login.1", None)
PAGE = Client(
    "page",
    None,
    GRANTS["operator"],
    frozenset({GrantType.AUTHORIZATION_CODE}),
    redirect_uris=("https://lab.example/back", BACK),
)
GOOD = {
    "response_type": "code",
    "client_id": "page",
    "redirect_uri": BACK,
    "state": "a b&c=d",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}


@pytest.fixture
def authorizations(clients, codes, clock):
    clients.add(PAGE)
    return Authorizations("https://hub.example", clients, codes, clock)


def request(**changes):
    merged = {**GOOD, **changes}
    return AuthorizationRequest.of((name, value) for name, value in merged.items() if value)


def parameters(address):
    assert address.startswith(BACK)
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


async def test_a_code_goes_back_with_what_came(authorizations):
    answer = parameters(await authorizations.authorize(OWNER, request()))
    assert answer.pop("code")
    assert answer == {"from": "hub", "state": GOOD["state"], "iss": "https://hub.example"}


async def test_no_state_goes_back_where_none_came(authorizations):
    answer = parameters(await authorizations.authorize(OWNER, request(state="")))
    assert set(answer) == {"from", "code", "iss"}


async def test_what_is_stored_of_a_code(authorizations, codes, clock):
    answer = parameters(await authorizations.authorize(OWNER, request(scope="skyscan:read")))
    ((code_hash, stored),) = codes.rows.items()
    assert code_hash == stored.code_hash == hash_secret(answer["code"])
    assert (stored.client_id, stored.redirect_uri) == ("page", BACK)
    assert stored.challenge == GOOD["code_challenge"]
    assert (stored.subject, stored.scopes) == ("owner", {Scope.SKYSCAN_READ})
    assert stored.expires == clock.now + timedelta(seconds=60)
    assert answer["code"] not in repr(stored)


async def test_codes_and_families_do_not_repeat(authorizations, codes):
    for _ in range(50):
        await authorizations.authorize(OWNER, request())
    assert len(codes.rows) == 50
    assert len({code.family for code in codes.rows.values()}) == 50


@pytest.mark.parametrize(
    ("asked", "has", "given"),
    [
        ("", "owner", GRANTS["operator"]),
        ("", "requester", GRANTS["requester"]),
        ("skyscan:read", "owner", {Scope.SKYSCAN_READ}),
        ("rotors:move skyscan:read", "requester", {Scope.SKYSCAN_READ}),
    ],
)
async def test_no_more_than_client_and_person_may(authorizations, codes, asked, has, given):
    person = Principal("ada", None, GRANTS[has], "login.1", None)
    assert "code" in parameters(await authorizations.authorize(person, request(scope=asked)))
    (stored,) = codes.rows.values()
    assert stored.scopes == given


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": ""}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "skyscan:read admin"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "skyscan:read openid"}, "invalid_scope"),
    ],
)
async def test_refusals_go_back_to_the_client(authorizations, codes, changes, error):
    answer = parameters(await authorizations.authorize(OWNER, request(**changes)))
    assert answer["error"] == error
    assert answer["error_description"]
    assert (answer["state"], answer["iss"]) == (GOOD["state"], "https://hub.example")
    assert "code" not in answer
    assert not codes.rows


async def test_nothing_goes_to_an_address_that_is_not_the_clients(authorizations, codes):
    for uri in ("", "https://thief.example/", f"{BACK}/x", BACK.upper(), "https://lab.example/"):
        with pytest.raises(OAuthError, match="invalid_request: redirect_uri"):
            await authorizations.authorize(OWNER, request(redirect_uri=uri))
    for name in ("", "nobody"):
        with pytest.raises(OAuthError, match="invalid_client"):
            await authorizations.authorize(OWNER, request(client_id=name))
    assert not codes.rows


async def test_a_client_that_may_not_ask_for_codes(authorizations, clients):
    clients.add(
        Client(
            "service",
            hash_secret("s"),
            frozenset({Scope.SKYSCAN_READ}),
            frozenset({GrantType.CLIENT_CREDENTIALS}),
            redirect_uris=(BACK,),
        )
    )
    answer = parameters(await authorizations.authorize(OWNER, request(client_id="service")))
    assert answer["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    "principal",
    [
        Principal("node-1", "roof", GRANTS["owner"], "x.1", None),
        Principal("ada", None, frozenset(), "x.1", None),
        Principal("ada", None, frozenset({Scope.ADMIN}), "x.1", None),
    ],
)
async def test_who_has_nothing_to_give_gives_nothing(authorizations, codes, principal):
    answer = parameters(await authorizations.authorize(principal, request()))
    assert answer["error"] == "access_denied"
    assert not codes.rows


def test_a_parameter_that_comes_twice_is_refused():
    with pytest.raises(OAuthError, match="client_id: must not come twice"):
        AuthorizationRequest.of([("client_id", "page"), ("client_id", "thief")])
