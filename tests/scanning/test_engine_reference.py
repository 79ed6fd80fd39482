"""Truth: station time, by which the reference direction is due."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from skyscan_lab.devices.clock import ScaledClock
from skyscan_lab.errors import DeviceTimeout, OutOfLimits
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import ReferenceRecord, StatusRecord
from skyscan_lab.scanning import ReferenceDirection, make_plan
from tests.scanning.engines import engine_of, records_of

pytestmark = pytest.mark.timeout(20)


async def test_the_reference_is_revisited_in_station_time(bench, parts) -> None:
    clock = ScaledClock(60.0, datetime(2026, 2, 14, tzinfo=UTC))
    reference = ReferenceDirection(azimuth_deg=370.0, elevation_deg=70.0, every_min=0.05)
    plan = make_plan(ScanGrid(az=(10, 13), el=(20, 22), step=1), session="r", reference=reference)
    read = bench.receiver.read

    async def slow_read(reads, key=None):
        await clock.sleep(1.0)
        return await read(reads, key)

    bench.receiver.read = slow_read
    async with engine_of(bench, parts, plan=plan, clock=clock) as engine:
        assert await engine.run() is ScanStatus.COMPLETED
        records = [r for r in await records_of(engine) if not isinstance(r, StatusRecord)]
    looks = [record for record in records if isinstance(record, ReferenceRecord)]
    assert isinstance(records[0], ReferenceRecord)
    assert isinstance(records[-1], ReferenceRecord)
    assert [look.visit for look in looks] == list(range(len(looks)))
    gaps = [(b.time - a.time).total_seconds() for a, b in pairwise(looks)]
    assert len(looks) >= 4
    assert all(gap >= 3.0 for gap in gaps[:-1])
    assert all(abs(look.azimuth_deg - 10.0) < 1e-9 for look in looks)  # the near turn
    keys = [key.sequence for key in bench.receiver.keys if key]
    assert len(set(keys)) == len(keys)


async def test_a_reference_that_cannot_be_read_does_not_stop_the_scan(bench, parts) -> None:
    reference = ReferenceDirection(azimuth_deg=0, elevation_deg=70, every_min=100)
    plan = parts.plan.model_copy(update={"reference": reference})
    bench.receiver.failures.extend([DeviceTimeout("quick receiver", "no answer")] * 3)
    async with engine_of(bench, parts, plan=plan) as engine:
        assert await engine.run() is ScanStatus.COMPLETED
        records = await records_of(engine)
    looks = [record for record in records if isinstance(record, ReferenceRecord)]
    assert [look.mean is None for look in looks] == [True, False]


async def test_a_reference_out_of_reach_is_refused_at_the_start(bench, parts) -> None:
    reference = ReferenceDirection(azimuth_deg=0, elevation_deg=-5, every_min=1)
    plan = parts.plan.model_copy(update={"reference": reference})
    async with engine_of(bench, parts, plan=plan) as engine:
        with pytest.raises(OutOfLimits, match="elevation -5"):
            await engine.run()
