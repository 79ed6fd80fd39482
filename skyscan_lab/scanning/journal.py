"""The journal of a scan: every record is on disk before anybody hears of it.

Followers read the journal itself, each at its own cursor: the latest records from memory,
older ones from the file. So nothing is queued for a slow follower, none can hold up the scan,
and each gets every record once, in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from skyscan_lab.errors import JournalCorrupt, JournalError, JournalWriteError
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.recording import Recording
from skyscan_lab.protocol.records import Entry, ScanRecord
from skyscan_lab.scanning.journal_file import JournalFile, OsJournalFile
from skyscan_lab.scanning.journal_lines import entry_line, line_body, parse_entry
from skyscan_lab.scanning.recovery import Recovered, parse_journal, recover
from skyscan_lab.scanning.unbroken import unbroken

T = TypeVar("T")

_IN_MEMORY = 1024
_CHUNK = 256


async def open_journal(
    path: str | Path,
    plan: ScanPlan | None = None,
    *,
    file: Callable[[Path], JournalFile] = OsJournalFile,
) -> Journal:
    """Open a journal, or begin one.

    Parameters
    ----------
    path : str or Path
        The file.
    plan : ScanPlan, optional
        Needed to begin one; an existing journal must have the same.
    file : callable
        Opens the file layer underneath.

    Returns
    -------
    Journal
        With every complete record found, and a torn end cut off.

    Raises
    ------
    JournalCorrupt
        For damage before the end, and for a file that is no journal; it is left as it is.
    JournalWriteError
        Where a new journal could not be begun.
    JournalError
        Where another process is writing it, or it belongs to another plan.
    """
    path = Path(path)
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def begin() -> tuple[JournalFile, Recovered]:
        opened = file(path)
        try:
            return opened, recover(path, opened, plan)
        except BaseException:
            opened.close()
            raise

    try:
        opened, found = await asyncio.get_running_loop().run_in_executor(thread, begin)
    except OSError as error:
        thread.shutdown(wait=False)
        raise JournalWriteError(f"{path}: {error.strerror or error}") from error
    except BaseException:
        thread.shutdown(wait=False)
        raise
    return Journal(path, opened, found, thread)


class Journal:
    """An open journal; `open_journal` makes it.

    Parameters
    ----------
    path : Path
        Where it is.
    file : JournalFile
        The file, held by nobody else.
    found : Recovered
        What is in it.
    thread : ThreadPoolExecutor
        The one thread that touches the file; the journal owns it from here on.

    Attributes
    ----------
    plan : ScanPlan
        What is scanned.
    state : ScanState
        Sum of the records on disk.
    """

    def __init__(
        self, path: Path, file: JournalFile, found: Recovered, thread: ThreadPoolExecutor
    ) -> None:
        self.path = path
        self.plan = found.plan
        self.state = found.state
        self._file = file
        self._thread = thread
        self._offsets = found.offsets
        self._end = found.end
        self._torn = False
        self._recent: deque[Entry] = deque(maxlen=_IN_MEMORY)
        self._closed = False
        self._writing = asyncio.Lock()
        self._grown = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def append(self, record: ScanRecord) -> Entry:
        """Make a record durable, then let followers see it.

        A caller that is cancelled meanwhile is cancelled only after the record is on disk, or
        known not to be, so that memory and disk never disagree.

        Raises
        ------
        JournalWriteError
            Where it could not be made durable. Nothing was announced, and the same record may
            be appended again.
        JournalError
            For a record that is not the next one, and once closed.
        """
        async with self._writing:
            return await unbroken(self._commit(record))

    async def follow(self, after: int = 0) -> AsyncIterator[Entry]:
        """Every record after a number, those to come included.

        Parameters
        ----------
        after : int
            Number of the last record already known; 0 for none.

        Yields
        ------
        Entry
            Number and record, in order, each once. Ends after the final status, or when the
            journal is closed.
        """
        while entries := await self.after(after):
            for entry in entries:
                yield entry
                after = entry.number

    async def after(self, number: int) -> list[Entry]:
        """Return the next records after a number, waiting until there are any.

        Parameters
        ----------
        number : int
            Number of the last record already known; 0 for none.

        Returns
        -------
        list of Entry
            In order, without a gap; empty only after the final status or once closed.
        """
        while not self._closed:
            grown = self._grown
            if number < self.state.number:
                return await self._entries(number + 1)
            if self.state.status.final:
                break
            await grown.wait()
        return []

    async def recording(self) -> Recording:
        """Everything in it so far."""
        end = self._end
        return parse_journal(await self._in_thread(lambda: self._file.read(0, end)), self.path)

    async def close(self) -> None:
        """Let go of the file, after what is being written. Followers end."""
        if self._closed:
            return
        self._closed = True
        self._grown.set()
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(self._thread, self._file.close))
        self._thread.shutdown(wait=False)

    async def _commit(self, record: ScanRecord) -> Entry:
        entry = Entry(self.state.number + 1, record)
        state = self.state.after(entry)
        line = entry_line(entry)
        await self._in_thread(lambda: self._write(line))
        self._offsets.append(self._end)
        self._end += len(line)
        self._recent.append(entry)
        self.state = state
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
        return entry

    def _write(self, line: bytes) -> None:
        end = self._end
        try:
            if self._torn:
                self._file.truncate(end)
            self._torn = True
            self._file.append(line)
            self._file.sync()
            self._torn = False
        except OSError as error:
            # After a failed fsync the kernel may call lost pages clean, so the line is cut off
            # and written anew; syncing again would prove nothing.
            with suppress(OSError):
                self._file.truncate(end)
                self._torn = False
            raise JournalWriteError(f"{self.path}: {error.strerror or error}") from error

    async def _entries(self, first: int) -> list[Entry]:
        """Return some records from a number on, at least one."""
        last = min(self.state.number, first + _CHUNK - 1)
        oldest = self._recent[0].number if self._recent else self.state.number + 1
        if first >= oldest:
            return [self._recent[number - oldest] for number in range(first, last + 1)]
        last = min(last, oldest - 1)
        start = self._offsets[first]
        end = self._offsets[last + 1] if last < self.state.number else self._end
        data = await self._in_thread(lambda: self._file.read(start, end - start))
        entries = []
        for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), first):
            body = line_body(line, number)
            if body is None:
                raise JournalCorrupt(
                    f"{self.path}, line {number + 1}: changed after it was written"
                )
            entries.append(parse_entry(number, body, self.path))
        return entries

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise JournalError(f"{self.path}: closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
