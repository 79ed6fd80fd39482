"""Truth: what a notebook's user sees, against the journal that is left."""

import asyncio
from pathlib import Path

import pytest

from skyscan_lab.errors import (
    InvalidInput,
    InvalidTransition,
    JournalError,
    OutOfLimits,
    RotorStalled,
)
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.scanning import Timing, journal_folder, read_journal, scan

pytestmark = pytest.mark.timeout(20)


def short_scan(bench, parts, path: Path, **options):
    return scan(
        parts.grid, bench.rotor, bench.receiver, journal=path, policy=parts.policy, **options
    )


async def test_points_then_a_session(bench, parts, tmp_path: Path) -> None:
    path = tmp_path / "roof.journal"
    async with short_scan(
        bench, parts, path, reads=4, location=(47.0, 8.0), timing=Timing()
    ) as running:
        assert running.progress.remaining_s is not None  # from the timing alone
        points = [point async for point in running]
        assert running.status is ScanStatus.COMPLETED
    ds = running.session()
    assert [point.sequence for point in points] == list(range(12))
    assert int(ds.rssi.count()) == 12
    assert ds.attrs["rotor"] == "quick rotor"
    assert ds.attrs["site_longitude_deg"] == 8.0
    assert running.progress.done == 12
    assert running.plan.reads == 4


async def test_leaving_early_stops_the_rotor_and_a_later_scan_goes_on(
    bench, parts, tmp_path: Path
) -> None:
    path = tmp_path / "roof.journal"
    async with short_scan(bench, parts, path) as running:
        bench.rotor.at_move[7] = bench.rotor.gate.clear
        async for point in running:
            if point.sequence == 6:
                break
    assert bench.rotor.stops == 1
    assert read_journal(path).entries[-1].record.kind == "point"
    bench.rotor.gate.set()
    async with short_scan(bench, parts, path) as again:
        points = [point.sequence async for point in again]
    assert points == list(range(12))  # those of before included
    assert again.plan.session == running.plan.session
    assert len(bench.rotor.targets) == 13  # the interrupted move was made again


async def test_a_fault_ends_the_iteration_and_resume_takes_it_up(
    bench, parts, tmp_path: Path
) -> None:
    bench.rotor.at_move[4] = lambda: bench.rotor.failures.append(RotorStalled("roof", "jammed"))
    before = []
    async with short_scan(bench, parts, tmp_path / "a.journal") as running:

        async def watch() -> None:
            async for point in running:
                before.append(point.sequence)  # noqa: PERF401 -- an error must not empty it

        with pytest.raises(RotorStalled, match="jammed"):
            await watch()
        assert running.status is ScanStatus.PAUSED
        assert running.words == "roof: jammed"
        assert running.reasons == {PauseReason.FAULT}
        running.resume()
        after = [point.sequence async for point in running]
    assert before + after == list(range(12))
    assert len(before) == 4
    assert [point async for point in running] == []


async def test_a_full_disk_ends_the_iteration_too(bench, parts, tmp_path: Path) -> None:
    class Full(OSError):
        pass

    async with short_scan(bench, parts, tmp_path / "a.journal") as running:
        file = running._engine.journal._file
        append = file.append

        def refuse(data: bytes) -> None:
            raise Full(28, "No space left on device")

        bench.rotor.at_move[3] = lambda: setattr(file, "append", refuse)
        with pytest.raises(JournalError, match="No space left"):
            await running.wait()
        assert running.progress.done < 4
        file.append = append
        running.resume()
        assert await running.wait() is ScanStatus.COMPLETED


async def test_a_fault_of_yesterday_does_not_hold_todays_scan(bench, parts, tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    bench.rotor.failures.append(RotorStalled("roof", "jammed"))
    with pytest.raises(RotorStalled):
        async with short_scan(bench, parts, path) as running:
            await running.wait()
    async with short_scan(bench, parts, path) as running:
        assert await running.wait() is ScanStatus.COMPLETED


async def test_pause_and_cancel(bench, parts, tmp_path: Path) -> None:
    async with short_scan(bench, parts, tmp_path / "a.journal") as running:
        running.pause()
        async for entry in running.follow():
            if getattr(entry.record, "status", None) is ScanStatus.PAUSED:
                break
        assert running.status is ScanStatus.PAUSED
        running.resume()
        running.cancel()
        assert await running.wait() is ScanStatus.CANCELLED
    assert running.session().attrs["scan_status"] == "cancelled"


async def test_a_refusal_reaches_the_one_who_iterates(bench, parts, tmp_path: Path) -> None:
    grid = ScanGrid(az=(0, 10), el=(-10, 0), step=5)
    path = tmp_path / "a.journal"
    with pytest.raises(OutOfLimits):
        async with scan(grid, bench.rotor, bench.receiver, journal=path) as running:
            await running.wait()
    with pytest.raises(OutOfLimits):  # and the one who does not
        async with scan(grid, bench.rotor, bench.receiver, journal=path):
            await asyncio.sleep(0.05)
    with pytest.raises(OutOfLimits):
        scan(grid, bench.rotor, bench.receiver, timing=Timing())


async def test_another_scan_cannot_take_a_journal_over(bench, parts, tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    async with short_scan(bench, parts, path) as running:
        await running.wait()
    with pytest.raises(JournalError, match="reads is 10 there and 3 here"):
        async with short_scan(bench, parts, path, reads=3):
            pass
    async with short_scan(bench, parts, path) as running:  # and let go of it after the refusal
        assert running.status is ScanStatus.COMPLETED


async def test_journals_have_a_home(
    bench, parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYSCAN_HOME", str(tmp_path))
    assert journal_folder() == tmp_path / "journals"
    async with scan(parts.grid, bench.rotor, bench.receiver) as running:
        await running.wait()
    assert running.journal_path == tmp_path / "journals" / f"{running.plan.session}.journal"
    assert running.journal_path.exists()
    monkeypatch.delenv("SKYSCAN_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert journal_folder() == tmp_path / "data" / "skyscan-lab" / "journals"


def test_a_scan_has_to_be_entered(bench, parts, tmp_path: Path) -> None:
    running = short_scan(bench, parts, tmp_path / "a.journal")
    assert running.plan.total == 12
    with pytest.raises(InvalidTransition, match="async with scan"):
        running.pause()


def test_what_is_wrong_is_named_before_anything_happens(parts, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="reads = 0"):
        scan(parts.grid, parts.QuickRotor, parts.QuickReceiver, reads=0, journal=tmp_path / "a")
