"""Truth: RFC 6750 for bearer tokens; real tokens, made and verified by the hub's own issuer."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import aiohttp
import pytest

from skyscan_server.auth.scopes import Scope
from skyscan_server.web.authentication import loopback_access
from tests.server.web.sample import AUDIENCE, Site

ROOM = "/ws/rooms/1"


async def refused(answer, status):
    assert answer.status == status
    return (await answer.json())["detail"], answer.headers["WWW-Authenticate"]


async def test_without_a_token_nothing_is_answered(stranger):
    async with stranger.get("/aims") as answer:
        words, challenge = await refused(answer, 401)
    assert words == "a bearer token is needed"
    assert challenge == 'Bearer realm="skyscan"'


@pytest.mark.parametrize(
    "given", ["Basic YTpi", "Bearer", "Bearer ", "Token x", "x", "Bearer not.a.token", "Bearer é"]
)
async def test_what_is_no_good_token_is_refused(stranger, given):
    async with stranger.get("/aims", headers={"Authorization": given}) as answer:
        _, challenge = await refused(answer, 401)
    assert challenge == 'Bearer realm="skyscan", error="invalid_token"'


async def test_a_missing_scope_is_named(stranger, site):
    async with stranger.post("/aims", json={}, headers=site.bearer(Scope.SKYSCAN_READ)) as answer:
        words, challenge = await refused(answer, 403)
    assert words == "scope skyscan:write is needed"
    assert 'error="insufficient_scope", scope="skyscan:write"' in challenge


async def test_a_token_is_good_until_it_expires(stranger, site):
    headers = {"Authorization": f"bearer {site.token(lifetime=timedelta(minutes=1))}"}
    async with stranger.get("/aims", headers=headers) as answer:
        assert answer.status == 200
    site.clock.ahead = timedelta(minutes=1)
    async with stranger.get("/aims", headers=headers) as answer:
        words, _ = await refused(answer, 401)
    assert words == "the token has expired"


async def test_a_token_is_good_until_it_is_revoked(stranger, site):
    made = site.issuer.mint("astronomer", [Scope.SKYSCAN_READ])
    headers = {"Authorization": f"Bearer {made.token}"}
    async with stranger.get("/aims", headers=headers) as answer:
        assert answer.status == 200
    await site.revoked.revoke(made.token_id, made.expires)
    async with stranger.get("/aims", headers=headers) as answer:
        words, _ = await refused(answer, 401)
    assert words == "the token was revoked"


async def test_no_token_is_asked_for_on_a_public_route_and_none_is_looked_at(stranger):
    async with stranger.get("/hello", headers={"Authorization": "Bearer nonsense"}) as answer:
        assert (await answer.json())["words"] == "anonymous"


async def test_a_token_in_an_address_is_not_taken_over_http(stranger, site):
    async with stranger.get(f"/aims?token={site.token()}") as answer:
        assert answer.status == 401


async def test_who_may_not_call_learns_nothing_of_what_is_wrong_with_the_call(stranger):
    for path in ("/aims/x", "/aims?limit=x"):
        async with stranger.get(path) as answer:
            assert answer.status == 401


async def ask(session, path, **options):
    async with session.ws_connect(path, **options) as socket:
        await socket.send_json({"kind": "ask", "words": "hello"})
        return (await socket.receive_json(timeout=5))["words"]


async def test_a_socket_takes_a_token_in_its_header_or_its_address(stranger, site):
    assert await ask(stranger, ROOM, headers=site.bearer()) == "HELLO"
    assert await ask(stranger, f"{ROOM}?token={site.token()}&limit=3") == "HELLO"


async def test_a_page_cannot_put_a_token_into_an_address(stranger, site):
    origin = f"http://127.0.0.1:{site.port}"
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await ask(stranger, f"{ROOM}?token={site.token()}", origin=origin)
    assert caught.value.status == 401


async def test_a_page_uses_a_ticket_once_and_for_its_path(stranger, site):
    verified = await site.verifier.verify(site.token())
    origin = f"http://127.0.0.1:{site.port}"
    ticket = site.booth.tickets.issue(verified, ROOM)
    assert await ask(stranger, f"{ROOM}?ticket={ticket}", origin=origin) == "HELLO"
    other = site.booth.tickets.issue(verified, "/ws/rooms/2")
    for used in (ticket, other, "nonsense"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await ask(stranger, f"{ROOM}?ticket={used}", origin=origin)
        assert caught.value.status == 401


async def test_a_ticket_is_worth_no_more_than_the_token_it_was_got_with(stranger, site):
    made = site.issuer.mint("astronomer", [Scope.SKYSCAN_READ])
    ticket = site.booth.tickets.issue(await site.verifier.verify(made.token), ROOM)
    await site.revoked.revoke(made.token_id, made.expires)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await ask(stranger, f"{ROOM}?ticket={ticket}")
    assert caught.value.status == 401
    small = site.issuer.mint("astronomer", [Scope.ROTORS_READ])
    ticket = site.booth.tickets.issue(await site.verifier.verify(small.token), ROOM)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await ask(stranger, f"{ROOM}?ticket={ticket}")
    assert caught.value.status == 403


async def test_open_access_lets_in_callers_of_this_machine_to_what_it_opens(tmp_path):
    site = Site(tmp_path, open_access=loopback_access({Scope.SKYSCAN_READ}))
    async with site.serve() as session:
        async with session.get("/aims") as answer:
            assert answer.status == 200
        assert await ask(session, ROOM) == "HELLO"
        async with session.post("/aims", json={"azimuth": 1}) as answer:
            assert answer.status == 401
        async with session.get("/aims", headers={"Authorization": "Bearer bad"}) as answer:
            assert answer.status == 401
        for header in ("Forwarded", "X-Forwarded-For", "X-Real-IP"):
            async with session.get("/aims", headers={header: "203.0.113.7"}) as answer:
                assert answer.status == 401, header


@pytest.mark.parametrize(
    ("peer", "let_in"),
    [
        (("127.0.0.1", 1), True),
        (("127.8.8.8", 1), True),
        (("::1", 1, 0, 0), True),
        (("::ffff:127.0.0.1", 1, 0, 0), True),
        (("192.168.1.5", 1), False),
        (("::ffff:192.168.1.5", 1, 0, 0), False),
        (("fe80::1%eth0", 1, 0, 2), False),
        ("", False),
        (None, False),
    ],
)
def test_only_loopback_is_this_machine(peer, let_in):
    transport = SimpleNamespace(get_extra_info={"peername": peer}.get)
    request = SimpleNamespace(transport=transport, headers={})
    principal = loopback_access({Scope.SKYSCAN_READ})(request)
    assert (principal is not None) is let_in


async def test_a_token_of_another_audience_is_refused(stranger, site):
    site.issuer.audience = f"not {AUDIENCE}"
    async with stranger.get("/aims", headers=site.bearer()) as answer:
        assert answer.status == 401
