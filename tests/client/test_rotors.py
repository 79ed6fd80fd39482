"""Truth: what a server of the test's own was asked to do, and when."""

import asyncio
import time

import pytest

from skyscan_lab.client import (
    Conflict,
    OutcomeUnknown,
    ServerUnreachable,
    Unavailable,
    Upstream,
)
from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.rotors import RotorFields
from skyscan_lab.protocol.rpc import JOG_RENEWAL_S
from tests.client.small_server import (
    lose_answer,
    lose_request,
    never_answer,
    say,
    say_as_a_proxy,
    until,
)

JOG, STOP = ("POST", "/api/rotors/1/jog"), ("POST", "/api/rotors/1/stop")
BEGIN = ("jog", {"azimuth": 1, "elevation": 0, "epoch": None})
RENEW = ("jog", {"azimuth": 1, "elevation": 0, "epoch": 1})


async def test_listed_added_tested_and_asked(server, client):
    assert [rotor.name for rotor in await client.rotors()] == ["Roof"]
    added = await client.add_rotor(RotorFields(name="Mast", port=4534))
    assert (added.id, added.name, added.port) == (2, "Mast", 4534)
    assert (await client.test(1)).model == "simulated"
    where = await client.position(1)
    assert (where.azimuth, where.elevation) == (10.0, 20.0)


async def test_a_newer_server_may_say_more(server, client):
    async def with_more(request, answer):
        response = await answer()
        first = response.text.index("{") + 1
        response.text = response.text[:first] + '"weather": "fine",' + response.text[first:]
        return response

    for call, path in (
        (client.rotors(), "rotors"),
        (client.test(1), "rotors/1/test"),
        (client.position(1), "rotors/1/position"),
    ):
        server.faults["GET", f"/api/{path}"].append(with_more)
        assert await call
    server.faults[STOP].append(with_more)
    assert await client.stop(1)


async def test_moves_parks_and_stops(server, client):
    assert (await client.move(1, 10, 20)).status == "moving"
    assert (await client.park(1)).status == "parking"
    assert (await client.stop(1)).status == "stopped"
    assert server.moves == [
        ("move", {"azimuth": 10.0, "elevation": 20.0}),
        ("park", None),
        ("stop", None),
    ]


async def test_what_is_no_direction_is_not_sent(server, client):
    with pytest.raises(InvalidInput, match="elevation = 95"):
        await client.move(1, 10, 95)
    with pytest.raises(InvalidInput, match="azimuth = 2"):
        client.jog(1, azimuth=2)
    assert server.requests == []


@pytest.mark.parametrize(("status", "kind"), [(502, Upstream), (503, Unavailable)])
@pytest.mark.parametrize("verb", ["position", "test", "move", "park", "stop"])
async def test_what_the_hardware_says_is_an_answer(server, client, verb, status, kind):
    path = f"/api/rotors/1/{verb}"
    method = "GET" if verb in ("position", "test") else "POST"
    server.faults[method, path].append(say(status, "rotctld answered RPRT -6"))
    with pytest.raises(kind, match="rotctld answered RPRT -6"):
        await getattr(client, verb)(1, *((10, 20) if verb == "move" else ()))
    assert server.count(method, path) == 1


@pytest.mark.parametrize("fault", [lose_answer, lose_request, say_as_a_proxy(502)])
async def test_stopping_is_repeated_and_moving_is_not(server, client, fault):
    server.faults[STOP].extend([fault, fault])
    assert (await client.stop(1)).status == "stopped"
    assert server.count(*STOP) == 3
    for call, path in ((client.move(1, 10, 20), "move"), (client.park(1), "park")):
        server.faults["POST", f"/api/rotors/1/{path}"].append(fault)
        with pytest.raises(OutcomeUnknown, match=r"client.position\(rotor\) says where it is"):
            await call
        assert server.count("POST", f"/api/rotors/1/{path}") == 1


async def test_a_jog_is_renewed_every_second_and_stopped_at_the_end(server, client):
    began = time.monotonic()
    async with client.jog(1, azimuth=1):
        await until(lambda: len(server.moves) == 3)
    assert server.moves == [BEGIN, RENEW, RENEW, ("stop", None)]
    assert time.monotonic() - began >= 2 * (JOG_RENEWAL_S / 2)


async def test_a_short_jog_is_stopped_too(server, client):
    async with client.jog(1, azimuth=1):
        pass
    assert server.moves == [BEGIN, ("stop", None)]


async def test_an_error_in_the_block_stops_it_and_is_the_error(server, client):
    with pytest.raises(ZeroDivisionError):
        async with client.jog(1, azimuth=1):
            _ = 1 / 0
    assert server.moves == [BEGIN, ("stop", None)]


async def test_a_time_limit_in_the_block_stops_it_and_stays_one(server, client):
    with pytest.raises(TimeoutError):
        async with client.jog(1, azimuth=1), asyncio.timeout(0.05):
            await asyncio.sleep(60)
    assert server.moves == [BEGIN, ("stop", None)]


async def test_cancelling_the_block_stops_it(server, client):
    begun = asyncio.Event()

    async def jog():
        async with client.jog(1, azimuth=1):
            begun.set()
            await asyncio.sleep(60)

    jogging = asyncio.create_task(jog())
    await begun.wait()
    jogging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await jogging
    assert server.moves == [BEGIN, ("stop", None)]


async def test_a_jog_that_cannot_begin_is_no_jog(server, client):
    server.faults[JOG].append(say(409, "Roof is held by scan 3"))
    with pytest.raises(Conflict, match="Roof is held by scan 3"):
        async with client.jog(1, azimuth=1):
            raise AssertionError
    server.faults[JOG].append(lose_answer)
    with pytest.raises(OutcomeUnknown, match="it is stopped 2 s later"):
        async with client.jog(1, azimuth=1):
            raise AssertionError
    assert server.count(*STOP) == 0


async def test_a_jog_that_somebody_stopped_ends_the_block_and_stops_nobody_else(server, client):
    async def jog():
        async with client.jog(1, azimuth=1):
            server.epoch += 1  # somebody else has it now
            await asyncio.sleep(60)

    with pytest.raises(Conflict, match="the claim with epoch 1 has ended"):
        await jog()
    assert server.count(*STOP) == 0


@pytest.mark.parametrize("fault", [lose_answer, lose_request, say(503, "slow"), never_answer])
async def test_one_renewal_may_be_lost(server, client, fault):
    async with client.jog(1, azimuth=1):
        server.faults[JOG].append(fault)
        await until(lambda: server.count(*JOG) == 4)
    assert server.moves[-1] == ("stop", None)


async def test_a_jog_that_cannot_be_renewed_ends_the_block(server, client):
    async def jog():
        async with client.jog(1, azimuth=1):
            await server.stop()
            await asyncio.sleep(60)

    began = time.monotonic()
    with pytest.raises(ServerUnreachable, match="connection refused"):
        await jog()
    # By then the site has stopped it; sooner would end a jog that may go on.
    assert time.monotonic() - began >= JOG_RENEWAL_S
    await server.start()


async def test_a_stop_that_does_not_get_through_is_said(server, client):
    with pytest.raises(ServerUnreachable):
        async with client.jog(1, azimuth=1):
            await server.stop()
    await server.start()
