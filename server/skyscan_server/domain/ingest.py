"""Records come in from the nodes: checked, committed in groups by one writer, then announced.

Whatever has come in while a group is being committed is the next group, so that the cost of
making something durable is shared by all who wait for it. A record is known by its session
and number: one that is there already changes nothing, and where it differs, the first wins
and that is said.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.records import MissingRecord, PointRecord, ScanRecord
from skyscan_server.bus.base import SESSIONS, Bus
from skyscan_server.domain.errors import NotFound, Refused, Unavailable
from skyscan_server.domain.messages import RECORD
from skyscan_server.domain.numbering import at_hub, at_node
from skyscan_server.domain.summary import Step, Summary
from skyscan_server.store import control, records, sessions
from skyscan_server.store.database import Database
from skyscan_server.store.errors import StoreError
from skyscan_server.store.failures import in_words

_GROUP = 4096
_WAITING = 1024

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Batch:
    session_id: int
    first: int
    records: Sequence[ScanRecord]
    committed: asyncio.Future[int] = field(repr=False)


class _Known(NamedTuple):
    """A record whose number is taken."""

    number: int
    record: ScanRecord

    def is_as(self, stored: str) -> bool:
        """Whether it is what is stored; a newer version may write the same in another way."""
        return self.record.model_dump_json() == stored or self.record == RECORD.validate_json(
            stored
        )


@dataclass(slots=True)
class Tally:
    """What the writer has done: points, groups of records, and the seconds that these took."""

    points: int = 0
    groups: int = 0
    seconds: float = 0.0


_Outcome = int | Exception
"""Number up to which a batch's session is committed, or why the batch is not."""


class Ingest:
    """The one writer of records.

    Parameters
    ----------
    database : Database
        Where to.
    bus : Bus
        Woken after each commit.
    committed : callable, optional
        Told what has been committed of each session, so that nobody here has to read it back.
    retry_s : float
        Time after which to try again what could not be committed.

    Attributes
    ----------
    trouble : str or None
        What keeps records from being committed at present, in words.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        committed: Callable[[int, Sequence[Step]], None] | None = None,
        *,
        retry_s: float = 1.0,
    ) -> None:
        self.trouble: str | None = None
        self.tally = Tally()
        self._database = database
        self._bus = bus
        self._committed = committed
        self._retry_s = retry_s
        self._ended = False
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
        Unavailable
            Where the hub stops; whether they were committed is not known then.
        """
        committed = asyncio.get_running_loop().create_future()
        if not self._ended:
            await self._queue.put(_Batch(session_id, first, batch, committed))
        if self._ended:
            self._refuse_queued()  # and let in those who wait for room, to be told, too
            raise _stopping()
        number: int = await committed
        return number

    async def run(self) -> None:
        """Commit what comes in, until cancelled; what waits then is told so."""
        group: list[_Batch] = []
        try:
            while True:
                group = await self._next_group()
                outcome = await self._commit_patiently(group)
                self._bus.publish(SESSIONS)
                _answer(group, outcome)
        finally:
            self._ended = True
            _refuse(group)
            self._refuse_queued()

    @property
    def waiting(self) -> int:
        """Batches that wait for the writer."""
        return self._queue.qsize()

    def _refuse_queued(self) -> None:
        while not self._queue.empty():
            _refuse([self._queue.get_nowait()])

    async def _next_group(self) -> list[_Batch]:
        group = [await self._queue.get()]
        size = len(group[0].records)
        while size < _GROUP and not self._queue.empty():
            group.append(self._queue.get_nowait())
            size += len(group[-1].records)
        return group

    async def _commit_patiently(self, group: list[_Batch]) -> list[_Outcome]:
        """Commit a group however long the disk is full or the database away."""
        while True:
            try:
                outcome = await self._commit(group)
            except StoreError as error:
                if self.trouble is None:
                    log.warning("records cannot be committed", reason=str(error))
                self.trouble = str(error)
                await asyncio.sleep(self._retry_s)
            except sa.exc.SQLAlchemyError as error:
                # The database does not take one of them, which the others must not pay for.
                if len(group) == 1:
                    return [_not_taken(group[0], error)]
                return [one for batch in group for one in await self._commit_patiently([batch])]
            else:
                if self.trouble is not None:
                    log.info("records are committed again")
                self.trouble = None
                return outcome

    async def _commit(self, group: list[_Batch]) -> list[_Outcome]:
        begun = time.monotonic()
        rows: list[dict[str, Any]] = []
        old: defaultdict[int, list[_Known]] = defaultdict(list)
        new: defaultdict[int, list[Step]] = defaultdict(list)
        async with self._database.write() as connection:
            stored = await sessions.sums(connection, {batch.session_id for batch in group})
            sums = {number: Summary.of(row) for number, row in stored.items()}
            own = {number: row.own for number, row in stored.items() if row.own}
            outcome = [_take(batch, sums, own, rows, old, new) for batch in group]
            for session_id, resent in old.items():
                fresh = {r["number"]: r["body"] for r in rows if r["session_id"] == session_id}
                await _compare(connection, session_id, resent, fresh)
            if rows:
                await records.add(connection, rows)
            changed = [number for number, row in stored.items() if sums[number].number > row.number]
            await sessions.update_many(
                connection, [{"session_id": n, **sums[n].values} for n in changed]
            )
            for number in changed:
                if sums[number].status.final:
                    await control.release(connection, stored[number].rotor_id, stored[number].epoch)
        self.tally.points += sum(isinstance(s.record, PointRecord) for n in new.values() for s in n)
        self.tally.groups += 1
        self.tally.seconds += time.monotonic() - begun
        if self._committed is not None:
            for session_id, steps in new.items():
                self._committed(session_id, steps)
        return outcome


