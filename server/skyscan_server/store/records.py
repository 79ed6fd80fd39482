"""Records of the sessions: each once, numbered without a gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import records

# SQLite takes no expression that is deeper than 1000.
_MOST_TERMS = 250


class Stored(NamedTuple):
    """A record as it is stored: its number and its JSON."""

    session_id: int
    number: int
    body: str


async def add(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Add records; each row has ``session_id``, ``number``, ``sequence`` and ``body``."""
    await connection.execute(sa.insert(records), rows)


async def after(connection: AsyncConnection, cursors: Mapping[int, int], each: int) -> list[Stored]:
    """Return what comes after a number in each of some sessions, in order, at most so many each."""
    wanted = sorted(cursors.items())
    found: list[Stored] = []
    for start in range(0, len(wanted), _MOST_TERMS):
        part = wanted[start : start + _MOST_TERMS]
        values = {
            f"{name}_{place}": value
            for place, (session_id, number) in enumerate(part)
            for name, value in (("session", session_id), ("after", number), ("to", number + each))
        }
        rows = await connection.execute(_after(len(part)), values)
        found += map(Stored._make, rows.all())
    return found


@lru_cache(maxsize=_MOST_TERMS)
def _after(sessions: int) -> sa.Select[tuple[int, int, str]]:
    """Query of `after`, kept: to make it takes longer than to carry it out."""
    wanted = [
        sa.and_(
            records.c.session_id == sa.bindparam(f"session_{place}"),
            # Numbers have no gaps. A limit would have the database sort all that there is.
            records.c.number > sa.bindparam(f"after_{place}"),
            records.c.number <= sa.bindparam(f"to_{place}"),
        )
        for place in range(sessions)
    ]
    query = sa.select(records.c.session_id, records.c.number, records.c.body)
    return query.where(sa.or_(*wanted)).order_by(records.c.session_id, records.c.number)


async def bodies(connection: AsyncConnection, session_id: int) -> list[tuple[int, str]]:
    """Every record of a session, in order: number and JSON."""
    query = (
        sa.select(records.c.number, records.c.body)
        .where(records.c.session_id == session_id)
        .order_by(records.c.number)
    )
    return [(number, body) for number, body in (await connection.execute(query)).all()]


async def of_points(connection: AsyncConnection, session_id: int) -> list[str]:
    """JSON of the points of a session, missing ones included, in the order of measurement."""
    query = (
        sa.select(records.c.body)
        .where(records.c.session_id == session_id, records.c.sequence.isnot(None))
        .order_by(records.c.sequence)
    )
    return list((await connection.execute(query)).scalars())


async def up_to(connection: AsyncConnection, session_id: int, number: int) -> list[str]:
    """JSON of the records of a session up to a number that are no points, in order."""
    query = (
        sa.select(records.c.body)
        .where(
            records.c.session_id == session_id,
            records.c.number <= number,
            records.c.sequence.is_(None),
        )
        .order_by(records.c.number)
    )
    return list((await connection.execute(query)).scalars())


async def done_at(connection: AsyncConnection, session_id: int, number: int) -> int:
    """How many points of a session were done at a number."""
    query = sa.select(sa.func.coalesce(sa.func.max(records.c.sequence) + 1, 0)).where(
        records.c.session_id == session_id, records.c.number <= number
    )
    done: int = (await connection.execute(query)).scalar_one()
    return done


async def of_numbers(
    connection: AsyncConnection, session_id: int, numbers: Collection[int]
) -> dict[int, str]:
    """JSON of the records of some numbers."""
    query = sa.select(records.c.number, records.c.body).where(
        records.c.session_id == session_id, records.c.number.in_(numbers)
    )
    return {number: body for number, body in await connection.execute(query)}  # noqa: C416 - dict() takes a result with .keys() for a mapping
