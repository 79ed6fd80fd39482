"""Sessions: what was asked for, what is desired, and the sum of the records."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import FINAL, rotors, sessions

# Neither database takes any number of values in one statement.
_MOST_VALUES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as it is stored; ``request`` and ``plan`` are JSON."""

    id: int
    name: str
    rotor_id: int
    request: dict[str, Any]
    plan: dict[str, Any]
    total: int
    created_at: datetime
    notes: str | None
    desired: str
    seen: int
    claimed: bool
    epoch: int
    number: int
    status: str
    reasons: list[str]
    words: str | None
    done: int
    missing: int
    started_at: datetime | None
    finished_at: datetime | None
    own: list[int] | None
    held: dict[str, Any] | None

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self.status in FINAL


class SumRow(NamedTuple):
    """The sum of a session's records, and who holds its rotor: what a writer of records needs."""

    id: int
    rotor_id: int
    epoch: int
    number: int
    status: str
    reasons: list[str]
    words: str | None
    done: int
    missing: int
    started_at: datetime | None
    finished_at: datetime | None
    own: list[int] | None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What a node has to know of a session, without its plan."""

    id: int
    node_id: int
    desired: str
    seen: int
    claimed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list is wanted."""

    limit: int | None = None
    offset: int = 0
    status: str | None = None
    rotor_id: int | None = None
    after: datetime | None = None
    before: datetime | None = None


async def add(connection: AsyncConnection, **values: Any) -> int:
    """Add a session and return its number."""
    result = await connection.execute(sa.insert(sessions).values(values).returning(sessions.c.id))
    number: int = result.scalar_one()
    return number


async def get(
    connection: AsyncConnection, session_id: int, *, lock: bool = False
) -> SessionRow | None:
    """Session of a number, held against other writers until the transaction ends if asked."""
    query = sa.select(sessions).where(sessions.c.id == session_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return None if row is None else _row(row)


async def sums(connection: AsyncConnection, ids: Collection[int]) -> dict[int, SumRow]:
    """Sums of some sessions, in order of their numbers, held against other writers."""
    rows = await connection.execute(_SUMS, {"ids": sorted(ids)})
    return {row[0]: SumRow._make(row) for row in rows.all()}


# To make a query takes longer than to carry it out.
_SUMS = (
    sa.select(*(sessions.c[name] for name in SumRow._fields))
    .where(sessions.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(sessions.c.id)
    .with_for_update()
)


async def held(connection: AsyncConnection, ids: Collection[int]) -> list[int]:
    """Those of some sessions that the hub holds because their journal is missed."""
    query = sa.select(sessions.c.id).where(
        sessions.c.held.isnot(None),
        sessions.c.status.not_in(FINAL),
        sessions.c.id.in_(sorted(ids)[:_MOST_VALUES]),
    )
    return list((await connection.execute(query.order_by(sessions.c.id))).scalars())


async def page(connection: AsyncConnection, wanted: Page) -> list[SessionRow]:
    """List sessions, the most recent first."""
    query = _filtered(sa.select(sessions), wanted).order_by(sessions.c.id.desc())
    if wanted.offset:
        query = query.offset(wanted.offset)
    if wanted.limit is not None or wanted.offset:
        query = query.limit(wanted.limit if wanted.limit is not None else 2**31 - 1)
    return [_row(row) for row in (await connection.execute(query)).mappings()]


async def count(connection: AsyncConnection, wanted: Page) -> int:
    """Count the sessions that a page is a part of."""
    query = _filtered(sa.select(sa.func.count()).select_from(sessions), wanted)
    number: int = (await connection.execute(query)).scalar_one()
    return number


async def by_status(connection: AsyncConnection) -> dict[str, int]:
    """Count all sessions, by status."""
    query = sa.select(sessions.c.status, sa.func.count()).group_by(sessions.c.status)
    return dict((await connection.execute(query)).tuples().all())


async def update(connection: AsyncConnection, session_id: int, **values: Any) -> None:
    """Change some columns of a session."""
    await connection.execute(sa.update(sessions).where(sessions.c.id == session_id).values(values))


async def update_many(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Change the same columns of several sessions; each row has ``session_id`` besides."""
    if rows:
        await connection.execute(_update(tuple(rows[0])), rows)


@lru_cache
def _update(names: tuple[str, ...]) -> sa.Update:
    statement = sa.update(sessions).where(sessions.c.id == sa.bindparam("session_id"))
    return statement.values({n: sa.bindparam(n) for n in names if n != "session_id"})


async def of_node(
    connection: AsyncConnection, node_id: int, also: Collection[int] = ()
) -> list[tuple[SessionRow, str]]:
    """Open sessions of a node, and some others of it, each with its rotor's key."""
    found = await of_nodes(connection, [node_id], also)
    return [(row, key) for row, _, key in found]


async def of_nodes(
    connection: AsyncConnection, node_ids: Collection[int], also: Collection[int] = ()
) -> list[tuple[SessionRow, int, str]]:
    """Open sessions of some nodes, and some others of them, each with its node and rotor's key."""
    query = (
        sa.select(sessions, rotors.c.node_id, rotors.c.key)
        .join(rotors, rotors.c.id == sessions.c.rotor_id)
        .where(rotors.c.node_id.in_(sorted(node_ids)))
    )
    ended, others = sessions.c.status.in_(FINAL), sorted(also)
    wanted = [~ended] + [
        sa.and_(ended, sessions.c.id.in_(others[start : start + _MOST_VALUES]))
        for start in range(0, len(others), _MOST_VALUES)
    ]
    rows: list[Mapping[Any, Any]] = []
    for one in wanted:
        rows += (await connection.execute(query.where(one))).mappings()
    return [
        (_row({column.name: row[column] for column in sessions.c}), row["node_id"], row["key"])
        for row in sorted(rows, key=itemgetter("id"))
    ]


async def open_sessions(connection: AsyncConnection) -> list[OpenSession]:
    """Every open session, and which node it is for."""
    query = (
        sa.select(
            sessions.c.id,
            rotors.c.node_id,
            sessions.c.desired,
            sessions.c.seen,
            sessions.c.claimed,
        )
        .join(rotors, rotors.c.id == sessions.c.rotor_id)
        .where(sessions.c.status.not_in(FINAL))
    )
    return [OpenSession(*row) for row in await connection.execute(query)]


def _filtered(query: sa.Select[Any], wanted: Page) -> sa.Select[Any]:
    if wanted.status is not None:
        query = query.where(sessions.c.status == wanted.status)
    if wanted.rotor_id is not None:
        query = query.where(sessions.c.rotor_id == wanted.rotor_id)
    if wanted.after is not None:
        query = query.where(sessions.c.created_at >= wanted.after)
    if wanted.before is not None:
        query = query.where(sessions.c.created_at < wanted.before)
    return query


def _row(row: Mapping[Any, Any]) -> SessionRow:
    return SessionRow(**row)
