"""Records on their way into the store: bounded for all nodes together.

While the store takes nothing, every node goes on measuring, and a hub that kept all that they
send would run out of memory. What is over the bound is dropped, and once there is room its node
is told where to go on from: it has kept everything that was not acknowledged.
"""

from __future__ import annotations

import asyncio

from skyscan_lab.protocol.node_link import Records
from skyscan_server.domain.ingest import Ingest

MOST_RECORDS = 2**16
"""Records that may wait: some 50 MB."""

_BEYOND_ALL = 2**62


class Intake:
    """Takes records for the store.

    Parameters
    ----------
    ingest : Ingest
        The one writer of records.
    most_records : int
        Records that may wait.
    """

    def __init__(self, ingest: Ingest, *, most_records: int = MOST_RECORDS) -> None:
        self._ingest = ingest
        self._most_records = most_records
        self._waiting = 0
        self._room = asyncio.Event()

    def reserve(self, records: Records) -> bool:
        """Make room for some records; whether there is."""
        if self._waiting + len(records.records) > self._most_records:
            return False
        self._waiting += len(records.records)
        return True

    def release(self, records: Records) -> None:
        """Give back the room of some records, committed or not."""
        self._waiting -= len(records.records)
        self._room.set()

    async def store(self, records: Records) -> int:
        """Commit records that have room; return where the session then stands.

        Raises
        ------
        NotFound, Refused, Unavailable
            As `Ingest.store`.
        """
        return await self._ingest.store(records.session_id, records.first, records.records)

    async def catch_up(self, session_id: int) -> int:
        """Wait for room; return where a session stands, for its node to go on from there."""
        self._room.clear()
        await self._room.wait()
        # Records that cannot follow yet are answered with where the session stands.
        return await self._ingest.store(session_id, _BEYOND_ALL, ())
