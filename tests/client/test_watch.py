"""Truth: the numbers that a server of the test's own gave its messages, whatever it did to them."""

import asyncio
import gc
from contextlib import aclosing

import pytest

from skyscan_lab.client import NotFound, ServerUnreachable, Unauthorized, UnexpectedAnswer
from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_lab.protocol.lifecycle import ScanStatus
from tests.client.small_server import (
    GOING_AWAY,
    backwards,
    close_after,
    cut_after,
    go_silent_after,
    leave_out,
    lose_request,
    repeat_everything,
    say,
    say_as_a_proxy,
    until,
)

GOOD = "good"
SOCKET = ("GET", "/ws/skyscan/1")


async def numbers(updates):
    return [update.number async for update in updates]


async def test_everything_from_the_beginning_then_the_end(server, client):
    scan = server.add()
    scan.run_to_the_end()
    updates = [update async for update in client.watch(1)]
    assert [update.number for update in updates] == list(range(13))
    assert updates[0].status is ScanStatus.PENDING
    assert [update.completed for update in updates] == [0, 0, *range(1, 11), 10]
    assert [update.point.azimuth for update in updates if update.point] == list(range(1, 11))
    assert updates[-1].status is ScanStatus.COMPLETED
    assert updates[-1].progress_pct == 100.0


async def test_what_comes_while_watching_comes_at_once(server, client):
    scan = server.add()
    async with aclosing(client.watch(1)) as updates:
        assert (await anext(updates)).status is ScanStatus.PENDING
        scan.become(ScanStatus.RUNNING)
        assert (await anext(updates)).status is ScanStatus.RUNNING
        scan.measure()
        assert (await anext(updates)).point.azimuth == 1.0
        scan.become(ScanStatus.CANCELLED)
        assert (await anext(updates)).status is ScanStatus.CANCELLED
        with pytest.raises(StopAsyncIteration):
            await anext(updates)


@pytest.mark.parametrize("after", [1, 5, 11])
async def test_going_on_after_a_number(server, client, after):
    server.add().run_to_the_end()
    assert await numbers(client.watch(1, after)) == list(range(after + 1, 13))


async def test_a_session_that_is_known_to_the_end_has_no_more_to_tell(server, client):
    server.add().run_to_the_end()
    assert await numbers(client.watch(1, 12)) == []


FAULTS = {
    "cut": cut_after(3),
    "cut before a word": cut_after(0),
    "silent": go_silent_after(3),
    "silent from the start": go_silent_after(0),
    "going away": close_after(3, GOING_AWAY, "the server is shutting down"),
    "internal error": close_after(3, 1011, "internal error"),
    "closed as if it were the end": close_after(3, 1000),
    "store away": close_after(3, 4503, "the store takes nothing"),
    "repeated": repeat_everything,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_no_number_is_missed_or_repeated(server, client, fault):
    server.add().run_to_the_end()
    server.sockets.extend([fault, fault])
    troubles = []
    assert await numbers(client.watch(1, on_trouble=troubles.append)) == list(range(13))
    assert len(troubles) <= 2


async def test_numbers_that_the_server_never_tells_are_no_trouble(server, client):
    scan = server.add()
    scan.run_to_the_end()
    del scan.messages[4:6], scan.messages[7]
    troubles = []

    async def serve(socket, scan, after):
        numbers = (0, 1, 2, 3, 6, 7, 8, 10, 11, 12)
        for number, message in zip(numbers, scan.messages, strict=True):
            if number >= after:
                await socket.send_str(message)

    server.sockets.extend([serve] * 3)
    seen = await numbers(client.watch(1, on_trouble=troubles.append))
    assert seen == [0, 1, 2, 3, 6, 7, 8, 10, 11, 12]
    assert server.after == [0, 3, 8]
    assert troubles == []


@pytest.mark.parametrize("fault", [leave_out(0), leave_out(3), leave_out(12), backwards])
async def test_what_a_connection_has_left_out_is_asked_for_again(server, client, fault):
    server.add().run_to_the_end()
    server.sockets.append(fault)
    assert await numbers(client.watch(1)) == list(range(13))
    assert len(server.after) == 2


async def test_any_mixture_of_faults(server, client):
    server.add(az_end=99).run_to_the_end()
    server.sockets.extend(
        [cut_after(7), go_silent_after(9), cut_after(2), repeat_everything] + [cut_after(5)] * 5
    )
    assert await numbers(client.watch(1)) == list(range(103))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(say(503, "the server is shutting down"), id="503"),
        pytest.param(say_as_a_proxy(502), id="proxy"),
        pytest.param(lose_request, id="cut"),
    ],
)
async def test_a_handshake_that_fails_is_tried_again(server, client, fault):
    server.add().run_to_the_end()
    server.faults[SOCKET].extend([fault, fault])
    assert await numbers(client.watch(1)) == list(range(13))
    assert server.count(*SOCKET) == 3


