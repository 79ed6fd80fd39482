"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from skyscan_lab.errors import naming
from skyscan_lab.folders import sync_folder


def write_atomically(path: str | Path, data: bytes | memoryview) -> Path:
    """Write a file so that nobody ever sees half of it.

    The bytes go to a new file beside the target, reach the disk, and take the target's name
    in one step. Whatever fails on the way, a full disk or a power cut, a file that was there
    before is left as it was.

    Parameters
    ----------
    path : str or Path
        The target. A symbolic link is followed, so that the link stays one.
    data : bytes
        What the file is to hold.

    Returns
    -------
    Path
        The target, as given.

    Raises
    ------
    OSError
        As the system reports it; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "a.txt", b"whole").read_bytes()
    b'whole'
    """
    target = Path(path)
    real = target.resolve()
    # In the same folder, because a rename is one step only within a file system.
    partial = real.with_name(f".{real.name}.{secrets.token_hex(4)}.part")
    try:
        with naming(target), partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if real.exists():
            partial.chmod(real.stat().st_mode)
        partial.replace(real)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        sync_folder(real.parent)
    return target
