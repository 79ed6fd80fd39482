"""The data folder of a hub, which is nobody else's business."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from skyscan_lab.folders import make_folder

# Some of what only a hub puts into a folder.
_OURS = ("skyscan.sqlite", "signing-key.json", "hub.toml", "lab.lock")


def private_folder(folder: Path) -> None:
    """Make a data folder; one that is ours already is closed to others.

    One that is somebody else's, or holds other things, is left as it is: what is secret in it
    has a mode of its own.

    Parameters
    ----------
    folder : Path
        The folder.
    """
    make_folder(folder, mode=0o700)
    status = folder.stat()
    if not status.st_mode & 0o077 or status.st_mode & stat.S_ISVTX:
        return
    names = {path.name for path in folder.iterdir()}
    if status.st_uid == os.geteuid() and (not names or names.intersection(_OURS)):
        folder.chmod(0o700)
