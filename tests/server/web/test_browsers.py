"""Truth: the Fetch standard's CORS protocol, and what DNS rebinding needs to succeed."""

from __future__ import annotations

import aiohttp
import pytest

from skyscan_server.web.browsers import Browsers
from tests.server.web.sample import Site

JUPYTER = "https://jupyter.example.org"


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:5001", True),
        ("127.0.0.1", True),
        ("localhost:1", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("[::1]:5001", True),
        ("[::1]", True),
        ("hub.example.org", True),
        ("Hub.Example.Org.:443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("hub.example.org.evil.example", False),
        ("localhost@evil.example", False),
        ("[::1", False),
        ("", False),
        (":5001", False),
        ("10.0.0.1", False),
    ],
)
def test_a_host_is_known_by_its_whole_name(host, known):
    browsers = Browsers(hosts=["hub.example.org"])
    assert browsers.knows_host(host) is known
    assert browsers.knows_host(host) is known  # what is remembered says the same
    assert Browsers(hosts=None).knows_host(host)


def test_what_is_remembered_has_a_bound():
    browsers = Browsers()
    for port in range(10_000):
        assert browsers.knows_host(f"localhost:{port}")
    assert len(browsers._seen) < 100


@pytest.mark.parametrize(
    ("origin", "trusted"),
    [
        ("http://127.0.0.1:5001", True),
        ("https://127.0.0.1:5001", True),
        (JUPYTER, True),
        (JUPYTER.upper(), True),
        ("http://127.0.0.1:5002", False),
        ("http://127.0.0.1", False),
        ("https://jupyter.example.org.evil.example", False),
        ("https://jupyter.example.org:8443", False),
        ("http://jupyter.example.org", False),
        ("null", False),
        ("", False),
    ],
)
def test_an_origin_is_our_own_or_a_configured_one(origin, trusted):
    assert Browsers(origins=[f"{JUPYTER}/"]).trusts(origin, "127.0.0.1:5001") is trusted


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, browsers=Browsers(origins=[JUPYTER]))


async def test_another_host_is_refused_on_every_path(client):
    for path in ("/hello", "/aims", "/nothing", "/docs", "/metrics"):
        async with client.get(path, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421
            words = (await answer.json())["detail"]
    assert words == 'Host = "evil.example": must be a name of this server (allowed_hosts)'


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
async def test_another_origin_may_change_nothing(client, origin):
    for method, path in (("POST", "/aims"), ("DELETE", "/aims/1/files/x"), ("POST", "/grant")):
        async with client.request(method, path, headers={"Origin": origin}) as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers
    async with client.get("/aims", headers={"Origin": origin}) as answer:
        assert answer.status == 200
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_another_origin_gets_no_socket(client, site):
    own = f"http://127.0.0.1:{site.port}"
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect("/ws/rooms/1", origin="https://evil.example")
    assert caught.value.status == 403
    for origin in (own, JUPYTER):
        async with client.ws_connect("/ws/rooms/1", origin=origin) as socket:
            await socket.send_json({"kind": "stop"})
            assert (await socket.receive(5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_configured_origin_may_call_and_read(client):
    headers = {"Origin": JUPYTER}
    async with client.post("/aims", json={"azimuth": 1}, headers=headers) as answer:
        assert answer.status == 201
        assert answer.headers["Access-Control-Allow-Origin"] == JUPYTER
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    async with client.get("/nothing", headers=headers) as answer:
        assert answer.status == 404
        assert answer.headers["Access-Control-Allow-Origin"] == JUPYTER


async def test_a_preflight_is_answered_to_configured_origins_only(stranger):
    asked = {"Access-Control-Request-Method": "POST"}
    async with stranger.options("/aims", headers={"Origin": JUPYTER, **asked}) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == JUPYTER
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    async with stranger.options("/aims", headers={"Origin": "https://evil", **asked}) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_every_answer_says_that_its_type_is_meant(client):
    for path in ("/aims", "/nothing", "/docs", "/download/whole"):
        async with client.get(path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
