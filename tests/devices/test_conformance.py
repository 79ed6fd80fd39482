"""Every rotor and every receiver keeps the promises of skyscan_lab.devices.base.

The same test for all: simulated, and each driver against our emulator of its hardware and,
where one exists, against an independent program that speaks the same protocol.
"""

import asyncio
import math

import pytest

from skyscan_lab.errors import DeviceError, OutOfLimits

TOLERANCE_DEG = 0.2


def distance(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


async def under_way(rotor, start):
    while True:
        if distance(await rotor.position(), start) > 1.0:
            return
        await asyncio.sleep(0.02)


async def test_rotor_tells_where_it_is_and_how_far_it_turns(rotor_case):
    async with rotor_case.rotor as rotor:
        position = await rotor.position()
        assert all(map(math.isfinite, position))
        for low, high in (rotor.limits.azimuth_deg, rotor.limits.elevation_deg):
            assert low < high
        rotor.limits.check(rotor.name, *rotor_case.near)
        rotor.limits.check(rotor.name, *rotor_case.far)


async def test_rotor_settles_where_it_was_sent(rotor_case):
    async with rotor_case.rotor as rotor:
        start = await rotor.position()
        reached = await rotor.move(*rotor_case.near)
        assert distance(reached, rotor_case.near) <= TOLERANCE_DEG
        assert distance(await rotor.position(), rotor_case.near) <= TOLERANCE_DEG
        assert distance(start, rotor_case.near) > TOLERANCE_DEG  # it had to move for this


async def test_rotor_refuses_bad_targets_before_it_sends_them(rotor_case):
    near = rotor_case.near
    async with rotor_case.rotor as rotor:
        start = await rotor.position()
        before = rotor_case.sent() if rotor_case.sent else None
        for target in (
            (math.nan, near.elevation_deg),
            (near.azimuth_deg, math.nan),
            (math.inf, near.elevation_deg),
            (near.azimuth_deg, -math.inf),
            tuple(rotor_case.outside),
        ):
            with pytest.raises(OutOfLimits, match=r"is outside \["):
                await rotor.move(*target)
        if rotor_case.sent:
            assert rotor_case.sent() == before
        assert distance(await rotor.position(), start) <= TOLERANCE_DEG


async def test_rotor_stops_in_mid_move(rotor_case):
    async with rotor_case.rotor as rotor:
        start = await rotor.position()
        moving = asyncio.create_task(rotor.move(*rotor_case.far))
        await under_way(rotor, start)
        await rotor.stop()
        stopped = await rotor.position()
        await asyncio.sleep(0.3)
        assert distance(await rotor.position(), stopped) <= TOLERANCE_DEG
        assert distance(stopped, rotor_case.far) > 1.0
        with pytest.raises(DeviceError):
            await moving


async def test_rotor_moves_on_after_a_stop(rotor_case):
    async with rotor_case.rotor as rotor:
        await rotor.stop()
        reached = await rotor.move(*rotor_case.near)
        assert distance(reached, rotor_case.near) <= TOLERANCE_DEG


async def test_rotor_parks_and_stays_there(rotor_case):
    async with rotor_case.rotor as rotor:
        await rotor.park()
        parked = await rotor.position()
        await asyncio.sleep(0.2)
        assert distance(await rotor.position(), parked) <= TOLERANCE_DEG


async def test_rotor_whose_peer_died_says_so_in_time(rotor_case):
    async with rotor_case.rotor as rotor:
        await rotor.position()
        await rotor_case.kill()
        async with asyncio.timeout(rotor_case.patience_s):
            with pytest.raises(DeviceError):
                await rotor.position()


async def test_rotor_goes_on_when_its_peer_is_back(rotor_case):
    async with rotor_case.rotor as rotor:
        await rotor.position()
        await rotor_case.kill()
        await rotor_case.restart()
        reached = await rotor.move(*rotor_case.near)
        assert distance(reached, rotor_case.near) <= TOLERANCE_DEG


async def test_rotor_finishes_a_move_across_a_restart_of_its_peer(rotor_case):
    async with rotor_case.rotor as rotor:
        await rotor.position()
        moving = asyncio.create_task(rotor.move(*rotor_case.near))
        await asyncio.sleep(0.05)
        await rotor_case.kill()
        await rotor_case.restart()
        reached = await moving
        assert distance(reached, rotor_case.near) <= TOLERANCE_DEG


async def test_rotor_is_used_connected_only(rotor_case):
    with pytest.raises(DeviceError):
        await rotor_case.rotor.position()
    async with rotor_case.rotor:
        pass
    with pytest.raises(DeviceError):
        await rotor_case.rotor.move(*rotor_case.near)


async def test_rotor_that_is_not_there_says_so_at_once(rotor_case):
    await rotor_case.kill()
    async with asyncio.timeout(rotor_case.patience_s):
        with pytest.raises(DeviceError):
            await rotor_case.rotor.__aenter__()


async def test_receiver_reads_as_often_as_asked(receiver_case):
    async with receiver_case.rotor, receiver_case.receiver as receiver:
        assert receiver.units == receiver_case.units
        for reads in (1, 5):
            measured = await receiver.read(reads)
            assert measured.reads == reads
            assert math.isfinite(measured.mean)
            assert math.isfinite(measured.last)


async def test_receiver_averages_decibels_as_powers_and_counts_as_they_are(receiver_case):
    async with receiver_case.rotor, receiver_case.receiver as receiver:
        measured = await receiver.read(4)
        linear = receiver.units != "counts"
        assert measured.domain.startswith("linear power" if linear else "native units")


async def test_receiver_refuses_to_read_nothing(receiver_case):
    async with receiver_case.rotor, receiver_case.receiver as receiver:
        for reads in (0, -1):
            with pytest.raises(ValueError, match="reads"):
                await receiver.read(reads)


async def test_receiver_whose_peer_died_says_so_in_time(receiver_case):
    async with receiver_case.rotor, receiver_case.receiver as receiver:
        await receiver.read(1)
        await receiver_case.kill()
        async with asyncio.timeout(receiver_case.patience_s):
            with pytest.raises(DeviceError):
                await receiver.read(1)


async def test_receiver_goes_on_when_its_peer_is_back(receiver_case):
    async with receiver_case.rotor, receiver_case.receiver as receiver:
        await receiver.read(1)
        await receiver_case.kill()
        await receiver_case.restart()
        assert (await receiver.read(2)).reads == 2


async def test_receiver_is_used_connected_only(receiver_case):
    with pytest.raises(DeviceError):
        await receiver_case.receiver.read(1)
