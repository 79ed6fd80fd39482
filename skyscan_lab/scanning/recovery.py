"""Read what a crash has left of a journal."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skyscan_lab.errors import JournalCorrupt, JournalError
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.recording import Recording
from skyscan_lab.protocol.records import Entry
from skyscan_lab.scanning.journal_file import JournalFile
from skyscan_lab.scanning.journal_lines import complete_lines, head_line, parse_entry, parse_head
from skyscan_lab.scanning.state import ScanState


@dataclass(frozen=True)
class Recovered:
    """A journal as it was found.

    Attributes
    ----------
    plan : ScanPlan
        Of its head.
    state : ScanState
        Sum of its records.
    offsets : array of int
        Byte at which each line begins, the head's first.
    end : int
        Byte after the last complete line.
    """

    plan: ScanPlan
    state: ScanState
    offsets: array[int]
    end: int


def recover(path: Path, file: JournalFile, plan: ScanPlan | None) -> Recovered:
    """Bring a journal into a state to go on from: a torn end cut off, a head if it has none.

    Parameters
    ----------
    path : Path
        Its name, for messages.
    file : JournalFile
        The open file.
    plan : ScanPlan, optional
        The plan that it must have, and that a new journal gets.

    Raises
    ------
    JournalCorrupt
        For damage that no crash explains, and for a file that is no journal.
    JournalError
        For another plan than the one given, or a new file without a plan.
    OSError
        From the file.
    """
    data = file.read(0, file.size())
    offsets = array("Q")
    found: ScanPlan | None = None
    state = ScanState()
    end = 0
    for offset, body in complete_lines(data, path):
        number = len(offsets)
        if number == 0:
            found = parse_head(body, path)
        else:
            state = _next_state(state, parse_entry(number, body, path), path)
        offsets.append(offset)
        end = data.index(b"\n", offset) + 1
    if found is None:
        return _begin(path, file, data, plan)
    if plan is not None:
        require_plan(path, found, plan)
    if end < len(data):
        file.truncate(end)
        file.sync()
    return Recovered(found, state, offsets, end)


def read_journal(path: str | Path) -> Recording:
    """Read a journal without changing or locking it; it may be of a running scan.

    Parameters
    ----------
    path : str or Path
        The journal.

    Raises
    ------
    JournalError
        Where it cannot be read, has no head yet, or is damaged before its end.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from error
    return parse_journal(data, path)


def parse_journal(data: bytes, path: Path) -> Recording:
    """Everything in a journal that can be believed, as `read_journal` returns it."""
    entries: list[Entry] = []
    state = ScanState()
    lines: Iterator[tuple[int, bytes]] = complete_lines(data, path)
    head = next(lines, None)
    if head is None:
        raise JournalCorrupt(f"{path}: no complete head of a scan journal")
    plan = parse_head(head[1], path)
    for number, (_, body) in enumerate(lines, 1):
        entries.append(parse_entry(number, body, path))
        state = _next_state(state, entries[-1], path)
    return Recording(plan, tuple(entries))


def require_plan(path: Path, found: ScanPlan, plan: ScanPlan) -> None:
    """Refuse a journal of another plan.

    Raises
    ------
    JournalError
        Naming the first field that differs.
    """
    for field in ScanPlan.model_fields:
        old, new = getattr(found, field), getattr(plan, field)
        if old != new:
            raise JournalError(
                f"{path}: belongs to another scan: {field} is {old!r} there and {new!r} here"
            )


def _begin(path: Path, file: JournalFile, data: bytes, plan: ScanPlan | None) -> Recovered:
    if plan is None:
        raise JournalError(f"{path}: no complete head of a scan journal, and no plan to begin one")
    line = head_line(plan)
    # Only what a crash during these very writes can have left may be overwritten: a part of
    # the head, or zeros where the file had grown before its data arrived.
    if not line.startswith(data) and data.strip(b"\0"):
        raise JournalCorrupt(f"{path}: not a scan journal; give another name for the new one")
    file.truncate(0)
    file.append(line)
    file.sync()
    return Recovered(plan, ScanState(), array("Q", [0]), len(line))


def _next_state(state: ScanState, entry: Entry, path: Path) -> ScanState:
    try:
        return state.after(entry)
    except JournalError as error:
        raise JournalCorrupt(f"{path}, line {entry.number + 1}: {error}") from error
