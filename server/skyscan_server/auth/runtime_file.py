"""The file by which a running lab is found: written once it listens, gone when it ends.

`skyscan_lab.client.runtime` reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from skyscan_lab.client.private_file import write_private
from skyscan_lab.client.runtime import RUNTIME_FILE, Runtime, read_runtime
from skyscan_lab.errors import FileError


@asynccontextmanager
async def runtime_file(folder: Path, runtime: Runtime) -> AsyncGenerator[Path, None]:
    """Let others on this machine find a lab while it runs.

    Parameters
    ----------
    folder : Path
        The lab's data folder.
    runtime : Runtime
        How to reach it.

    Yields
    ------
    Path
        The file. One that a lab has left behind by a crash is replaced.

    Raises
    ------
    OSError
        Where it cannot be written.
    """
    path = folder / RUNTIME_FILE
    await asyncio.to_thread(write_private, path, f"{runtime.model_dump_json()}\n".encode())
    try:
        yield path
    finally:
        await asyncio.to_thread(_remove, folder, runtime)


def _remove(folder: Path, runtime: Runtime) -> None:
    """Remove the file, unless it is another lab's by now."""
    try:
        if read_runtime(folder) == runtime:
            (folder / RUNTIME_FILE).unlink(missing_ok=True)
    except FileError:
        return
