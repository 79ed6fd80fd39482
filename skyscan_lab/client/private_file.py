"""Files with a secret in them: there whole or not at all, and for their owner's eyes only."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Generator
from pathlib import Path

from skyscan_lab.errors import FileError, naming
from skyscan_lab.folders import make_folder, sync_folder

_MAX_BYTES = 2**20


def read_private(path: Path) -> bytes | None:
    """Read a file that nobody else may read.

    Parameters
    ----------
    path : Path
        The file itself: a symbolic link is refused, since it could lead to any file.

    Returns
    -------
    bytes or None
        What is in it; None where there is none.

    Raises
    ------
    FileError
        Where it belongs to somebody else, where others may read or write it, and where it is
        no plain file of reasonable size.
    OSError
        As the system reports it.
    """
    # Without blocking, because opening a pipe would wait for somebody to write into it.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileError(path, "is a symbolic link: put the file itself there") from None
        raise
    # What is checked is what is open, so that nobody can exchange it in between.
    with os.fdopen(descriptor, "rb") as file:
        _check(path, os.fstat(descriptor))
        return file.read(_MAX_BYTES)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read, in the place of one that may be there.

    Parameters
    ----------
    path : Path
        The file. Its folder is made if need be, and is then its owner's alone.
    data : bytes
        What it is to hold.

    Raises
    ------
    OSError
        As the system reports it; nothing is left behind.
    """
    with _written(path, data) as partial:
        partial.replace(path)


def create_private(path: Path, data: bytes) -> bool:
    """Write a file that nobody else may read, unless there is one already.

    Of several processes that do so at once exactly one succeeds, and none ever sees a part of
    the file.

    Parameters
    ----------
    path : Path
        The file. Its folder is made if need be, and is then its owner's alone.
    data : bytes
        What it is to hold.

    Returns
    -------
    bool
        Whether this call wrote it.

    Raises
    ------
    OSError
        As the system reports it; nothing is left behind.
    """
    with _written(path, data) as partial:
        try:
            # Unlike a rename, a link never takes the place of something.
            path.hardlink_to(partial)
        except FileExistsError:
            return False
        return True


@contextlib.contextmanager
def _written(path: Path, data: bytes) -> Generator[Path, None, None]:
    """Put the bytes on the disk in a file beside the target, for it to be given its name."""
    make_folder(path.parent, mode=0o700)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        # With its mode from the start: a file that is closed to others later was open before.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with naming(path), os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        yield partial
    finally:
        partial.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        sync_folder(path.parent)


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileError(path, "is no plain file: move it away")
    if found.st_uid != os.geteuid():
        raise FileError(
            path, f"belongs to user {found.st_uid}, not to you ({os.geteuid()}): move it away"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise FileError(path, f"others may read or write it, so it is not used: chmod 600 {path}")
    if found.st_size > _MAX_BYTES:
        raise FileError(path, f"{found.st_size} bytes: must be at most {_MAX_BYTES}")
