"""Folders that are still there after a power cut.

Syncing a file keeps its bytes, not its name: that is kept by syncing the folder it is in, and the
name of that folder by syncing the one above.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk.

    Raises
    ------
    OSError
        As the system reports it; not every file system lets a folder be synced.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder where it is missing, with those above it, and put their names on the disk.

    The name of one that is there already may not be on the disk yet, where whoever made it was
    killed; so that is seen to as well.

    Parameters
    ----------
    folder : Path
        The folder.
    mode : int
        Of the folder itself, if it is made.

    Raises
    ------
    OSError
        Where it cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     make_folder(Path(name) / "a" / "b")
    ...     (Path(name) / "a" / "b").is_dir()
    True
    """
    chain = [folder]
    while not chain[-1].exists() and chain[-1] != chain[-1].parent:
        chain.append(chain[-1].parent)
    for each in reversed(chain):
        each.mkdir(mode if each == folder else 0o777, exist_ok=True)
        with contextlib.suppress(OSError):  # it may be another user's, who lets us not read it
            sync_folder(each.parent)
