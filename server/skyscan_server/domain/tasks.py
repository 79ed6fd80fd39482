"""What a node has to do: its open sessions, and what is desired of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.node_link import Desired, Granted, KnownJournal, Task
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.records import StatusRecord
from skyscan_server.domain.appending import append, cancelled
from skyscan_server.domain.errors import NotFound
from skyscan_server.domain.numbering import at_node
from skyscan_server.store import rotors, sessions
from skyscan_server.store.database import Database
from skyscan_server.store.sessions import OpenSession, SessionRow


class Tasks:
    """The work of the nodes.

    Parameters
    ----------
    database : Database
        Where it is remembered.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_node(self, node_id: int, journals: Iterable[KnownJournal] = ()) -> list[Task]:
        """Every open session of a node, and those of its journals that are ended.

        A journal whose name is not that of the session with its number is of another hub, and
        says nothing about that session.
        """
        [tasks] = await self.of_nodes([(node_id, journals)])
        return tasks

    async def of_nodes(
        self, asking: Sequence[tuple[int, Iterable[KnownJournal]]]
    ) -> list[list[Task]]:
        """As `of_node` for some nodes and their journals, with one look at the store."""
        known: defaultdict[int, dict[int, str]] = defaultdict(dict)
        for node_id, journals in asking:
            known[node_id] |= {journal.session_id: journal.session for journal in journals}
        also = {session_id for journals in known.values() for session_id in journals}
        async with self._database.read() as connection:
            found = await sessions.of_nodes(connection, known, also)
        tasks: dict[int, list[Task]] = {node_id: [] for node_id in known}
        for row, node_id, key in found:
            if not row.final or known[node_id].get(row.id) == row.name:
                tasks[node_id].append(_task(row, key))
        return [tasks[node_id] for node_id, _ in asking]

    async def of_sessions(self, node_id: int, ids: Collection[int]) -> list[Task]:
        """Tasks of some sessions of a node, ended ones included."""
        async with self._database.read() as connection:
            found = await sessions.of_node(connection, node_id, ids)
        return [_task(row, key) for row, key in found if row.id in ids]

    async def claim(self, node_id: int, session_id: int) -> Granted:
        """Grant a session to its node, unless it was cancelled before; as often as asked."""
        async with self._database.write() as connection:
            row = await sessions.get(connection, session_id, lock=True)
            if row is None or not await _is_of(connection, node_id, row):
                return Granted(session_id=session_id, granted=False)
            if row.final:
                return Granted(session_id=session_id, granted=False)
            if not row.claimed:
                await sessions.update(connection, session_id, claimed=True)
        return Granted(session_id=session_id, granted=True, epoch=row.epoch)

    async def hold_lost(self, node_id: int, session_id: int, words: str) -> None:
        """Hold a session whose journal its node has not got.

        Another node may have the same credentials, or a disk come back: the session goes on once
        somebody brings its journal, and only a person ends it. What was committed stays.

        Raises
        ------
        NotFound
            For a session of another node.
        """
        async with self._database.write() as connection:
            row = await sessions.get(connection, session_id, lock=True)
            if row is None or not await _is_of(connection, node_id, row):
                raise NotFound("Scan session not found")
            if row.final or row.held is not None:
                return
            if row.desired == Desired.CANCEL:
                await append(connection, row, cancelled(words))
                return
            held = {"status": row.status, "reasons": row.reasons, "words": row.words, "as": words}
            if row.status == ScanStatus.PENDING:
                await sessions.update(connection, session_id, held=held)  # it has not begun
                return
            reasons = {PauseReason.FAULT, *map(PauseReason, row.reasons)}
            record = StatusRecord(
                status=ScanStatus.PAUSED,
                reasons=tuple(sorted(reasons)),
                words=words,
                time=datetime.now(UTC),
            )
            await append(connection, row, record, held=held)

    async def find_again(self, node_id: int, journals: Iterable[KnownJournal]) -> list[int]:
        """Let go of the sessions that were held for want of a journal that is there again.

        Returns
        -------
        list of int
            Which sessions go on as they stood.
        """
        there = {journal.session_id: journal for journal in journals if not journal.lost}
        if not there:
            return []
        async with self._database.read() as connection:
            held = await sessions.held(connection, there)
        found = []
        for session_id in held:
            async with self._database.write() as connection:
                row = await sessions.get(connection, session_id, lock=True)
                if row is None or not await _is_of(connection, node_id, row):
                    continue
                if await _found(connection, row, there[session_id]):
                    found.append(session_id)
        return found

    async def require_own(self, node_id: int, session_id: int) -> None:
        """See that a session is one of a node's.

        Raises
        ------
        NotFound
            Where it is not, as if it were not there.
        """
        async with self._database.read() as connection:
            row = await sessions.get(connection, session_id)
            if row is None or not await _is_of(connection, node_id, row):
                raise NotFound("Scan session not found")

    async def everything_open(self) -> list[OpenSession]:
        """Every open session of every node, without its plan."""
        async with self._database.read() as connection:
            return await sessions.open_sessions(connection)


async def _found(connection: AsyncConnection, row: SessionRow, journal: KnownJournal) -> bool:
    """Let a session, locked, go on with a journal, if that has all that the hub has of it."""
    held = row.held
    complete = journal.number >= at_node(row.number, row.own)
    if held is None or row.final or journal.session != row.name or not complete:
        return False
    if row.status == ScanStatus.PAUSED and row.words == held["as"]:
        record = StatusRecord(
            status=held["status"],
            reasons=held["reasons"],
            words=held["words"],
            time=datetime.now(UTC),
        )
        await append(connection, row, record, held=None)
    else:  # it had not begun, or its node has said something newer since
        await sessions.update(connection, row.id, held=None)
    return True


async def _is_of(connection: AsyncConnection, node_id: int, row: SessionRow) -> bool:
    rotor = await rotors.get(connection, row.rotor_id, deleted=True)
    return rotor is not None and rotor.node_id == node_id


def _task(row: SessionRow, rotor_key: str) -> Task:
    return Task(
        session_id=row.id,
        rotor=rotor_key,
        plan=ScanPlan.model_validate(row.plan),
        desired=Desired(row.desired),
        seen=at_node(row.seen, row.own),
        claimed=row.claimed,
        epoch=row.epoch,
        number=at_node(row.number, row.own),
        final=row.final,
    )
