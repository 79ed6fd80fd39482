"""Truth: the simulated station, whose faults are those of real ones, and its own repeatability."""

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xarray as xr

from skyscan_lab.devices.simulated import simulated_station
from skyscan_lab.errors import DeviceUnreachable, PositionMismatch, RotorStalled
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.scanning import FaultPolicy, ReferenceDirection, scan
from skyscan_lab.session import Flag, references_of
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.station import Station

EPOCH = datetime(2026, 2, 14, 12, tzinfo=UTC)
GRID = ScanGrid(az=(170, 174), el=(32, 35), step=1, order="serpentine")
REFERENCE = ReferenceDirection(azimuth_deg=160.0, elevation_deg=60.0, every_min=0.2)

pytestmark = pytest.mark.timeout(30)


@contextlib.asynccontextmanager
async def simulated_scan(path: Path, scale: float = 1e5, **options):
    station = Station()
    devices = simulated_station(station, scale=scale, epoch=EPOCH)
    policy = FaultPolicy.of_rotor(station.rotor)
    async with (
        devices.rotor as rotor,
        devices.receiver as receiver,
        scan(
            GRID,
            rotor,
            receiver,
            reads=4,
            session="sim",
            journal=path,
            clock=devices.clock,
            policy=policy,
            **options,
        ) as running,
    ):
        yield devices, running


async def test_the_clock_may_run_at_any_speed(tmp_path: Path) -> None:
    sessions = []
    for number, scale in enumerate((50.0, 1e5)):
        path = tmp_path / f"{number}.journal"
        async with simulated_scan(path, scale, reference=REFERENCE) as (_, running):
            assert await running.wait() is ScanStatus.COMPLETED
        sessions.append(running.session())
    # Times included: station time passes by what the station does.
    xr.testing.assert_identical(*sessions)
    looks = references_of(sessions[0])
    assert looks is not None
    assert looks.sizes["sample"] >= 2


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (RotorFaults(stalled=True), RotorStalled),
        (RotorFaults(jam_azimuth_deg=172.5), RotorStalled),
        (RotorFaults(report_offset_deg=(3.0, 0.0)), RotorStalled),
        (RotorFaults(report_offset_deg=(0.0, 100.0)), PositionMismatch),
        (RotorFaults(report_frozen=True), RotorStalled),
        (RotorFaults(overrun_deg=1.0), RotorStalled),
    ],
)
async def test_whatever_breaks_the_rotor_holds_the_scan_until_it_is_repaired(
    tmp_path: Path, faults: RotorFaults, error: type[Exception]
) -> None:
    async with simulated_scan(tmp_path / "a.journal") as (devices, running):
        devices.rotor.inject(faults)
        with pytest.raises(error):
            await running.wait()
        assert running.status is ScanStatus.PAUSED
        assert running.reasons == {PauseReason.FAULT}
        devices.rotor.inject(RotorFaults())
        running.resume()
        assert await running.wait() is ScanStatus.COMPLETED
    assert (running.session().flag == Flag.MEASURED).all()


async def test_a_pulled_cable_holds_the_scan(tmp_path: Path) -> None:
    async with simulated_scan(tmp_path / "a.journal") as (devices, running):
        async for point in running:
            if point.sequence == 5:
                break
        devices.rotor.unplug()
        with pytest.raises(DeviceUnreachable, match="unplugged"):
            await running.wait()
        devices.rotor.plug_in()
        running.resume()
        assert await running.wait() is ScanStatus.COMPLETED


async def test_readings_that_fail_for_good_leave_a_hole_of_one_point(tmp_path: Path) -> None:
    policy = FaultPolicy(retry_s=0.0)
    station = Station()
    devices = simulated_station(station, scale=1e5, epoch=EPOCH)
    async with devices.rotor as rotor, devices.receiver as receiver:
        running = scan(
            GRID,
            rotor,
            receiver,
            journal=tmp_path / "a.journal",
            clock=devices.clock,
            policy=policy,
        )
        receiver.fail(1 + policy.read_attempts)  # one is the look before the start
        async with running:
            assert await running.wait() is ScanStatus.COMPLETED
    ds = running.session()
    assert int((ds.flag == Flag.READING_FAILED).sum()) == 1
    assert int(ds.rssi.isnull().sum()) == 1


async def test_cancel_in_mid_move_stops_the_motors(tmp_path: Path) -> None:
    async with simulated_scan(tmp_path / "a.journal", scale=0.1) as (devices, running):
        await asyncio.sleep(0.3)  # under way to the first point, half a minute away
        before = await devices.rotor.position()
        running.cancel()
        assert await running.wait() is ScanStatus.CANCELLED
        where = await devices.rotor.position()
        assert where != before
        assert where.azimuth_deg < 170.0
        await asyncio.sleep(0.1)
        assert await devices.rotor.position() == where
