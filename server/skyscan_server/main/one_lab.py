"""One lab a data folder: the first holds a lock for as long as it lives, and says where it is."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from pydantic import ValidationError

from skyscan_lab.client.private_file import read_private, write_private
from skyscan_lab.errors import SkyscanError
from skyscan_server.main.jupyterlab import Said

LAB_FILE = "lab.json"
"""Where a running lab says where its JupyterLab is: in the data folder, for its owner only."""

_LOCK_FILE = "lab.lock"
_START_S = 120.0
_LOOK_S = 0.1


class LabBusy(SkyscanError):
    """Another lab has the folder, and does not say where it is."""


@contextmanager
def lab_lock(folder: Path) -> Iterator[bool]:
    """Try to be the lab of a folder; the kernel ends that however the process ends.

    Yields
    ------
    bool
        Whether it is us. If so, what a lab has left behind that was killed is gone.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        (folder / LAB_FILE).unlink(missing_ok=True)
        try:
            yield True
        finally:
            (folder / LAB_FILE).unlink(missing_ok=True)
    finally:
        os.close(lock)


async def say_where(folder: Path, said: Said) -> None:
    """Let a second start find the lab that has this folder's lock."""
    data = f"{said.model_dump_json()}\n".encode()
    await asyncio.to_thread(write_private, folder / LAB_FILE, data)


@asynccontextmanager
async def lab_of(folder: Path, *, start_s: float = _START_S) -> AsyncIterator[Said | None]:
    """Become the lab of a folder, or find the one that runs.

    Parameters
    ----------
    folder : Path
        The data folder.
    start_s : float
        For how long one is waited for that is about to start, or to end.

    Yields
    ------
    Said or None
        Where the other is; None where we are the lab.

    Raises
    ------
    LabBusy
        Where the other says nothing in that time.
    """
    deadline = asyncio.get_running_loop().time() + start_s
    while True:
        with lab_lock(folder) as ours:
            if ours:
                yield None
                return
        said = await asyncio.to_thread(_read, folder)
        if said is not None:
            yield said
            return
        if asyncio.get_running_loop().time() > deadline:
            raise LabBusy(
                f"{folder}: another skyscan lab has this folder, and does not say where it is: "
                "end it, or give another --data"
            )
        await asyncio.sleep(_LOOK_S)


def _read(folder: Path) -> Said | None:
    data = read_private(folder / LAB_FILE)
    try:
        return None if data is None else Said.model_validate_json(data)
    except ValidationError:
        return None
