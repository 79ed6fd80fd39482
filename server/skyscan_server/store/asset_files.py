"""The files of the assets: one that is coming in has another place than one that is there.

::

    FOLDER/incoming/3f…        grows, and is locked by whoever writes it
    FOLDER/3f/3f…              whole, checked, and never written again

Every name is an asset's id, which the hub made. Everything here blocks, and is called from
threads.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from skyscan_lab.folders import make_folder, sync_folder
from skyscan_server.store.errors import StoreError

KEPT_FREE_BYTES = 2**27
"""Room that uploads leave to the database, which has the same disk."""

_ID = re.compile(r"[0-9a-f]{32}")
_PIECE = 2**20

Write = Callable[[int, memoryview], int]
"""Writes to a descriptor, as `os.write` does."""


class PartInUse(StoreError):
    """Somebody else is writing this file."""


class DiskFull(StoreError):
    """There is no room for more; what is there stays."""


class AssetFiles:
    """The files of the assets.

    Parameters
    ----------
    folder : Path
        Where they are.
    keep_free_bytes : int
        Room that is left on the disk.
    write : callable
        Writes a piece; `os.write`.
    """

    def __init__(
        self, folder: Path, *, keep_free_bytes: int = KEPT_FREE_BYTES, write: Write = os.write
    ) -> None:
        self._folder = folder
        self._keep_free_bytes = keep_free_bytes
        self._write = write

    def place(self, asset_id: str) -> Path:
        """Where an asset is once it is whole."""
        return self._folder / _checked(asset_id)[:2] / asset_id

    def received(self, asset_id: str) -> int:
        """How many bytes of an asset are there."""
        for path in (self.place(asset_id), self._part(asset_id)):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                continue
        return 0

    def is_whole(self, asset_id: str) -> bool:
        """Whether an asset was checked and is in its place."""
        return self.place(asset_id).exists()

    def open_part(self, asset_id: str) -> Part:
        """Open the file of an asset that is coming in.

        Raises
        ------
        PartInUse
            Where somebody else has it open.
        DiskFull
            Where there is no room for it.
        """
        path = self._part(asset_id)
        try:
            make_folder(path.parent)
            return Part(path, self.place(asset_id), self._write, self._require_room)
        except OSError as error:
            raise _full(error) from error

    def _part(self, asset_id: str) -> Path:
        return self._folder / "incoming" / _checked(asset_id)

    def _require_room(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free - size < self._keep_free_bytes:
            raise DiskFull(
                f"the disk has {free} bytes left, of which {self._keep_free_bytes} are kept free"
            )


class Part:
    """The open file of an asset that is coming in; used as a context manager.

    Parameters
    ----------
    path, place : Path
        Where it is, and where it will be.
    write : callable
        Writes a piece.
    require_room : callable
        Raises `DiskFull` where so many bytes have no room.

    Attributes
    ----------
    size : int
        How much of it is there.
    """

    def __init__(
        self, path: Path, place: Path, write: Write, require_room: Callable[[int], None]
    ) -> None:
        self._path = path
        self._place = place
        self._write = write
        self._require_room = require_room
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self.size = self._lock()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _lock(self) -> int:
        """Lock the file and return its length; the lock goes with the process."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(self._descriptor)
            # Whoever had it until now may have put it into its place, or taken it away.
            if os.path.samestat(status, self._path.stat()):
                return status.st_size
        except (BlockingIOError, FileNotFoundError):
            pass
        raise PartInUse("another upload of this asset is under way")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def truncate(self, size: int) -> None:
        """Drop everything from a length on."""
        os.ftruncate(self._descriptor, size)
        self.size = size

    def append(self, data: bytes | bytearray) -> None:
        """Write all of the data at the end.

        Raises
        ------
        DiskFull
            Where there is no room; nothing of the data is there then.
        """
        start = self.size
        self._require_room(len(data))
        try:
            os.lseek(self._descriptor, start, os.SEEK_SET)
            rest = memoryview(data)
            while rest:
                rest = rest[self._write(self._descriptor, rest) :]
        except OSError as error:
            os.ftruncate(self._descriptor, start)
            raise _full(error) from error
        self.size = start + len(data)

    def sync(self) -> None:
        """Return once everything written is on the disk."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise _full(error) from error

    def sha256(self) -> str:
        """SHA-256 of what is there, read back from the file."""
        digest = hashlib.sha256()
        offset = 0
        while piece := os.pread(self._descriptor, _PIECE, offset):
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()

    def last_written(self) -> float:
        """When it was written last, seconds since 1970."""
        return os.fstat(self._descriptor).st_mtime

    def discard(self) -> None:
        """Take the file away."""
        self._path.unlink(missing_ok=True)

    def keep(self) -> None:
        """Put the file, which must be synced, into its place for good."""
        try:
            make_folder(self._place.parent)
            self._path.rename(self._place)
            sync_folder(self._place.parent)
        except OSError as error:
            raise _full(error) from error


def _checked(asset_id: str) -> str:
    if not _ID.fullmatch(asset_id):
        raise ValueError("an asset's id is 32 hexadecimal digits")
    return asset_id


def _full(error: OSError) -> StoreError:
    return DiskFull(f"the disk takes nothing: {error.strerror or error}")
