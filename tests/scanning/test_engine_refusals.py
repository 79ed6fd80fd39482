"""Truth: what does not fit the devices is refused, or marked, before anything moves."""

import asyncio

import pytest

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import OutOfLimits, RotorStalled, UnitsError
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import MissingRecord
from tests.scanning.engines import engine_of, records_of, until

pytestmark = pytest.mark.timeout(20)


async def test_units_that_differ_from_the_plan_are_refused(bench, parts) -> None:
    bench.receiver.units = "counts"
    async with engine_of(bench, parts) as engine:
        with pytest.raises(UnitsError, match="units of quick receiver = 'counts'"):
            await engine.run()


async def test_a_grid_beyond_the_limits_is_refused_by_axis(bench, parts) -> None:
    bench.rotor.limits = RotorLimits((0.0, 11.0), (21.0, 90.0))
    async with engine_of(bench, parts) as engine:
        with pytest.raises(OutOfLimits, match=r"azimuth 12°…13°.*elevation 20° \(1 of 3"):
            await engine.run()
        assert engine.status is ScanStatus.PENDING
    assert bench.rotor.stops == 0


async def test_a_scan_under_way_that_no_longer_fits_is_held(bench, parts) -> None:
    bench.rotor.failures.append(RotorStalled("quick rotor", "jammed"))
    async with engine_of(bench, parts) as engine:
        run = asyncio.create_task(engine.run())
        await until(lambda: engine.status is ScanStatus.PAUSED)
        run.cancel()
        await asyncio.wait({run})
    wide, bench.rotor.limits = bench.rotor.limits, RotorLimits((0.0, 11.0), (0.0, 90.0))
    async with engine_of(bench, parts) as engine:
        engine.resume()
        run = asyncio.create_task(engine.run())
        await until(engine.troubled.is_set)
        assert isinstance(engine.fault, OutOfLimits)
        assert engine.status is ScanStatus.PAUSED
        engine.resume()  # as it was: held again
        await until(engine.troubled.is_set)
        bench.rotor.limits = wide
        engine.resume()
        assert await run is ScanStatus.COMPLETED


async def test_clipped_points_are_marked_without_moving(bench, parts) -> None:
    bench.rotor.limits = RotorLimits((0.0, 360.0), (21.0, 90.0))
    plan = parts.plan.model_copy(update={"clip": True})
    async with engine_of(bench, parts, plan=plan) as engine:
        assert await engine.run() is ScanStatus.COMPLETED
        records = await records_of(engine)
    reasons = [record.reason for record in records if isinstance(record, MissingRecord)]
    assert reasons == ["out_of_limits"] * 4
    assert len(bench.rotor.targets) == 8
