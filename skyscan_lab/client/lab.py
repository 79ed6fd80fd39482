"""The lab that runs on this machine, if one does: the file it has left says how to reach it."""

from __future__ import annotations

import asyncio

from skyscan_lab.client.runtime import Runtime, read_runtime
from skyscan_lab.home import lab_folder

DEFAULT_URL = "http://127.0.0.1:5001"
"""Where a lab is, unless it says otherwise."""


async def running_lab() -> Runtime | None:
    """How to reach the lab on this machine; None where none runs.

    The file of one that was killed is still there; its address may be anybody's by now, who
    must not be shown its token.

    Raises
    ------
    FileError
        Where others may read the file, or it does not say what it should.
    """
    runtime = await asyncio.to_thread(read_runtime, lab_folder())
    return runtime if runtime is not None and runtime.alive else None
