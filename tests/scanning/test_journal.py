"""Truth: what a disk may do to a file in a crash, and the order in which the file is used."""

import asyncio
import errno
import os
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_lab.errors import JournalCorrupt, JournalError, JournalWriteError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import Entry, PointRecord, StatusRecord
from skyscan_lab.scanning import make_plan, open_journal, read_journal
from skyscan_lab.scanning.journal_lines import entry_line, head_line, line_body, parse_entry
from skyscan_lab.scanning.recovery import parse_journal

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)
PLAN = make_plan(ScanGrid(az=(0, 9), el=(20, 29), step=1), session="journal")


def point(sequence: int, mean: float = -90.0) -> PointRecord:
    return PointRecord(
        sequence=sequence,
        azimuth_deg=0.1 * sequence,
        elevation_deg=20.0,
        time=NOON + timedelta(seconds=sequence),
        reads=10,
        mean=mean,
        std=None,
        last=mean,
        domain="linear power",
    )


def status(status: ScanStatus, *reasons: PauseReason) -> StatusRecord:
    return StatusRecord(status=status, reasons=reasons, words="ö\n", time=NOON)


RECORDS = [
    status(ScanStatus.RUNNING),
    point(0),
    point(1),
    status(ScanStatus.PAUSED, PauseReason.USER),
    status(ScanStatus.RUNNING),
    point(2),
]


async def written(path: Path, **options: object) -> list[Entry]:
    async with await open_journal(path, PLAN, **options) as journal:
        return [await journal.append(record) for record in RECORDS]


async def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    entries = await written(tmp_path / "new" / "a.journal")
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5, 6]
    recording = read_journal(tmp_path / "new" / "a.journal")
    assert recording.plan == PLAN
    assert list(recording.entries) == entries


@given(
    mean=st.floats(allow_nan=False, allow_infinity=False),
    azimuth=st.floats(-720, 720),
    microseconds=st.integers(0, 10**15),
)
def test_numbers_keep_every_bit(mean: float, azimuth: float, microseconds: int) -> None:
    record = point(0, mean).model_copy(
        update={"azimuth_deg": azimuth, "time": NOON + timedelta(microseconds=microseconds)}
    )
    body = line_body(entry_line(Entry(7, record)).removesuffix(b"\n"), 7)
    assert body is not None
    assert parse_entry(7, body, Path("x")) == Entry(7, record)


async def test_cut_at_every_byte_keeps_exactly_the_whole_records(parts, tmp_path: Path) -> None:
    path = tmp_path / "whole.journal"
    entries = await written(path)
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 0x0A]
    for cut in range(len(whole) + 1):
        disk = bytearray(whole[:cut])
        journal = await open_journal("cut", PLAN, file=lambda _: parts.MemoryFile(disk))  # noqa: B023
        complete = max(0, sum(end <= cut for end in ends) - 1)
        recording = await journal.recording()
        assert list(recording.entries) == entries[:complete]
        assert journal.state.number == complete
        # What comes next takes the place of what was torn.
        for record in RECORDS[complete:]:
            await journal.append(record)
        await journal.close()
        assert bytes(disk) == whole


async def test_zeros_where_a_line_should_be_are_a_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "zeros.journal"
    entries = await written(path)
    with path.open("ab") as file:
        file.write(b"\0" * 300)
    assert list(read_journal(path).entries) == entries
    async with await open_journal(path) as journal:
        assert journal.state.number == len(entries)
    assert list(read_journal(path).entries) == entries


@pytest.mark.parametrize("line", [0, 1, 4])
async def test_damage_before_the_end_is_named_and_left_alone(tmp_path: Path, line: int) -> None:
    path = tmp_path / "damaged.journal"
    await written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    offset = sum(map(len, lines[:line]))
    lines[line] = lines[line].replace(b'":', b'";', 1)
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalCorrupt, match=rf"line {line + 1} \(byte {offset}\)"):
        read_journal(path)
    with pytest.raises(JournalCorrupt, match=rf"line {line + 1} \(byte {offset}\)"):
        await open_journal(path, PLAN)
    assert path.read_bytes() == b"".join(lines)


async def test_lines_lost_or_repeated_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "lost.journal"
    await written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for broken in (lines[:2] + lines[3:], lines[:3] + lines[2:]):
        with pytest.raises(JournalCorrupt, match="line"):
            parse_journal(b"".join(broken), path)