def _answer(group: list[_Batch], outcome: Sequence[_Outcome]) -> None:
    for batch, result in zip(group, outcome, strict=True):
        if batch.committed.done():  # answered before, or its sender has gone
            continue
        if isinstance(result, Exception):
            batch.committed.set_exception(result)
        else:
            batch.committed.set_result(result)


def _refuse(group: list[_Batch]) -> None:
    _answer(group, [_stopping() for _ in group])


def _stopping() -> Unavailable:
    return Unavailable("the hub stops")


def _not_taken(batch: _Batch, error: Exception) -> Refused:
    last = batch.first + len(batch.records) - 1
    numbers = f"records {batch.first} to {last}"
    log.error(
        "records are not taken by the database",
        session_id=batch.session_id,
        numbers=numbers,
        reason=in_words(error),
    )
    return Refused(f"{numbers}: the database does not take them: {in_words(error)}")


async def _compare(
    connection: AsyncConnection, session_id: int, resent: list[_Known], fresh: dict[int, str]
) -> None:
    """Say which records came again with other content: than before, or within a group."""
    stored = {known.number for known in resent} - fresh.keys()
    first = fresh | await records.of_numbers(connection, session_id, stored)
    differ = {known.number for known in resent if not known.is_as(first[known.number])}
    if differ:
        log.warning(
            "records came again with other content; the first are kept",
            session_id=session_id,
            numbers=sorted(differ),
        )


def _take(
    batch: _Batch,
    sums: dict[int, Summary],
    own: Mapping[int, Sequence[int]],
    rows: list[dict[str, Any]],
    old: dict[int, list[_Known]],
    new: dict[int, list[Step]],
) -> _Outcome:
    """Add what is new in a batch to the rows; say up to where its session is then.

    Batch and answer count as the node does, all else as the hub does.
    """
    summary = sums.get(batch.session_id)
    if summary is None:
        return NotFound("Scan session not found")
    ours = own.get(batch.session_id)
    if at_hub(batch.first, ours) > summary.number + 1:
        return at_node(summary.number, ours)  # a gap: the sender goes back
    steps: list[Step] = []
    try:
        for count, record in enumerate(batch.records, batch.first):
            number = count if ours is None else at_hub(count, ours)
            if number <= summary.number:
                old[batch.session_id].append(_Known(number, record))
                continue
            summary = summary.after(number, record)
            steps.append(Step(record, summary))
    except Refused as error:
        return error
    sums[batch.session_id] = summary
    new[batch.session_id] += steps
    rows += (_row(batch.session_id, step) for step in steps)
    return at_node(summary.number, ours)


def _row(session_id: int, step: Step) -> dict[str, Any]:
    record = step.record
    return {
        "session_id": session_id,
        "number": step.after.number,
        "sequence": record.sequence if isinstance(record, PointRecord | MissingRecord) else None,
        "body": record.model_dump_json(),
    }
