"""Truth: the issue's list of what may go wrong, and that the scan is held with the reason."""

import asyncio

import pytest

from skyscan_lab.devices.base import Measurement
from skyscan_lab.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    JournalWriteError,
    NoSignalSource,
    OutOfLimits,
    PositionMismatch,
    RotorStalled,
)
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import MissingRecord, PointRecord
from skyscan_lab.scanning import FaultPolicy
from tests.scanning.engines import engine_of, records_of, statuses, until

pytestmark = pytest.mark.timeout(20)


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


@pytest.mark.parametrize(
    ("field", "value"),
    [("read_attempts", 0), ("tolerance_deg", 0.0), ("retry_s", -1.0), ("move_limit_s", 0.0)],
)
def test_a_policy_that_makes_no_sense_is_refused(field, value) -> None:
    with pytest.raises(ValueError, match=f"{field} = {value}"):
        FaultPolicy(**{field: value})