async def test_a_server_that_is_restarted(server, client):
    scan = server.add()
    scan.become(ScanStatus.RUNNING)
    scan.measure(4)
    seen, troubles = [], []
    note = seen.append

    async def watch():
        async for update in client.watch(1, on_trouble=troubles.append):
            note(update.number)

    watching = asyncio.create_task(watch())
    await until(lambda: len(seen) == 6)
    await server.stop()
    scan.measure(2)
    await until(lambda: any("refused" in words for words in troubles))
    await server.start()
    scan.run_to_the_end()
    await watching
    assert seen == list(range(len(scan.messages)))


async def test_a_slow_reader_misses_nothing(server):
    # More than what fits into the buffers, and a heartbeat that nobody is there to hear.
    scan = server.add(az_end=350, el_end=40)
    scan.run_to_the_end()
    seen = []
    async with SkyScanClient(server.url, heartbeat_s=0.1, patience_s=5.0) as client:
        async for update in client.watch(1):
            if update.number in (1, 2, 700):
                await asyncio.sleep(0.5)
            seen.append(update.number)
    assert seen == list(range(len(scan.messages)))
    assert len(server.after) > 1, "the heartbeat did not cut in: make the pauses longer"


async def test_a_server_that_stays_away_is_named(server):
    server.add()
    async with (
        SkyScanClient(server.url, patience_s=0.5) as client,
        aclosing(client.watch(1)) as updates,
    ):
        await anext(updates)
        await server.stop()
        with pytest.raises(ServerUnreachable, match=f"{server.url} cannot be reached") as caught:
            await anext(updates)
        assert "scans go on without it" in str(caught.value)
    await server.start()


async def test_a_server_that_always_hangs_up_is_given_up(server):
    server.add()
    server.sockets.extend([close_after(1, 1011, "internal error, request 7")] * 100)
    async with SkyScanClient(server.url, patience_s=0.5) as client:
        with pytest.raises(ServerUnreachable, match="internal error, request 7"):
            await numbers(client.watch(1))


async def test_a_session_that_is_not_there(server, client):
    with pytest.raises(NotFound, match=r"^Scan session not found$"):
        await numbers(client.watch(7))
    assert server.count("GET", "/ws/skyscan/7") == 1


async def test_a_session_that_goes_away_while_watched(server, client):
    server.add().become(ScanStatus.RUNNING)
    server.sockets.append(close_after(2, 4404, "Scan session not found"))
    async with aclosing(client.watch(1)) as updates:
        assert [(await anext(updates)).number for _ in range(2)] == [0, 1]
        del server.scans[1]
        with pytest.raises(NotFound, match=r"^Scan session not found$"):
            await anext(updates)


async def test_a_token_that_ends_is_said(server):
    server.add()
    server.admits = GOOD
    server.sockets.append(close_after(1, 4401, "the token has expired"))
    async with SkyScanClient(server.url, token=GOOD) as client:
        with pytest.raises(Unauthorized, match="the token has expired"):
            await numbers(client.watch(1))


@pytest.mark.parametrize("words", ["not json", "[]", '{"session_id": 1}'])
async def test_messages_of_another_protocol(server, client, words):
    server.add()

    async def serve(socket, scan, after):
        await socket.send_str(words)

    server.sockets.append(serve)
    with pytest.raises(UnexpectedAnswer, match="is this the address of a skyscan server's public"):
        await numbers(client.watch(1))


async def test_a_message_may_say_more_than_we_know(server, client):
    scan = server.add()
    scan.run_to_the_end()
    scan.messages = [message[:-1] + ', "weather": "fine"}' for message in scan.messages]
    assert await numbers(client.watch(1)) == list(range(13))


async def test_leaving_early_hangs_up(server, client):
    server.add().become(ScanStatus.RUNNING)
    left = asyncio.Event()

    async def serve(socket, scan, after):
        for message in scan.messages:
            await socket.send_str(message)
        await socket.receive()
        left.set()

    server.sockets.append(serve)
    async for update in client.watch(1):
        if update.number == 1:
            break
    del update
    gc.collect()
    async with asyncio.timeout(5):
        await left.wait()


async def test_several_watch_at_once(server, client):
    scan = server.add()
    watching = [asyncio.create_task(numbers(client.watch(1))) for _ in range(20)]
    await asyncio.sleep(0.1)
    scan.run_to_the_end()
    assert await asyncio.gather(*watching) == [list(range(13))] * 20
