"""A scan that is held because its disk takes nothing goes on by itself when it does again.

A fault of the hardware waits for a person; a full disk needs none, since nothing has been lost
and nothing moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from skyscan_lab.errors import JournalWriteError
from skyscan_lab.protocol.lifecycle import PauseReason
from skyscan_lab.scanning.engine import ScanEngine


async def watch_disk(engine: ScanEngine, say: Callable[[str | None], None], pause_s: float) -> None:
    """Try again whenever a scan is held by its disk, until cancelled.

    Parameters
    ----------
    engine : ScanEngine
        Of the scan.
    say : callable
        Told what is the matter, since no record can; None once it is over.
    pause_s : float
        Real seconds between two tries.
    """
    while True:
        await engine.troubled.wait()
        while isinstance(engine.fault, JournalWriteError):
            say(str(engine.fault))
            await asyncio.sleep(pause_s)
            number = engine.journal.state.number
            engine.resume(PauseReason.FAULT)
            await _outcome(engine, number, pause_s)
            if engine.fault is None:
                say(None)
        await asyncio.sleep(pause_s)


async def _outcome(engine: ScanEngine, number: int, most_s: float) -> None:
    """Return once the scan has recorded something, or is in trouble again, or after a while."""
    waits = (
        asyncio.ensure_future(engine.journal.after(number)),
        asyncio.ensure_future(engine.troubled.wait()),
    )
    try:
        await asyncio.wait(waits, timeout=most_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