async def test_a_record_that_contradicts_those_before_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "contradiction.journal"
    await written(path)
    again = entry_line(Entry(7, point(2)))
    with pytest.raises(JournalCorrupt, match="line 8: point 2 where 3 is next"):
        parse_journal(path.read_bytes() + again, path)


@pytest.mark.parametrize("content", [b"110 18 500\n110 19 501\n", b"garbage", b"x\n", b"{}\n"])
async def test_a_file_that_is_no_journal_is_never_overwritten(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "scan_data.txt"
    path.write_bytes(content)
    with pytest.raises(JournalCorrupt, match=r"scan_data\.txt"):
        await open_journal(path, PLAN)
    assert path.read_bytes() == content


async def test_another_plan_is_refused_by_the_field_that_differs(tmp_path: Path) -> None:
    await written(tmp_path / "a.journal")
    other = PLAN.model_copy(update={"reads": 3})
    with pytest.raises(JournalError, match="reads is 10 there and 3 here"):
        await open_journal(tmp_path / "a.journal", other)


async def test_a_newer_version_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "newer.journal"
    body = b'0 {"format":"skyscan-journal","version":2,"plan":{}}'
    path.write_bytes(b"%08x %b\n" % (zlib.crc32(body), body))
    with pytest.raises(JournalError, match="journal version 2"):
        read_journal(path)


@pytest.mark.parametrize(
    ("number", "body", "words"),
    [
        (0, "[]", "line 1: not the head of a scan journal"),
        (0, '{"format":"skyscan-journal","version":1}', "line 1: no plan of a scan"),
        (1, '{"kind":"point"}', "line 2: not a record"),
        (1, '{"kind":"riddle"}', "line 2: not a record"),
    ],
)
def test_a_line_with_a_right_checksum_and_wrong_content_is_damage(number, body, words) -> None:
    checked = f"{number} {body}".encode()
    line = b"%08x %b\n" % (zlib.crc32(checked), checked)
    with pytest.raises(JournalCorrupt, match=words):
        parse_journal(head_line(PLAN) * number + line, Path("x"))


async def test_a_journal_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalWriteError, match=r"Not a directory|File exists"):
        await open_journal(tmp_path / "file" / "a.journal", PLAN)


async def test_without_a_plan_there_must_be_a_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no plan to begin one"):
        await open_journal(tmp_path / "none.journal")
    with pytest.raises(JournalError, match="No such file"):
        read_journal(tmp_path / "nowhere.journal")


async def test_every_record_is_synced_before_a_follower_sees_it(bench) -> None:
    journal = await open_journal("x", PLAN, file=bench.file)
    seen_at: list[int] = []

    async def watch() -> None:
        async for entry in journal.follow():
            bench.operations.append(f"announced {entry.number}")
            seen_at.append(entry.number)
            if entry.number == len(RECORDS):
                return

    watching = asyncio.create_task(watch())
    for record in RECORDS:
        await journal.append(record)
        await asyncio.sleep(0)
    await watching
    await journal.close()
    assert seen_at == [1, 2, 3, 4, 5, 6]
    operations = bench.operations
    for number in seen_at:
        announced = operations.index(f"announced {number}")
        before = operations[:announced]
        # The head and this many records were appended, and nothing appended is unsynced.
        assert before.count("append") >= number + 1
        assert before.count("sync") == before.count("append")


async def test_a_full_disk_leaves_no_trace_and_the_record_can_come_again(bench) -> None:
    journal = await open_journal("x", PLAN, file=bench.file)
    await journal.append(RECORDS[0])
    before = bytes(bench.disk)
    for room in (0, 1, 17):
        bench.room = room
        with pytest.raises(JournalWriteError, match=os.strerror(errno.ENOSPC)):
            await journal.append(RECORDS[1])
        assert bytes(bench.disk) == before
        assert journal.state.number == 1
    bench.room = float("inf")
    assert (await journal.append(RECORDS[1])).number == 2
    await journal.close()


async def test_after_a_failed_sync_the_line_is_written_anew(parts) -> None:
    disk, operations = bytearray(), []
    file = parts.MemoryFile(disk, operations)
    journal = await open_journal("x", PLAN, file=lambda _: file)
    file.sync_fails = 1
    with pytest.raises(JournalWriteError, match=os.strerror(errno.EIO)):
        await journal.append(RECORDS[0])
    operations.clear()
    await journal.append(RECORDS[0])
    await journal.close()
    assert operations == ["append", "sync", "close"]


