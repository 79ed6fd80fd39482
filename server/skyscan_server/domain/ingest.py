"""Records come in from the nodes: checked, committed in groups by one writer, then announced.

Whatever has come in while a group is being committed is the next group, so that the cost of
making something durable is shared by all who wait for it. A record is known by its session
and number: one that is there already changes nothing, and where it differs, the first wins
and that is said.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.records import MissingRecord, PointRecord, ScanRecord
from skyscan_server.bus.base import SESSIONS, Bus
from skyscan_server.domain.errors import NotFound, Refused
from skyscan_server.domain.summary import Summary
from skyscan_server.store import control, records, sessions
from skyscan_server.store.database import Database
from skyscan_server.store.errors import StoreFull

_GROUP = 4096
_WAITING = 1024
_RETRY_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Batch:
    session_id: int
    first: int
    records: Sequence[ScanRecord]
    committed: asyncio.Future[int] = field(repr=False)


class Ingest:
    """The one writer of records.

    Parameters
    ----------
    database : Database
        Where to.
    bus : Bus
        Woken after each commit.

    Attributes
    ----------
    trouble : str or None
        What keeps records from being committed at present, in words.
    """

    def __init__(self, database: Database, bus: Bus) -> None:
        self.trouble: str | None = None
        self._database = database
        self._bus = bus
        self._queue: asyncio.Queue[_Batch] = asyncio.Queue(_WAITING)

    async def store(self, session_id: int, first: int, batch: Sequence[ScanRecord]) -> int:
        """Commit records of a session.

        Parameters
        ----------
        session_id : int
            Of which session.
        first : int
            Number of the first one; the others follow without a gap.
        batch : sequence of ScanRecord
            The records.

        Returns
        -------
        int
            Number up to which the session is committed now: the sender goes on from there.

        Raises
        ------
        NotFound
            Where there is no such session.
        Refused
            For records that cannot follow what is there.
        """
        committed = asyncio.get_running_loop().create_future()
        await self._queue.put(_Batch(session_id, first, batch, committed))
        number: int = await committed
        return number

    async def run(self) -> None:
        """Commit what comes in, until cancelled; what waits then is told so."""
        group: list[_Batch] = []
        try:
            while True:
                group = await self._next_group()
                await self._commit_patiently(group)
        finally:
            while not self._queue.empty():
                group.append(self._queue.get_nowait())
            for batch in group:
                batch.committed.cancel()

    async def _next_group(self) -> list[_Batch]:
        group = [await self._queue.get()]
        size = len(group[0].records)
        while size < _GROUP and not self._queue.empty():
            group.append(self._queue.get_nowait())
            size += len(group[-1].records)
        return group

    async def _commit_patiently(self, group: list[_Batch]) -> None:
        """Commit a group however long the disk is full or the database away."""
        while True:
            try:
                outcome = await self._commit(group)
            except (StoreFull, OSError, sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                if self.trouble is None:
                    log.warning("records cannot be committed", reason=str(error))
                self.trouble = str(error)
                await asyncio.sleep(_RETRY_S)
            else:
                if self.trouble is not None:
                    log.info("records are committed again")
                self.trouble = None
                break
        self._bus.publish(SESSIONS)
        for batch, result in zip(group, outcome, strict=True):
            if batch.committed.done():  # its sender has gone
                continue
            if isinstance(result, Exception):
                batch.committed.set_exception(result)
            else:
                batch.committed.set_result(result)

    async def _commit(self, group: list[_Batch]) -> list[int | Exception]:
        rows: list[dict[str, Any]] = []
        old: defaultdict[int, dict[int, str]] = defaultdict(dict)
        async with self._database.write() as connection:
            stored = await sessions.of_ids(connection, {batch.session_id for batch in group})
            sums = {number: Summary.of(row) for number, row in stored.items()}
            outcome = [_take(batch, sums, rows, old) for batch in group]
            for session_id, resent in old.items():
                await self._compare(connection, session_id, resent)
            if rows:
                await records.add(connection, rows)
            changed = [number for number, row in stored.items() if sums[number].number > row.number]
            await sessions.update_many(
                connection, [{"session_id": n, **sums[n].values} for n in changed]
            )
            for number in changed:
                if sums[number].status.final:
                    await control.release(connection, stored[number].rotor_id, stored[number].epoch)
        return outcome

    async def _compare(
        self, connection: AsyncConnection, session_id: int, resent: dict[int, str]
    ) -> None:
        first = await records.of_numbers(connection, session_id, resent)
        differ = sorted(n for n, body in first.items() if body != resent[n])
        if differ:
            log.warning(
                "records came again with other content; the first are kept",
                session_id=session_id,
                numbers=differ,
            )


def _take(
    batch: _Batch,
    sums: dict[int, Summary],
    rows: list[dict[str, Any]],
    old: dict[int, dict[int, str]],
) -> int | Exception:
    """Add what is new in a batch to the rows; say up to where its session is then."""
    summary = sums.get(batch.session_id)
    if summary is None:
        return NotFound("Scan session not found")
    if batch.first > summary.number + 1:
        return summary.number  # a gap: the sender goes back
    new: list[dict[str, Any]] = []
    try:
        for number, record in enumerate(batch.records, batch.first):
            if number <= summary.number:
                old[batch.session_id][number] = record.model_dump_json()
                continue
            summary = summary.after(number, record)
            point = record if isinstance(record, PointRecord | MissingRecord) else None
            new.append(
                {
                    "session_id": batch.session_id,
                    "number": number,
                    "sequence": None if point is None else point.sequence,
                    "body": record.model_dump_json(),
                }
            )
    except Refused as error:
        return error
    sums[batch.session_id] = summary
    rows += new
    return summary.number
