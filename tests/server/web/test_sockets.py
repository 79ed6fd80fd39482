"""Truth: RFC 6455 as an independent client sees it: frames, close codes, and silence."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType
from structlog.testing import capture_logs

from skyscan_server.auth.scopes import Scope
from skyscan_server.domain import errors
from tests.server.web.sample import FAILURES, Site, eventually

ROOM = "/ws/rooms/1"
QUIET_LINE = "/ws/lines/1"
FLOOD = "/ws/floods/1"
FLOODS = "/ws/floods/{room_id}"


async def closed(socket):
    """Wait for the end: its code and its words."""
    async with asyncio.timeout(5):
        while True:
            message = await socket.receive()
            if message.type is WSMsgType.CLOSE:
                return message.data, message.extra
            assert message.type is WSMsgType.TEXT, message


async def test_messages_go_both_ways_until_the_handler_is_done(client, site):
    async with client.ws_connect(ROOM) as socket:
        for words in ("one", "two"):
            await socket.send_json({"kind": "ask", "words": words})
            said = await socket.receive_json(timeout=5)
            assert said == {"words": words.upper(), "at": "2026-02-14T12:00:00"}
        await socket.send_bytes(b'{"kind": "ask", "words": "in bytes"}')
        assert (await socket.receive(5)).type is WSMsgType.TEXT
        assert site.open_sockets.count("/ws/rooms/{room_id}") == 1
        await socket.send_json({"kind": "stop"})
        assert await closed(socket) == (1000, "")
    await eventually(lambda: site.open_sockets.count("/ws/rooms/{room_id}") == 0)


async def test_what_is_refused_before_it_is_open_has_a_status(client):
    cases = {
        "/ws/rooms/404": (404, "no such room"),
        "/ws/rooms/x": (422, 'room_id = "x": must be an integer'),
        "/ws/rooms/1?limit=0": (422, 'limit = "0": must be greater'),
    }
    for path, (status, words) in cases.items():
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(path)
        assert caught.value.status == status
        async with client.get(path, headers=UPGRADE) as answer:
            assert words in (await answer.json())["detail"]


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


async def test_a_plain_request_is_told_to_upgrade(client):
    async with client.get(ROOM) as answer:
        assert answer.status == 426
        assert answer.headers["Upgrade"] == "websocket"
    for name, value in (("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", "short")):
        async with client.get(ROOM, headers={**UPGRADE, name: value}) as answer:
            assert answer.status == 400
            assert list(await answer.json()) == ["detail"]


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ('{"kind": "ask"}', 4422, "words: must be given"),
        ('{"kind": "x"}', 4422, 'kind = "x": must be one of "ask", "stop"'),
        ("no json", 4422, "message: must be JSON"),
        ('{"kind": "ask", "words": "gone"}', 4404, "Scan session not found"),
        ('{"kind": "ask", "words": "offline"}', 4503, "Cannot connect to rotctld"),
        ('{"kind": "ask", "words": "input"}', 4422, "az = 400: must be within [0, 360]"),
        ('{"kind": "ask", "words": "%s"}' % ("x" * 2000), 1009, ""),
    ],
)
async def test_what_is_refused_after_it_is_open_has_a_code(client, message, code, words):
    async with client.ws_connect(ROOM) as socket:
        await socket.send_str(message)
        given, reason = await closed(socket)
    assert given == code
    assert words in reason


async def test_a_failure_is_closed_without_a_word_of_it(client):
    with capture_logs() as events:
        async with client.ws_connect(ROOM, headers={"X-Request-Id": "s-1"}) as socket:
            await socket.send_json({"kind": "ask", "words": "bug"})
            assert await closed(socket) == (1011, "internal error, request s-1")
    assert "socket failed" in [event["event"] for event in events]


async def test_a_value_gives_way_to_what_is_wrong_with_it(client):
    async with client.ws_connect(ROOM) as socket:
        await socket.send_str('{"kind": "%s"}' % ("é" * 200))
        assert await closed(socket) == (4422, 'kind: must be one of "ask", "stop"')


async def test_a_long_reason_is_cut_between_letters(client, monkeypatch):
    monkeypatch.setitem(FAILURES, "long", errors.Refused("é" * 200))
    async with client.ws_connect(ROOM) as socket:
        await socket.send_json({"kind": "ask", "words": "long"})
        code, reason = await closed(socket)
    assert code == 4400
    assert reason.endswith("é…")
    assert len(reason.encode()) <= 123


async def test_what_is_not_opened_in_time_is_given_up(client):
    async with client.get("/ws/lines/3", headers=UPGRADE) as answer:
        assert answer.status == 503
        assert await answer.json() == {"detail": "the socket was not opened in time"}


async def test_the_handler_ends_when_its_client_leaves(client, site):
    for path in (ROOM, QUIET_LINE):
        socket = await client.ws_connect(path)
        assert site.open_sockets.count(path.replace("1", "{room_id}")) == 1
        await socket.close()
        async with asyncio.timeout(5):
            await site.handlers.finished.wait()
        site.handlers.finished.clear()
    assert site.handlers.ended == ["talk", "listen"]


async def test_the_handler_ends_when_its_client_is_cut_off(site):
    async with site.serve():
        for path in (ROOM, QUIET_LINE):
            async with site.client() as session:
                socket = await session.ws_connect(path, headers=site.bearer())
                socket._response.connection.transport.abort()
            async with asyncio.timeout(5):
                await site.handlers.finished.wait()
            site.handlers.finished.clear()


async def test_a_client_that_answers_no_ping_is_left(client, site):
    """Half a second of silence here: 0.4 s until the ping, 0.2 s until it is given up."""
    async with client.ws_connect(QUIET_LINE, autoping=False) as socket:
        assert (await socket.receive(5)).type is WSMsgType.PING
        async with asyncio.timeout(5):
            await site.handlers.finished.wait()


async def test_a_client_that_answers_pings_stays(client, site):
    """Twice as long as one that answers none; aiohttp's client answers while it receives."""
    async with client.ws_connect(QUIET_LINE) as socket:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.2):
                await socket.receive()
        assert site.open_sockets.count("/ws/lines/{room_id}") == 1


