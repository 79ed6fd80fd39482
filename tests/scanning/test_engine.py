"""Truth: the order of the grid, the table of the lifecycle, and the records left."""

import asyncio

import pytest

from skyscan_lab.errors import InvalidTransition, RotorStalled
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import PointRecord, StatusRecord
from tests.scanning.engines import engine_of, records_of, statuses, until

pytestmark = pytest.mark.timeout(20)


async def test_every_point_once_in_the_order_of_the_grid(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        assert engine.status is ScanStatus.PENDING
        assert await engine.run() is ScanStatus.COMPLETED
        records = await records_of(engine)
        assert await engine.run() is ScanStatus.COMPLETED  # final: nothing to do
    points = [record for record in records if isinstance(record, PointRecord)]
    visits = list(parts.grid.visits())
    assert [point.sequence for point in points] == list(range(12))
    assert bench.rotor.targets == [(v.azimuth_deg, v.elevation_deg) for v in visits]
    assert [key.sequence for key in bench.receiver.keys if key] == list(range(12))
    assert {point.reads for point in points} == {3}
    assert statuses(records) == ["running", "completed"]
    assert bench.rotor.stops == 0


async def test_pause_holds_at_a_point_boundary_and_resume_goes_on_there(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        bench.rotor.at_move[2] = engine.pause
        run = asyncio.create_task(engine.run())
        await until(lambda: engine.status is ScanStatus.PAUSED)
        engine.pause()
        await asyncio.sleep(0.02)
        assert (engine.journal.state.done, len(bench.rotor.targets)) == (3, 3)
        assert bench.rotor.stops == 0  # it stands; nothing to stop
        engine.resume()
        engine.resume()
        assert await run is ScanStatus.COMPLETED
        records = await records_of(engine)
    assert statuses(records) == ["running", "paused", "running", "completed"]
    assert [r.sequence for r in records if isinstance(r, PointRecord)] == list(range(12))


async def test_runs_again_only_when_no_reason_is_left(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        engine.pause(PauseReason.LEASE)
        run = asyncio.create_task(engine.run())
        await until(lambda: engine.status is ScanStatus.PAUSED)
        engine.pause(PauseReason.USER)
        await until(lambda: len(engine.journal.state.reasons) == 2)
        engine.resume()  # a person's: the lease stays
        await until(lambda: engine.journal.state.reasons == {PauseReason.LEASE})
        await asyncio.sleep(0.01)
        assert engine.status is ScanStatus.PAUSED
        assert bench.rotor.targets == []
        engine.resume(PauseReason.LEASE)
        await run
        records = await records_of(engine)
    held = [r.reasons for r in records if isinstance(r, StatusRecord) and r.reasons]
    assert held == [("lease",), ("lease", "user"), ("lease",)]


async def test_cancel_stops_the_rotor_in_mid_move_and_keeps_the_data(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        bench.rotor.at_move[5] = bench.rotor.gate.clear
        run = asyncio.create_task(engine.run())
        await until(lambda: bench.rotor.moving and engine.journal.state.done == 5)
        engine.cancel()
        engine.cancel()
        assert await run is ScanStatus.CANCELLED
        assert bench.rotor.stops == 1
        engine.pause()
        engine.resume()
        assert engine.status is ScanStatus.CANCELLED
        records = await records_of(engine)
    assert sum(isinstance(record, PointRecord) for record in records) == 5
    assert statuses(records) == ["running", "cancelled"]


async def test_a_pending_scan_can_be_cancelled(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        engine.cancel()
        assert await engine.run() is ScanStatus.CANCELLED
        assert statuses(await records_of(engine)) == ["cancelled"]
    assert bench.rotor.targets == []


async def test_cancelling_a_held_scan_leaves_the_rotor_to_whoever_has_it(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        engine.pause(PauseReason.LEASE)
        run = asyncio.create_task(engine.run())
        await until(lambda: engine.status is ScanStatus.PAUSED)
        engine.cancel()
        assert await run is ScanStatus.CANCELLED
    assert bench.rotor.stops == 0


async def test_a_cancelled_task_stops_the_rotor_and_leaves_a_resumable_journal(
    bench, parts
) -> None:
    async with engine_of(bench, parts) as engine:
        bench.rotor.at_move[3] = bench.rotor.gate.clear
        run = asyncio.create_task(engine.run())
        await until(lambda: bench.rotor.moving and engine.journal.state.done == 3)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert bench.rotor.stops == 1
        assert engine.status is ScanStatus.RUNNING
    bench.rotor.gate.set()
    async with engine_of(bench, parts) as engine:
        assert engine.status is ScanStatus.RUNNING
        assert await engine.run() is ScanStatus.COMPLETED
        records = await records_of(engine)
    assert [r.sequence for r in records if isinstance(r, PointRecord)] == list(range(12))
    assert statuses(records) == ["running", "completed"]


async def test_a_paused_scan_is_still_paused_after_a_crash(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        bench.rotor.failures.append(RotorStalled("quick rotor", "jammed"))
        run = asyncio.create_task(engine.run())
        await until(lambda: engine.status is ScanStatus.PAUSED)
        run.cancel()
        await asyncio.wait({run})
    async with engine_of(bench, parts) as engine:
        assert engine.status is ScanStatus.PAUSED
        assert engine.reasons == {PauseReason.FAULT}
        assert engine.words == "quick rotor: jammed"
        run = asyncio.create_task(engine.run())
        await asyncio.sleep(0.01)
        assert engine.journal.state.done == 0
        engine.resume()
        assert await run is ScanStatus.COMPLETED


async def test_an_error_that_is_nobodys_business_stops_the_rotor_and_comes_out(
    bench, parts
) -> None:
    bench.rotor.failures.append(KeyError("a driver's bug"))
    async with engine_of(bench, parts) as engine:
        with pytest.raises(KeyError):
            await engine.run()
        assert bench.rotor.stops == 1
        assert await engine.run() is ScanStatus.COMPLETED


async def test_two_runs_of_one_scan_are_refused(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        run = asyncio.create_task(engine.run())
        await asyncio.sleep(0)
        with pytest.raises(InvalidTransition):
            await engine.run()
        await run
