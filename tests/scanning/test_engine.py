"""Truth: the issue's own sentences on the scan engine, and the records it leaves."""

import asyncio
import contextlib
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from skyscan_lab.devices.base import Measurement, RotorLimits
from skyscan_lab.devices.clock import ScaledClock
from skyscan_lab.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    InvalidTransition,
    JournalWriteError,
    NoSignalSource,
    OutOfLimits,
    PositionMismatch,
    RotorStalled,
    UnitsError,
)
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import (
    MissingRecord,
    PointRecord,
    ReferenceRecord,
    StatusRecord,
)
from skyscan_lab.scanning import (
    FaultPolicy,
    ReferenceDirection,
    ScanEngine,
    make_plan,
    open_journal,
)

pytestmark = pytest.mark.timeout(20)


@contextlib.asynccontextmanager
async def engine_of(bench, parts, plan=None, policy=None, clock=None):
    async with await open_journal("memory", plan or parts.plan, file=bench.file) as journal:
        yield ScanEngine(
            journal, bench.rotor, bench.receiver, clock=clock, policy=policy or parts.policy
        )


async def records_of(engine):
    return [entry.record for entry in (await engine.journal.recording()).entries]


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- objects without events
            await asyncio.sleep(0.001)


def statuses(records) -> list[str]:
    return [str(record.status) for record in records if isinstance(record, StatusRecord)]


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


@pytest.mark.parametrize(
    "fault",
    [
        RotorStalled("quick rotor", "jammed at 40°"),
        DeviceUnreachable("quick rotor", "connection lost"),
        OutOfLimits("quick rotor", "azimuth 500°"),
        PositionMismatch("quick rotor", "reports a jump"),
    ],
)
async def test_a_rotor_that_fails_holds_the_scan_with_the_reason(bench, parts, fault) -> None:
    async with engine_of(bench, parts) as engine:
        bench.rotor.at_move[2] = lambda: bench.rotor.failures.append(fault)
        run = asyncio.create_task(engine.run())
        await until(engine.troubled.is_set)
        assert engine.status is ScanStatus.PAUSED
        assert engine.reasons == {PauseReason.FAULT}
        assert engine.fault is fault
        assert engine.journal.state.words == str(fault) == engine.words
        assert bench.rotor.stops == 1
        engine.resume()
        assert await run is ScanStatus.COMPLETED
        assert engine.words is None
        assert not engine.troubled.is_set()
        records = await records_of(engine)
    assert [r.sequence for r in records if isinstance(r, PointRecord)] == list(range(12))


@pytest.mark.parametrize("off", [0.6, -180.0, float("nan")])
async def test_a_rotor_that_lies_about_its_position_holds_the_scan(bench, parts, off) -> None:
    bench.rotor.reported_off_deg = off
    async with engine_of(bench, parts) as engine:
        run = asyncio.create_task(engine.run())
        await until(engine.troubled.is_set)
        assert isinstance(engine.fault, PositionMismatch)
        assert engine.journal.state.done == 0
        bench.rotor.reported_off_deg = 360.0  # counts from 0 to 360: no lie
        engine.resume()
        assert await run is ScanStatus.COMPLETED


@pytest.mark.parametrize("deaf", [False, True])
async def test_a_move_that_never_returns_is_a_fault_not_a_hang(bench, parts, deaf) -> None:
    policy = FaultPolicy(move_limit_s=0.05)
    bench.rotor.gate.clear()
    bench.rotor.deaf = deaf
    async with engine_of(bench, parts, policy=policy) as engine:
        run = asyncio.create_task(engine.run())
        await until(engine.troubled.is_set)
        assert isinstance(engine.fault, DeviceTimeout)
        if deaf:  # its driver ignored even the cancellation: nothing more goes to it
            engine.resume()
            await until(lambda: "stuck" in (engine.words or ""))
        bench.rotor.gate.set()
        await asyncio.sleep(0.01)
        engine.resume()
        assert await run is ScanStatus.COMPLETED


async def test_a_reading_that_fails_is_tried_again(bench, parts) -> None:
    bench.receiver.failures.extend([DeviceTimeout("quick receiver", "no answer")] * 2)
    async with engine_of(bench, parts) as engine:
        await engine.run()
        assert engine.journal.state.missing == 0
    assert [key.sequence for key in bench.receiver.keys if key][:4] == [0, 0, 0, 1]


async def test_a_reading_that_goes_on_failing_marks_the_point_missing(bench, parts) -> None:
    bench.receiver.failures.extend([DeviceTimeout("quick receiver", "no answer")] * 3)
    async with engine_of(bench, parts) as engine:
        assert await engine.run() is ScanStatus.COMPLETED
        records = await records_of(engine)
    missing = [record for record in records if isinstance(record, MissingRecord)]
    assert [(m.sequence, m.reason) for m in missing] == [(0, "reading_failed")]
    assert missing[0].words == "quick receiver: no answer"
    assert sum(isinstance(record, PointRecord) for record in records) == 11


