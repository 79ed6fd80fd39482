"""The store by itself: the same records in groups of the same size, with nobody around it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from server_load.recordings import records_of
from server_load.sending_nodes import Journaled
from skyscan_lab.protocol.node_link import MAX_BATCH
from skyscan_server.bus.local import LocalBus
from skyscan_server.domain.ingest import Ingest
from skyscan_server.store.database import open_database


async def store_cpu_s(url: str, sessions: Sequence[Journaled], commits: int) -> float:
    """CPU of this process for bringing sessions into a database, seconds.

    Parameters
    ----------
    url : str
        Of the database, in which the sessions are open and empty.
    sessions : sequence of Journaled
        What is stored, in batches as the nodes send them.
    commits : int
        In how many transactions.
    """
    records = {s.number: records_of(s.number, s.points) for s in sessions}
    longest = max(map(len, records.values()))
    batches = [
        (number, first, one[first - 1 : first - 1 + MAX_BATCH])
        for first in range(1, longest + 1, MAX_BATCH)
        for number, one in records.items()
        if first <= len(one)
    ]
    commits = min(commits, len(batches))
    bounds = [len(batches) * part // commits for part in range(commits + 1)]
    async with open_database(url) as database:
        ingest = Ingest(database, LocalBus())
        writing = asyncio.create_task(ingest.run())
        begin = time.process_time()
        for start, end in pairwise(bounds):
            # All of them wait when the writer looks, so they are one group.
            await asyncio.gather(*(ingest.store(*batch) for batch in batches[start:end]))
        took = time.process_time() - begin
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
    return took


def store_cpu(folder: Path, sessions: Sequence[Journaled], commits: int) -> float:
    """As `store_cpu_s`, in an event loop of its own; the database is in a hub's folder."""
    return asyncio.run(store_cpu_s(f"sqlite:///{folder / 'skyscan.sqlite'}", sessions, commits))
