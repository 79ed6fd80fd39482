"""Truth: where a server of the test's own said that its rotor is, whatever broke in between."""

import asyncio
from contextlib import aclosing

import pytest

from skyscan_lab.client import NotFound, ServerUnreachable, Unauthorized, UnexpectedAnswer
from skyscan_lab.client.skyscan import SkyScanClient
from tests.client.small_server import (
    GOING_AWAY,
    close_after,
    cut_after,
    go_silent_after,
    lose_request,
    say,
    until,
)

GOOD = "good"
SOCKET = ("GET", "/ws/rotor/1")


async def test_where_it_is_and_then_each_change(server, client):
    async with aclosing(client.watch_rotor(1)) as positions:
        first = await anext(positions)
        assert (first.azimuth, first.elevation, first.rotor_name) == (10.0, 20.0, "Roof")
        for azimuth in (11.0, 12.0):
            server.turning.turn_to(azimuth)
            assert (await anext(positions)).azimuth == azimuth


FAULTS = {
    "cut": cut_after(1),
    "cut before a word": cut_after(0),
    "silent": go_silent_after(1),
    "going away": close_after(1, GOING_AWAY, "the server is shutting down"),
    "closed as if it were the end": close_after(1, 1000),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_it_goes_on_with_another_connection_and_tells_nothing_twice(server, client, fault):
    server.sockets.extend([fault, fault])
    troubles = []
    async with aclosing(client.watch_rotor(1, on_trouble=troubles.append)) as positions:
        assert (await anext(positions)).azimuth == 10.0
        following = asyncio.ensure_future(anext(positions))
        await until(lambda: server.count(*SOCKET) == 3)
        server.turning.turn_to(11.0)
        assert (await following).azimuth == 11.0
    assert len(troubles) == 2


async def test_a_server_that_is_restarted(server, client):
    troubles = []
    async with aclosing(client.watch_rotor(1, on_trouble=troubles.append)) as positions:
        await anext(positions)
        following = asyncio.ensure_future(anext(positions))
        await server.stop()
        await until(lambda: any("refused" in words for words in troubles))
        server.turning.turn_to(11.0)
        server.turning.turn_to(12.0)
        await server.start()
        assert (await following).azimuth == 12.0


@pytest.mark.parametrize("fault", [say(503, "the server is shutting down"), lose_request])
async def test_a_handshake_that_fails_is_tried_again(server, client, fault):
    server.faults[SOCKET].extend([fault, fault])
    async with aclosing(client.watch_rotor(1)) as positions:
        assert (await anext(positions)).azimuth == 10.0
    assert server.count(*SOCKET) == 3


async def test_a_server_that_always_hangs_up_is_given_up(server):
    server.sockets.extend([close_after(1, 1011, "internal error, request 7")] * 100)
    async with SkyScanClient(server.url, patience_s=0.5) as client:
        with pytest.raises(ServerUnreachable, match="internal error, request 7"):
            assert [where.azimuth async for where in client.watch_rotor(1)] == [10.0]


async def test_a_rotor_that_is_not_there(server, client):
    with pytest.raises(NotFound, match=r"^Rotor not found$"):
        await anext(client.watch_rotor(7))
    assert server.count("GET", "/ws/rotor/7") == 1


async def test_a_token_that_ends_is_said(server):
    server.admits = GOOD
    server.sockets.append(close_after(1, 4401, "the token has expired"))
    async with (
        SkyScanClient(server.url, token=GOOD) as client,
        aclosing(client.watch_rotor(1)) as positions,
    ):
        await anext(positions)
        server.admits = "another"
        with pytest.raises(Unauthorized, match="the token has expired"):
            await anext(positions)


async def test_messages_of_another_protocol(server, client):
    async def serve(socket, rotor, after):
        await socket.send_str('{"azimuth": "south"}')

    server.sockets.append(serve)
    with pytest.raises(UnexpectedAnswer, match="is this the address of a skyscan server's public"):
        await anext(client.watch_rotor(1))