def test_a_real_file_that_may_not_grow_is_cut_back(tmp_path: Path) -> None:
    # RLIMIT_FSIZE makes the kernel tear the write itself.
    path = tmp_path / "small.journal"
    script = f"""
import asyncio, resource, signal, sys
from pathlib import Path
from skyscan_lab.errors import JournalWriteError
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import StatusRecord
from skyscan_lab.scanning import open_journal, make_plan
from skyscan_lab.grid import ScanGrid
from datetime import datetime, UTC

async def main():
    path = Path({str(path)!r})
    async with await open_journal(path, make_plan(ScanGrid(), session="s")) as journal:
        size = path.stat().st_size
        record = StatusRecord(status=ScanStatus.RUNNING, time=datetime.now(UTC))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
        try:
            await journal.append(record)
        except JournalWriteError as error:
            print("refused", path.stat().st_size == size, error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        print("number", (await journal.append(record)).number)
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"refused True {path}: {os.strerror(errno.EFBIG)}")
    assert done.stdout.endswith("number 1\n")
    assert len(read_journal(path).entries) == 1


async def test_only_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = await open_journal(path, PLAN)
    with pytest.raises(JournalError, match="another process is writing this journal"):
        await open_journal(path, PLAN)
    await journal.close()
    async with await open_journal(path, PLAN):
        pass


async def test_a_follower_may_start_anywhere_and_lag_any_distance(tmp_path: Path) -> None:
    # More records than are kept in memory: the oldest come from the file.
    path = tmp_path / "long.journal"
    plan = make_plan(ScanGrid(az=(0, 359), el=(20, 24), step=1), session="long")
    total = 1500
    async with await open_journal(path, plan) as journal:
        slow = journal.follow()
        first = asyncio.ensure_future(anext(slow))
        await journal.append(status(ScanStatus.RUNNING))
        for sequence in range(total):
            await journal.append(point(sequence))
        await journal.append(status(ScanStatus.CANCELLED))
        numbers = [(await first).number] + [entry.number async for entry in slow]
        assert numbers == list(range(1, total + 3))
        assert [entry.number async for entry in journal.follow(after=1400)] == numbers[1400:]
        assert [entry async for entry in journal.follow(after=total + 2)] == []


async def test_a_follower_ends_when_the_journal_is_closed(bench) -> None:
    journal = await open_journal("x", PLAN, file=bench.file)
    follower = asyncio.ensure_future(anext(journal.follow(), None))
    await asyncio.sleep(0)
    await journal.close()
    await journal.close()
    assert await follower is None
    with pytest.raises(JournalError, match="closed"):
        await journal.append(RECORDS[0])


async def test_appends_at_the_same_time_get_numbers_of_their_own(bench) -> None:
    async with await open_journal("x", PLAN, file=bench.file) as journal:
        await journal.append(RECORDS[0])
        reasons = [(), (PauseReason.USER,), (PauseReason.LEASE,)]
        changes = [status(ScanStatus.PAUSED, *some) for some in reasons]
        entries = await asyncio.gather(*map(journal.append, changes))
        assert sorted(entry.number for entry in entries) == [2, 3, 4]
        assert len((await journal.recording()).entries) == 4


async def test_a_cancelled_append_ends_on_disk_and_in_memory_alike(bench) -> None:
    async with await open_journal("x", PLAN, file=bench.file) as journal:
        append = asyncio.create_task(journal.append(RECORDS[0]))
        await asyncio.sleep(0)
        append.cancel()
        with pytest.raises(asyncio.CancelledError):
            await append
        assert len((await journal.recording()).entries) == journal.state.number == 1


@pytest.mark.parametrize(
    ("record", "words"),
    [(point(5), "point 5 where 0 is next"), (point(0), None)],
)
async def test_a_record_that_is_not_the_next_one_is_refused(bench, record, words) -> None:
    async with await open_journal("x", PLAN, file=bench.file) as journal:
        if words is None:
            await journal.append(record)
        else:
            with pytest.raises(JournalError, match=words):
                await journal.append(record)
            assert journal.state.number == 0


async def test_nothing_follows_a_final_status(bench) -> None:
    async with await open_journal("x", PLAN, file=bench.file) as journal:
        await journal.append(status(ScanStatus.CANCELLED))
        with pytest.raises(JournalError, match="after the scan was cancelled"):
            await journal.append(point(0))
