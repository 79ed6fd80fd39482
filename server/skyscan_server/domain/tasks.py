"""What a node has to do: its open sessions, and what is desired of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.node_link import Desired, Granted, KnownJournal, Task
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_server.domain.appending import append, cancelled
from skyscan_server.domain.errors import NotFound
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

    async def end_lost(self, node_id: int, session_id: int, words: str) -> None:
        """End a session that its node can never go on with; what was committed stays.

        Raises
        ------
        NotFound
            For a session of another node.
        """
        async with self._database.write() as connection:
            row = await sessions.get(connection, session_id, lock=True)
            if row is None or not await _is_of(connection, node_id, row):
                raise NotFound("Scan session not found")
            if not row.final:
                await append(connection, row, cancelled(words))

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


async def _is_of(connection: AsyncConnection, node_id: int, row: SessionRow) -> bool:
    rotor = await rotors.get(connection, row.rotor_id, deleted=True)
    return rotor is not None and rotor.node_id == node_id


def _task(row: SessionRow, rotor_key: str) -> Task:
    return Task(
        session_id=row.id,
        rotor=rotor_key,
        plan=ScanPlan.model_validate(row.plan),
        desired=Desired(row.desired),
        seen=row.seen,
        claimed=row.claimed,
        epoch=row.epoch,
        number=row.number,
        final=row.final,
    )
