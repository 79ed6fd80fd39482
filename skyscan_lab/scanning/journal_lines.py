"""What a journal looks like on disk, and how much of it can be believed after a crash.

One line a record::

    1c291ca3 7 {"kind":"point","sequence":5,…}

the CRC-32 of the rest in hexadecimal, the record's number, the record as JSON. Line 0 is the
head with the plan. A line is written by one append and synced before the next one begins, so
a crash can tear only the last line: whatever stands there without being complete is dropped.
Damage anywhere else was not made by a crash of ours and is reported, never repaired.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from skyscan_lab.errors import JournalCorrupt, JournalError
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.records import Entry, ScanRecord

VERSION = 1
"""Version of the layout described here."""

_FORMAT = "skyscan-journal"
_RECORD: TypeAdapter[ScanRecord] = TypeAdapter(ScanRecord)


def head_line(plan: ScanPlan) -> bytes:
    """Line 0 of a journal."""
    plan_json = plan.model_dump_json()
    return _line(0, f'{{"format":"{_FORMAT}","version":{VERSION},"plan":{plan_json}}}')


def entry_line(entry: Entry) -> bytes:
    """Line of a record."""
    return _line(entry.number, entry.record.model_dump_json())


def complete_lines(data: bytes, path: Path) -> Iterator[tuple[int, bytes]]:
    """Split a journal into the lines that can be believed.

    Parameters
    ----------
    data : bytes
        The whole journal.
    path : Path
        Its name, for the error.

    Yields
    ------
    offset : int
        Where the line begins.
    body : bytes
        The JSON of the line.

    Raises
    ------
    JournalCorrupt
        For damage that a torn last line does not explain, naming line and byte.
    """
    offset = number = 0
    while offset < len(data):
        end = data.find(b"\n", offset)
        body = None if end < 0 else line_body(data[offset:end], number)
        if body is None:
            if 0 <= end < len(data) - 1:
                raise JournalCorrupt(
                    f"{path}, line {number + 1} (byte {offset}): damaged, yet more follows it, "
                    "which no crash while writing explains; keep a copy, and cut the file at "
                    "that byte to use what is before it"
                )
            return
        yield offset, body
        offset, number = end + 1, number + 1


def parse_head(body: bytes, path: Path) -> ScanPlan:
    """Plan in the head of a journal.

    Raises
    ------
    JournalCorrupt
        Where it is no head of a journal.
    JournalError
        Where a newer version wrote it.
    """
    try:
        head = json.loads(body)
        version = head["version"] if head["format"] == _FORMAT else None
    except (ValueError, KeyError, TypeError):
        version = None
    if version is None:
        raise JournalCorrupt(f"{path}, line 1: not the head of a scan journal")
    if version != VERSION:
        raise JournalError(
            f"{path}: journal version {version}; this skyscan-lab reads version {VERSION}"
        )
    try:
        return ScanPlan.model_validate(head["plan"])
    except (KeyError, ValidationError) as error:
        raise JournalCorrupt(f"{path}, line 1: no plan of a scan: {error}") from error


def parse_entry(number: int, body: bytes, path: Path) -> Entry:
    """Record of a line whose checksum was right.

    Raises
    ------
    JournalCorrupt
        Where it is no record.
    """
    try:
        return Entry(number, _RECORD.validate_json(body))
    except ValidationError as error:
        raise JournalCorrupt(f"{path}, line {number + 1}: not a record: {error}") from error


def line_body(line: bytes, number: int) -> bytes | None:
    """JSON of a line, given without its end; None where number or checksum are wrong."""
    checksum, _, checked = line.partition(b" ")
    prefix = b"%d " % number
    if checksum != b"%08x" % zlib.crc32(checked) or not checked.startswith(prefix):
        return None
    return checked[len(prefix) :]


def _line(number: int, body: str) -> bytes:
    checked = f"{number} {body}".encode()
    return b"%08x %b\n" % (zlib.crc32(checked), checked)
