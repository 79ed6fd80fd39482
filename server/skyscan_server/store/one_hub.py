"""One hub a SQLite database: a file beside it is held for as long as the hub lives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skyscan_server.store.errors import StoreInUse


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Hold a database for this process; the kernel lets go of it however the process ends.

    Raises
    ------
    StoreInUse
        Where another process holds it.
    """
    lock = os.open(database.with_name(database.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreInUse(
                f"{database}: another hub (process {owner}) has it open, and SQLite serves one "
                "hub only. End that one, give another --data, or use PostgreSQL for several "
                'hubs (database = "postgresql://…" in hub.toml)'
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)
