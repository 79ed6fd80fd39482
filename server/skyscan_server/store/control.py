"""Control of a mount: one row a rotor, with its epoch and its holder.

The epoch is the fencing token: it goes up with every change of holder and never down.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import FINAL, control, sessions


class ControlRow(NamedTuple):
    """Who holds a rotor, since which epoch, and until when; nobody where the holder is None."""

    rotor_id: int
    epoch: int
    holder: str | None
    until: datetime | None


async def add(connection: AsyncConnection, rotor_id: int) -> None:
    """Begin with nobody holding a rotor."""
    await connection.execute(sa.insert(control).values(rotor_id=rotor_id, epoch=0))


async def epochs(connection: AsyncConnection, rotor_ids: Collection[int]) -> dict[int, int]:
    """Epochs of some rotors."""
    query = sa.select(control.c.rotor_id, control.c.epoch).where(
        control.c.rotor_id.in_(sorted(rotor_ids))
    )
    return {rotor_id: epoch for rotor_id, epoch in await connection.execute(query)}  # noqa: C416 - dict() takes a result with .keys() for a mapping


async def step_over(connection: AsyncConnection, rotor_id: int, epoch: int) -> int | None:
    """Go on above an epoch that somebody has seen; return the new one, None where we are there.

    A scan that holds the rotor has it under the new epoch; whoever else does has it no longer.
    """
    row = await get(connection, rotor_id, lock=True)
    if row.epoch >= epoch:
        return None
    scans = (
        sa.update(sessions)
        .where(
            sessions.c.rotor_id == rotor_id,
            sessions.c.epoch == row.epoch,
            sessions.c.status.not_in(FINAL),
        )
        .values(epoch=epoch + 1)
    )
    kept = row.holder is not None and (await connection.execute(scans)).rowcount > 0
    values = {"epoch": epoch + 1, **({} if kept else {"holder": None, "until": None})}
    await connection.execute(
        sa.update(control).where(control.c.rotor_id == rotor_id).values(values)
    )
    return epoch + 1


async def now(connection: AsyncConnection) -> datetime:
    """Time of the database, which is the same for all hubs on it."""
    if connection.dialect.name == "sqlite":  # this hub alone
        return datetime.now(UTC)
    time: datetime = (await connection.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
    return time


async def get(connection: AsyncConnection, rotor_id: int, *, lock: bool = False) -> ControlRow:
    """Who holds a rotor; if asked, nobody else takes it until the transaction ends."""
    query = sa.select(control).where(control.c.rotor_id == rotor_id)
    row = await connection.execute(query.with_for_update() if lock else query)
    return ControlRow(*row.one())


async def claim(
    connection: AsyncConnection,
    rotor_id: int,
    holder: str,
    *,
    now: datetime,
    until: datetime | None = None,
) -> int | None:
    """Take a rotor that nobody holds; return the new epoch, None where somebody does."""
    free = sa.or_(control.c.holder.is_(None), control.c.until < now)
    statement = (
        sa.update(control)
        .where(control.c.rotor_id == rotor_id, free)
        .values(holder=holder, until=until, epoch=control.c.epoch + 1)
        .returning(control.c.epoch)
    )
    epoch: int | None = (await connection.execute(statement)).scalar_one_or_none()
    return epoch


async def renew(
    connection: AsyncConnection,
    rotor_id: int,
    epoch: int,
    holder: str,
    *,
    now: datetime,
    until: datetime,
) -> bool:
    """Hold on to a claim that has not run out; whether it could be."""
    statement = (
        sa.update(control)
        .where(
            control.c.rotor_id == rotor_id,
            control.c.epoch == epoch,
            control.c.holder == holder,
            control.c.until >= now,
        )
        .values(until=until)
    )
    return (await connection.execute(statement)).rowcount == 1


async def release(connection: AsyncConnection, rotor_id: int, epoch: int) -> None:
    """Give a claim up, unless somebody else has the rotor by now."""
    statement = (
        sa.update(control)
        .where(
            control.c.rotor_id == rotor_id,
            control.c.epoch == epoch,
            control.c.holder.isnot(None),
        )
        .values(holder=None, until=None, epoch=control.c.epoch + 1)
    )
    await connection.execute(statement)
