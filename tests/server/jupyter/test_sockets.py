"""Truth: what the hub's end of a socket saw, by its own account, and what the browser's did."""

import asyncio

import pytest
from aiohttp import WSMsgType

pytestmark = pytest.mark.system


async def close_of(socket):
    """Code and reason with which the server closes a socket."""
    message = await socket.receive(timeout=30)
    assert message.type is WSMsgType.CLOSE, message
    return message.data, message.extra


async def test_messages_go_both_ways_unchanged_and_in_order(jupyter, hub, script):
    sent = ["é°", b"\x00\xff", "", b"", "x" * 2**19, *(str(number) for number in range(300))]
    async with script.ws_connect(jupyter.hub("/ws/echo?after=3")) as socket:

        async def send():
            for message in sent:
                await (socket.send_str if isinstance(message, str) else socket.send_bytes)(message)

        sending = asyncio.create_task(send())
        received = [(await socket.receive(timeout=30)).data for _ in sent]
        await sending
    assert received == sent
    assert hub.asked == [("GET", "/ws/echo?after=3")]


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1000, "done"), (1011, "é" * 61), (4404, "no"), (3000, "x")]
)
async def test_the_hub_s_close_is_the_browser_s(jupyter, hub, script, code, reason):
    url = jupyter.hub("/ws/close").update_query(code=code, reason=reason)
    async with script.ws_connect(url) as socket:
        assert await close_of(socket) == (code, reason)


@pytest.mark.parametrize("code", [1000, 1001, 3456, 4999])
async def test_the_browser_s_close_is_the_hub_s(jupyter, hub, script, code):
    async with script.ws_connect(jupyter.hub("/ws/echo")) as socket:
        await socket.send_str("here")
        await socket.receive(timeout=30)
        await socket.close(code=code, message=b"enough")
    assert await asyncio.wait_for(hub.closed_with, 30) == code


async def test_a_browser_that_vanishes_leaves_the_hub(jupyter, hub, script):
    async with script.ws_connect(jupyter.hub("/ws/echo")) as socket:
        await socket.send_str("here")
        await socket.receive(timeout=30)
        socket._response.connection.transport.abort()
        assert await asyncio.wait_for(hub.closed_with, 30) == 1001


async def test_a_hub_that_vanishes_is_told_from_one_that_closes(jupyter, hub, script):
    async with script.ws_connect(jupyter.hub("/ws/abort")) as socket:
        await socket.send_str("go")
        assert (await close_of(socket))[0] == 1014


async def test_a_socket_that_the_hub_refuses_says_why_it_closes(jupyter, hub, script):
    async with script.ws_connect(jupyter.hub("/ws/refused")) as socket:
        assert (await close_of(socket))[0] == 4404


async def test_without_a_hub_the_socket_says_how_to_start_one(jupyter, script):
    async with script.ws_connect(jupyter.hub("/ws/echo")) as socket:
        code, reason = await close_of(socket)
        assert code == 4503
        assert "skyscan lab starts one" in reason


async def test_pings_are_answered_and_go_no_farther(jupyter, hub, script):
    async with script.ws_connect(jupyter.hub("/ws/deaf"), autoping=False) as socket:
        await socket.ping(b"are you there")
        message = await socket.receive(timeout=30)
        assert (message.type, message.data) == (WSMsgType.PONG, b"are you there")


async def test_the_hub_waits_for_a_browser_that_does_not_read(jupyter, hub, script):
    messages = 2000  # 125 MiB
    async with script.ws_connect(jupyter.hub(f"/ws/flood?messages={messages}")) as socket:
        sent = -1
        while sent != hub.sent:
            sent = hub.sent
            await asyncio.sleep(0.2)
        assert sent < 64 * 2**20
        for number in range(messages):
            assert (await socket.receive_bytes())[:4] == number.to_bytes(4, "big")


async def test_a_browser_that_never_reads_holds_the_hub_up_for_a_while_only(jupyter, hub, script):
    async with script.ws_connect(jupyter.hub("/ws/flood?messages=2000")):
        await hub.joined.wait()
        await asyncio.wait_for(hub.closed_with, 30)


async def test_the_browser_waits_for_a_hub_that_does_not_read(jupyter, hub, script):
    sent = 0

    async def send_on():
        nonlocal sent
        while sent < 200 * 2**20:
            await asyncio.wait_for(socket.send_bytes(bytes(2**16)), 30)
            sent += 2**16

    async with script.ws_connect(jupyter.hub("/ws/deaf")) as socket:
        with pytest.raises(ConnectionError):  # we stop reading, then give it up
            await send_on()
    assert sent < 64 * 2**20


async def test_a_message_that_is_too_large_ends_the_socket(jupyter, hub, script):
    async with script.ws_connect(jupyter.hub("/ws/echo")) as socket:
        await socket.send_str("x" * (2**20 + 1))
        assert (await close_of(socket))[0] == 1009