async def test_a_receiver_that_is_gone_holds_the_scan(bench, parts) -> None:
    policy = FaultPolicy(read_attempts=1, missing_in_row=2, retry_s=0.0)
    bench.receiver.failures.extend([DeviceUnreachable("quick receiver", "unplugged")] * 3)
    async with engine_of(bench, parts, policy=policy) as engine:
        run = asyncio.create_task(engine.run())
        await until(engine.troubled.is_set)
        assert engine.journal.state.missing == 2
        assert "2 points in a row: quick receiver: unplugged" in (engine.words or "")
        engine.resume()
        await run
        assert engine.journal.state.missing == 3


async def test_a_receiver_without_a_signal_is_refused_before_anything_moves(bench, parts) -> None:
    async def deny(reads, key=None):
        raise NoSignalSource("quick receiver", "rotor does not support RSSI")

    bench.receiver.read = deny
    async with engine_of(bench, parts) as engine:
        with pytest.raises(NoSignalSource):
            await engine.run()
        assert engine.status is ScanStatus.PENDING
    assert bench.rotor.targets == []


async def test_a_receiver_that_stumbles_before_the_start_gets_its_chance(bench, parts) -> None:
    read = bench.receiver.read

    async def stumble(reads, key=None):
        bench.receiver.read = read
        raise DeviceTimeout("quick receiver", "no answer")

    bench.receiver.read = stumble
    async with engine_of(bench, parts) as engine:
        assert await engine.run() is ScanStatus.COMPLETED


async def test_a_signal_that_is_gone_for_good_holds_the_scan_at_once(bench, parts) -> None:
    bench.receiver.failures.append(NoSignalSource("quick receiver", "no longer there"))
    async with engine_of(bench, parts) as engine:
        run = asyncio.create_task(engine.run())
        await until(engine.troubled.is_set)
        assert isinstance(engine.fault, NoSignalSource)
        assert (engine.journal.state.done, engine.journal.state.missing) == (0, 0)
        engine.resume()
        assert await run is ScanStatus.COMPLETED


async def test_readings_that_are_no_numbers_are_no_reading(bench, parts) -> None:
    async def noise(reads, key=None):
        return Measurement(0, float("nan"), float("nan"), float("nan"), "linear power")

    bench.receiver.read = noise
    async with engine_of(bench, parts, policy=FaultPolicy(retry_s=0, missing_in_row=99)) as engine:
        assert await engine.run() is ScanStatus.COMPLETED
        records = await records_of(engine)
    words = {record.words for record in records if isinstance(record, MissingRecord)}
    assert words == {"quick receiver: none of 3 readings is a finite number"}


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


async def test_a_full_disk_pauses_and_loses_nothing(bench, parts) -> None:
    bench.rotor.at_move[4] = lambda: setattr(bench, "room", 10)
    async with engine_of(bench, parts) as engine:
        run = asyncio.create_task(engine.run())
        await until(engine.troubled.is_set)
        assert engine.status is ScanStatus.PAUSED
        assert isinstance(engine.fault, JournalWriteError)
        assert engine.reasons == {PauseReason.FAULT}
        number = engine.journal.state.number
        engine.resume()  # still full: held again, at once
        await asyncio.sleep(0.02)
        assert engine.status is ScanStatus.PAUSED
        assert engine.journal.state.number == number
        bench.room = float("inf")
        engine.resume()
        assert await run is ScanStatus.COMPLETED
        records = await records_of(engine)
    assert [r.sequence for r in records if isinstance(r, PointRecord)] == list(range(12))
    assert statuses(records) == ["running", "paused", "running", "completed"]
    # What was measured before the disk was full was kept, not measured again.
    assert [key.sequence for key in bench.receiver.keys if key] == list(range(12))


async def test_after_a_full_disk_the_rotor_is_sent_again_before_it_is_read(bench, parts) -> None:
    bench.rotor.at_move[3] = lambda: setattr(bench, "room", 0)
    async with engine_of(bench, parts) as engine:
        run = asyncio.create_task(engine.run())
        await until(lambda: engine.troubled.is_set() and not bench.rotor.moving)
        await bench.rotor.move(300.0, 80.0)  # somebody else, while the scan is held
        moved = len(bench.rotor.targets)
        bench.room = float("inf")
        engine.resume()
        assert await run is ScanStatus.COMPLETED
        points = [r for r in await records_of(engine) if isinstance(r, PointRecord)]
    visits = list(parts.grid.visits())
    assert bench.rotor.targets[moved] == (visits[3].azimuth_deg, visits[3].elevation_deg)
    assert [(p.azimuth_deg, p.elevation_deg) for p in points] == [
        (visit.azimuth_deg, visit.elevation_deg) for visit in visits
    ]


async def test_a_full_disk_at_the_start_refuses_the_start(bench, parts) -> None:
    async with engine_of(bench, parts) as engine:
        bench.room = 0
        with pytest.raises(JournalWriteError):
            await engine.run()
        assert bench.rotor.targets == []
        bench.room = float("inf")
        assert await engine.run() is ScanStatus.COMPLETED


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


@pytest.mark.parametrize(
    ("field", "value"),
    [("read_attempts", 0), ("tolerance_deg", 0.0), ("retry_s", -1.0), ("move_limit_s", 0.0)],
)
def test_a_policy_that_makes_no_sense_is_refused(field, value) -> None:
    with pytest.raises(ValueError, match=f"{field} = {value}"):
        FaultPolicy(**{field: value})
