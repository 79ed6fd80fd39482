"""Truth: the declarations of all routes, as they are served: none can be forgotten here."""

from datetime import UTC, datetime, timedelta
from itertools import product

import aiohttp
import pytest
from joserfc.jwk import OKPKey

from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.keys import SigningKey, load_signing_key
from skyscan_server.auth.scopes import Scope
from skyscan_server.main.issuing import AUDIENCE, BUILT_IN, ISSUER, issuer_of
from skyscan_server.web.protected import all_routes, protected_routes

# What is open to everybody, said once more here, so that opening another one is a decision.
PUBLIC = {
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/api/health",
    "/asyncapi.json",
    "/docs",
    "/docs/sockets",
    "/health",
    "/healthz",
    "/oauth/authorize",
    "/oauth/revoke",
    "/oauth/token",
    "/openapi.json",
    "/readyz",
    "/v1/nodes/enrol",
}

# Bodies that are right in themselves, so that it is the caller who is refused.
BODIES = {
    "/v1/nodes/{node_id}/tasks/{session_id}/records": {
        "session_id": 1,
        "first": 1,
        "records": [],
    },
    "/v1/nodes/{node_id}/assets": {
        "label": "waterfall",
        "media_type": "image/png",
        "size": 1,
        "sha256": "0" * 64,
    },
}


# Where a token says by itself whose it is, and reaches nothing of anybody else's.
AS_ITSELF = {("POST", "/v1/nodes/register"), ("GET", "/v1/ws/node")}


@pytest.fixture
def key(served, tmp_path):
    return load_signing_key(tmp_path / "data")


@pytest.fixture
def tables(served):
    """Every protected route, with where it is served."""
    return [
        (base, route)
        for base, app in (
            (served.url, served.public),
            (served.gateway_url, served.gateway),
            (served.internal_url, served.internal),
        )
        for route in protected_routes(app)
    ]


def path_of(route):
    """The route with something that exists for every parameter, as far as anything does."""
    path = route.path
    for name in ("rotor_id", "session_id", "node_id"):
        path = path.replace(f"{{{name}}}", "1")
    for name in ("z", "x", "y"):
        path = path.replace(f"{{{name}}}", "0")
    path = path.replace("{client_id}", "nobody")
    return path.replace("{asset_id}", "0" * 32).replace("{asset}", "0" * 32)


async def status_of(client, base, route, token):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = base + path_of(route)
    assert "{" not in url, f"give this parameter a value: {url}"
    if route.is_socket:
        try:
            async with client.ws_connect(url, headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status
    body = BODIES.get(route.path)
    async with client.request(route.method, url, headers=headers, json=body) as response:
        if response.status >= 400 and route.method != "HEAD":
            assert list(await response.json()) == ["detail"]
        if response.status == 401:
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
        return response.status


def bad_tokens(key):
    """Tokens that are good nowhere, by what is wrong with them."""
    everything = frozenset(Scope)
    yesterday = lambda: datetime.now(UTC) - timedelta(days=1)  # noqa: E731
    ours = issuer_of(key)
    mint = {"subject": "thief", "scopes": everything, "installation": BUILT_IN}
    return {
        "none": None,
        "garbage": "not-a-token",
        "expired": Issuer(key, ISSUER, AUDIENCE, clock=yesterday).mint(**mint).token,
        "of another key": issuer_of(SigningKey(OKPKey.generate_key("Ed25519", auto_kid=True)))
        .mint(**mint)
        .token,
        "for another audience": Issuer(key, ISSUER, "elsewhere").mint(**mint).token,
        "of another issuer": Issuer(key, "elsewhere", AUDIENCE).mint(**mint).token,
        "cut short": ours.mint(**mint).token[:-8],
    }


async def test_a_bad_token_is_refused_everywhere(key, tables):
    assert len(tables) > 30
    async with aiohttp.ClientSession() as client:
        for (base, route), (what, token) in product(tables, bad_tokens(key).items()):
            status = await status_of(client, base, route, token)
            assert status == 401, f"{route.method} {route.path}, token {what}: {status}"


async def test_a_token_for_everything_else_is_refused_everywhere(key, tables):
    issuer = issuer_of(key)
    async with aiohttp.ClientSession() as client:
        for base, route in tables:
            others = frozenset(Scope) - {route.scope}
            token = issuer.mint("other", others, installation=BUILT_IN).token
            status = await status_of(client, base, route, token)
            assert status == 403, f"{route.method} {route.path}: {status}"


async def test_another_installation_is_refused_everywhere_but_as_itself(key, tables):
    token = issuer_of(key).mint("stranger", frozenset(Scope), installation="stranger").token
    answered = {}
    async with aiohttp.ClientSession() as client:
        for base, route in tables:
            answered[route] = await status_of(client, base, route, token)
    for route, status in answered.items():
        if route.scope is not Scope.NODE:
            expected = 403  # people and services see the things of all installations
        elif (route.method, route.path) in AS_ITSELF:
            continue
        else:
            expected = 404
            assert route.installation_bound
        assert status == expected, f"{route.method} {route.path}: {status}"
    gateway = [route for route in answered if route.scope is Scope.NODE]
    assert len(gateway) - len(AS_ITSELF) >= 8
    assert {(route.method, route.path) for route in gateway} >= AS_ITSELF


async def test_nothing_else_is_public(served):
    open_to_all = {
        route.path
        for app in (served.public, served.gateway, served.internal)
        for route in all_routes(app)
        if route.scope is None
    }
    assert open_to_all == PUBLIC