async def test_what_is_said_to_a_socket_that_does_not_listen_is_passed_over(client, site):
    async with client.ws_connect(QUIET_LINE) as socket:
        await socket.send_str("hello?")
        await socket.ping()
        assert site.open_sockets.count("/ws/lines/{room_id}") == 1
        assert site.handlers.ended == []


async def test_a_socket_ends_when_its_token_expires(client, site):
    async with client.ws_connect(ROOM) as talking, client.ws_connect(QUIET_LINE) as listening:
        site.clock.ahead = site.issuer.lifetime
        assert await closed(talking) == (4401, "the token has expired")
        assert await closed(listening) == (4401, "the token has expired")


async def test_a_socket_ends_when_its_token_is_revoked(client, site):
    made = site.issuer.mint("astronomer", [Scope.SKYSCAN_READ])
    headers = {"Authorization": f"Bearer {made.token}"}
    async with (
        client.ws_connect(ROOM, headers=headers) as revoked,
        client.ws_connect(ROOM) as other,
    ):
        await site.revoked.revoke(made.token_id, made.expires)
        assert await closed(revoked) == (4401, "the token has expired or was revoked")
        await other.send_json({"kind": "ask", "words": "still here"})
        assert (await other.receive_json(timeout=5))["words"] == "STILL HERE"


async def test_a_store_that_fails_ends_no_socket(client, site):
    asked = asyncio.Event()

    async def failing(ids):
        asked.set()
        raise OSError("disk")

    async with client.ws_connect(ROOM) as socket:
        site.revoked.any_revoked = failing
        with capture_logs() as events:
            async with asyncio.timeout(5):
                await asked.wait()
            await socket.send_json({"kind": "ask", "words": "still here"})
            assert (await socket.receive_json(timeout=5))["words"] == "STILL HERE"
            await eventually(lambda: events)
    assert events[0]["event"] == "a token could not be checked again"


async def test_a_shutdown_says_goodbye_to_all(site):
    async with site.client() as session:
        async with site.serve():
            session._base_url = session._base_url.with_port(site.port)
            headers = site.bearer()
            sockets = [
                await session.ws_connect(path, headers=headers) for path in (ROOM, QUIET_LINE, ROOM)
            ]
            ends = [asyncio.create_task(closed(socket)) for socket in sockets]
        assert {await end for end in ends} == {(1001, "the server is shutting down")}
    assert sorted(site.handlers.ended) == ["listen", "talk", "talk"]


async def test_a_shutdown_waits_for_goodbyes_and_opens_no_more(client, site):
    async with client.ws_connect(ROOM) as socket:
        end = asyncio.create_task(closed(socket))
        await site.open_sockets.close_all()
        assert site.open_sockets.count("/ws/rooms/{room_id}") == 0
        assert (await end)[0] == 1001
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect(ROOM)
    assert caught.value.status == 503


@asynccontextmanager
async def raw_socket(site, path):
    """A socket whose client reads its handshake and nothing more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=2**12)
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{site.port}"]
    lines += [f"{name}: {value}" for name, value in (UPGRADE | site.bearer()).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    writer.transport.pause_reading()
    try:
        yield writer
    finally:
        writer.transport.abort()


async def test_a_client_that_does_not_read_is_cut_off_and_others_are_not(tmp_path):
    site = Site(tmp_path, send_timeout_s=0.2)
    async with (
        site.serve() as client,
        client.ws_connect(ROOM, headers=site.bearer()) as other,
        raw_socket(site, FLOOD),
    ):
        await other.send_json({"kind": "ask", "words": "sent long ago"})
        assert (await other.receive_json(timeout=5))["words"] == "SENT LONG AGO"
        async with asyncio.timeout(5):
            await site.handlers.finished.wait()
        await eventually(lambda: site.open_sockets.count(FLOODS) == 0)
        # Its connection is gone, too, with all that had not been read.
        await eventually(lambda: len(site.runner.server.connections) == 1)
        await other.send_json({"kind": "ask", "words": "still here"})
        assert (await other.receive_json(timeout=5))["words"] == "STILL HERE"


async def test_a_client_that_does_not_read_holds_up_no_shutdown(tmp_path):
    site = Site(tmp_path, close_timeout_s=0.1)
    async with asyncio.timeout(5):
        async with site.serve(), raw_socket(site, FLOOD):
            await eventually(lambda: site.open_sockets.count(FLOODS) == 1)
            await asyncio.sleep(0.1)
            await site.open_sockets.close_all()
            await eventually(lambda: not site.runner.server.connections)
    assert site.handlers.ended == ["flood 1"]
