"""The lab that runs on this machine, if one does: the file it has left says how to reach it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import platformdirs

from skyscan_lab.client.runtime import Runtime, read_runtime

DEFAULT_URL = "http://127.0.0.1:5001"
"""Where a lab is, unless it says otherwise."""


def lab_folder() -> Path:
    """Folder of the lab's data: SKYSCAN_HOME, or the platform's."""
    home = os.environ.get("SKYSCAN_HOME")
    return Path(home) if home else platformdirs.user_data_path("skyscan-lab")


async def running_lab() -> Runtime | None:
    """How to reach the lab on this machine; None where none has left its file.

    Raises
    ------
    FileError
        Where others may read the file, or it does not say what it should.
    """
    return await asyncio.to_thread(read_runtime, lab_folder())
