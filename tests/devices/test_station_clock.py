"""Truth: the computer's clock, where a station keeps to it; and a clock that only devices move."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from skyscan_lab.devices.station_clock import StationClock

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)


async def test_at_scale_one_it_is_the_computers_time_whatever_the_station_does():
    clock = StationClock()
    seen = []
    for _ in range(5):
        await asyncio.sleep(0.02)  # nobody moves anything
        seen.append(clock.now())
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
        assert await clock.begin(clock.seconds + 0.01).finished()
        seen.append(clock.now())
        clock.catch_up()
        seen.append(clock.now())
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] >= timedelta(seconds=4 * 0.02 + 5 * 0.01)


async def test_an_operation_takes_its_time_and_no_less():
    clock = StationClock()
    start = clock.seconds
    assert await clock.begin(start + 0.05).finished()
    assert clock.seconds >= start + 0.05


@pytest.mark.parametrize("clock", [StationClock(1.0, NOON), StationClock(1000.0, NOON)])
async def test_from_a_given_time_on_only_devices_make_it_pass(clock):
    await asyncio.sleep(0.02)
    assert clock.now() == NOON
    assert await clock.begin(3.0 / 1000 * clock.scale).finished()
    assert clock.seconds == 3.0 / 1000 * clock.scale
