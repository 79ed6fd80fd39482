"""Truth: the trapezoid of the move, the wall clock, and one and the same scan in every haste."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import skyscan_lab.station as settings
from skyscan_lab.devices.base import Position, ReadingKey
from skyscan_lab.devices.simulated import (
    TIME_SCALE_VARIABLE,
    SimulatedDevices,
    SimulatedRotor,
    simulated_station,
    time_scale_from_environment,
)
from skyscan_lab.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    InvalidInput,
    OutOfLimits,
    PositionMismatch,
    RotorStalled,
)
from skyscan_lab.grid import ScanGrid
from skyscan_lab.scanning import scan
from skyscan_lab.simulation.defaults import default_model
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.simulation.session import record_session
from skyscan_lab.station import Station

EPOCH = datetime(2026, 6, 1, 9, tzinfo=UTC)
STATION = Station(
    rotor=settings.SimulatedRotor(
        azimuth_speed_deg_s=20.0, acceleration_deg_s2=40.0, backlash_deg=0.1
    ),
    receiver=settings.SimulatedReceiver(resolution=0, gain_drift_db=0.5, impulse_share=0.05),
    seed=5,
)
KEY = ReadingKey("session", 3)


def devices(scale: float = 1e6, station: Station = STATION) -> SimulatedDevices:
    return simulated_station(station, scale=scale, epoch=EPOCH)


async def under_way(rotor: SimulatedRotor) -> None:
    while True:
        if (await rotor.position()).azimuth_deg >= 40.0:
            return
        await asyncio.sleep(0.005)


async def scanned(scale: float, journal, *, watchers: int = 0, polled: float = 0.0):
    """Session of a scan, with tasks that look at everything there is to see meanwhile."""
    made = devices(scale)
    looks = 0

    async def watch() -> None:
        nonlocal looks
        while True:
            await made.rotor.position()
            await made.receiver.read(2)
            made.clock.now()
            await made.clock.sleep(polled)
            looks += 1

    grid = ScanGrid(az=(160, 172), el=(30, 34), step=2, order="serpentine")
    async with made.rotor, made.receiver, asyncio.TaskGroup() as group:
        watching = [group.create_task(watch()) for _ in range(watchers)]
        async with scan(
            grid,
            made.rotor,
            made.receiver,
            reads=4,
            clock=made.clock,
            journal=journal,
            session="invariant",
        ) as running:
            async for _ in running:
                pass
            ds = running.session()
        for task in watching:
            task.cancel()
    assert bool(looks) == bool(watchers)
    return ds


async def test_neither_haste_nor_watchers_change_a_scan(tmp_path) -> None:
    reference = await scanned(1e6, tmp_path / "reference.journal")
    for number, (scale, watchers) in enumerate([(100.0, 0), (1e3, 1), (1e6, 3)]):
        ds = await scanned(
            scale, tmp_path / f"{number}.journal", watchers=watchers, polled=1e-3 * scale
        )
        for name in reference.variables:
            assert ds[name].identical(reference[name]), (scale, name)


async def test_a_scan_in_time_is_the_one_simulated_at_once(tmp_path) -> None:
    ds = await scanned(1e6, tmp_path / "scan.journal")
    grid = ScanGrid(az=(160, 172), el=(30, 34), step=2, order="serpentine")
    at_once = record_session(
        default_model(STATION), grid, reads=4, epoch=EPOCH, session="invariant"
    )
    for name in ("rssi", "rssi_std", "rssi_last", "azimuth_measured", "elevation_measured"):
        np.testing.assert_allclose(ds[name], at_once[name], rtol=0.0, atol=1e-9)
    assert np.abs(ds.time.values - at_once.time.values).max() <= np.timedelta64(5, "us")


async def test_a_move_takes_its_trapezoid_and_settling_of_station_time() -> None:
    made = devices()
    async with made.rotor as rotor:
        reached = await rotor.move(100.0, 0.0)
    assert reached == pytest.approx((100.0, 0.0), abs=0.05)
    assert made.clock.seconds == pytest.approx(100.0 / 20.0 + 20.0 / 40.0 + 0.2)
    assert made.clock.now() == EPOCH + timedelta(seconds=made.clock.seconds)


async def test_readings_take_their_time_and_belong_to_their_key() -> None:
    made = devices()
    async with made.rotor, made.receiver as receiver:
        first = await receiver.read(7, KEY)
        assert made.clock.seconds == pytest.approx(7 * receiver.integration_s)
        aside = await receiver.read(7)
        assert made.clock.seconds == pytest.approx(7 * 0.02)
        second = await receiver.read(7, KEY._replace(sequence=4))
    other = devices()
    async with other.receiver as receiver:
        assert await receiver.read(7, KEY) == first
    assert len({first.mean, aside.mean, second.mean}) == 3
    assert first.domain == "linear power"
    with pytest.raises(InvalidInput, match="reads"):
        async with made.receiver as receiver:
            await receiver.read(0)


async def test_real_time_is_real() -> None:
    made = devices(scale=1.0)
    began = time.monotonic()
    async with made.receiver as receiver:
        for _ in range(5):
            await receiver.read(2, KEY)
    assert time.monotonic() - began >= 5 * 2 * 0.02 - 0.06  # a late wake-up is made good


async def test_a_stop_does_not_take_as_long_as_the_move_that_it_ends() -> None:
    made = devices(scale=2.0)
    async with made.rotor as rotor:
        move = asyncio.ensure_future(rotor.move(400.0, 0.0))  # ten seconds of ours
        await under_way(rotor)
        async with asyncio.timeout(3):
            await rotor.stop()
        with pytest.raises(RotorStalled):
            await move


async def test_position_follows_the_move_and_stop_brakes_it() -> None:
    made = devices(scale=20.0)
    async with made.rotor as rotor:
        moving = asyncio.create_task(rotor.move(170.0, 20.0))
        seen = [0.0]
        while seen[-1] < 40.0:
            await asyncio.sleep(0.005)
            seen.append((await rotor.position()).azimuth_deg)
        await rotor.stop()
        stopped = await rotor.position()
        with pytest.raises(RotorStalled, match="stopped on the way"):
            await moving
        assert np.all(np.diff(seen) >= -0.2)
        assert 40.0 <= stopped.azimuth_deg < 169.0
        await asyncio.sleep(0.02)
        assert await rotor.position() == pytest.approx(stopped, abs=0.2)


async def test_a_cancelled_move_brakes_too() -> None:
    made = devices(scale=20.0)
    async with made.rotor as rotor:
        moving = asyncio.create_task(rotor.move(170.0, 20.0))
        await under_way(rotor)
        moving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await moving
        await made.clock.begin(made.clock.seconds + 10.0).finished()  # it would be there by then
        stopped = await rotor.position()
        assert stopped.azimuth_deg < 169.0
        assert (await rotor.move(10.0, 10.0)) == pytest.approx((10.0, 10.0), abs=0.05)


async def test_the_last_move_wins() -> None:
    made = devices(scale=20.0)
    async with made.rotor as rotor:
        first = asyncio.create_task(rotor.move(170.0, 20.0))
        await asyncio.sleep(0.05)
        assert await rotor.move(5.0, 5.0) == pytest.approx((5.0, 5.0), abs=0.05)
        with pytest.raises(RotorStalled):
            await first


async def test_parking_goes_to_the_nearest_place_within_the_limits() -> None:
    station = Station.model_validate(
        {"rotor": {"limits": {"elevation_deg": [18, 65], "azimuth_deg": [-10, 300]}}}
    )
    made = devices(station=station)
    async with made.rotor as rotor:
        with pytest.raises(OutOfLimits):
            await rotor.move(20.0, 17.9)
        await rotor.move(20.0, 40.0)
        await rotor.park()
        assert await rotor.position() == pytest.approx((0.0, 18.0), abs=0.05)


@pytest.mark.parametrize(
    ("faults", "error", "says"),
    [
        (RotorFaults(stalled=True), RotorStalled, "stands at az 0.00°"),
        (RotorFaults(jam_azimuth_deg=40.0), RotorStalled, "stands at az 40.00°"),
        (RotorFaults(overrun_deg=3.0), RotorStalled, "stands at az 93"),
        (RotorFaults(report_frozen=True), RotorStalled, "stands at az 0.00°"),
        (RotorFaults(report_offset_deg=(-300.0, 0.0)), PositionMismatch, "outside its limits"),
    ],
)
async def test_broken_hardware_is_told_by_name_and_works_once_repaired(
    faults: RotorFaults, error: type[Exception], says: str
) -> None:
    made = devices()
    async with made.rotor as rotor:
        rotor.inject(faults)
        with pytest.raises(error, match=says):
            await rotor.move(90.0, 45.0)
        rotor.inject(RotorFaults())
        assert await rotor.move(90.0, 45.0) == pytest.approx((90.0, 45.0), abs=0.05)


async def test_a_rotor_that_stalls_in_mid_move_does_not_arrive() -> None:
    made = devices(scale=20.0)
    async with made.rotor as rotor:
        moving = asyncio.create_task(rotor.move(170.0, 20.0))
        await under_way(rotor)
        rotor.inject(RotorFaults(stalled=True))
        with pytest.raises(RotorStalled, match="stands at"):
            await moving


async def test_pulled_cables_and_failing_readings() -> None:
    made = devices()
    async with made.rotor as rotor, made.receiver as receiver:
        receiver.fail(2)
        for _ in range(2):
            with pytest.raises(DeviceTimeout):
                await receiver.read(1, KEY)
        assert (await receiver.read(1, KEY)).reads == 1
        rotor.unplug()
        receiver.unplug()
        for use in (rotor.position, rotor.stop, rotor.park, lambda: receiver.read(1)):
            with pytest.raises(DeviceUnreachable, match="unplugged"):
                await use()
        with pytest.raises(DeviceUnreachable, match="unplugged"):
            await receiver.__aenter__()
        rotor.plug_in()
        assert await rotor.position() == Position(0.0, 0.0)
    with pytest.raises(DeviceUnreachable, match="not connected"):
        await rotor.position()


async def test_idle_time_passes_when_people_made_it_and_not_otherwise() -> None:
    made = devices(scale=100.0)
    async with made.rotor as rotor:
        made.clock.catch_up()
        assert made.clock.now() == EPOCH  # the first one starts at the given epoch
        await rotor.move(1.0, 0.0)
        worked = made.clock.seconds
        await asyncio.sleep(0.05)
        assert made.clock.seconds == worked
        began = time.monotonic()
        made.clock.catch_up()
        assert made.clock.seconds - worked >= 100.0 * 0.05 * 0.9
        again = made.clock.seconds
        made.clock.catch_up()
        assert made.clock.seconds - again <= 100.0 * (time.monotonic() - began)


async def test_a_station_at_work_has_nothing_to_catch_up_with() -> None:
    made = devices(scale=20.0)
    async with made.rotor as rotor:
        moving = asyncio.create_task(rotor.move(60.0, 0.0))
        await asyncio.sleep(0.02)
        made.clock.catch_up()
        await moving
    assert made.clock.seconds == pytest.approx(60.0 / 20.0 + 20.0 / 40.0 + 0.2)


async def test_without_an_epoch_it_is_now() -> None:
    made = simulated_station(Station(), scale=1.0)
    assert abs(made.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(("text", "scale"), [("", 1.0), (" 1000 ", 1000.0), ("0.5", 0.5)])
def test_time_scale_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str, scale: float
) -> None:
    monkeypatch.setenv(TIME_SCALE_VARIABLE, text)
    assert time_scale_from_environment() == scale
    assert simulated_station(Station()).clock.scale == scale


@pytest.mark.parametrize("text", ["fast", "0", "-1", "nan", "inf"])
def test_a_time_scale_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(TIME_SCALE_VARIABLE, text)
    with pytest.raises(InvalidInput, match=TIME_SCALE_VARIABLE):
        time_scale_from_environment()


@pytest.mark.parametrize(
    "arguments",
    [{"scale": 0.0}, {"scale": float("nan")}, {"epoch": datetime(2026, 1, 1)}],  # noqa: DTZ001 (that is the mistake)
)
def test_a_clock_that_cannot_be_is_refused(arguments: dict) -> None:
    with pytest.raises(InvalidInput):
        simulated_station(Station(), **{"scale": 1.0, **arguments})
