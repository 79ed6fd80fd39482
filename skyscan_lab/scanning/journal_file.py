"""The file under a journal: the few operations that durability depends on.

They are a protocol so that a test can record their order, cut the file anywhere, or let the
disk fill up. They block, so a `skyscan_lab.scanning.journal.Journal` calls them in a thread
of its own.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from skyscan_lab.errors import JournalError
from skyscan_lab.folders import make_folder, sync_folder


class JournalFile(Protocol):
    """An append-only file that only one process holds. Every method may raise OSError."""

    def size(self) -> int:
        """Length in bytes."""

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes at an offset; fewer at the end of the file."""

    def append(self, data: bytes) -> None:
        """Write all of the data at the end; after an error some of it may be there."""

    def sync(self) -> None:
        """Return once everything written is on the disk."""

    def truncate(self, size: int) -> None:
        """Drop everything from `size` on."""

    def close(self) -> None:
        """Let go of the file."""


class OsJournalFile:
    """A `JournalFile` on the file system, made if it is not there, and locked.

    Parameters
    ----------
    path : Path
        The file; its folder is made if need be.

    Raises
    ------
    JournalError
        Where another process holds it.
    OSError
        Where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o644)
        try:
            self._lock(path)
            sync_folder(path.parent)  # without its name, a power cut may take the whole file
        except BaseException:
            os.close(self._descriptor)
            raise

    def _lock(self, path: Path) -> None:
        # flock goes with the process: a killed one leaves no lock behind.
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(
                f"{path}: another process is writing this journal; end that scan first, "
                "or give this one a journal of its own"
            ) from None

    def size(self) -> int:
        """Length in bytes."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes at an offset; fewer at the end of the file."""
        parts = []
        while size > 0 and (part := os.pread(self._descriptor, size, offset)):
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return b"".join(parts)

    def append(self, data: bytes) -> None:
        """Write all of the data at the end; after an error some of it may be there."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def sync(self) -> None:
        """Return once everything written is on the disk."""
        os.fsync(self._descriptor)

    def truncate(self, size: int) -> None:
        """Drop everything from `size` on."""
        os.ftruncate(self._descriptor, size)

    def close(self) -> None:
        """Let go of the file and of its lock."""
        os.close(self._descriptor)
