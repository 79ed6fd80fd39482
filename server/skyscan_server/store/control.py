"""Control of a mount: one row a rotor, with its epoch and its holder.

The epoch is the fencing token: it goes up with every change of holder and never down.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import control


class ControlRow(NamedTuple):
    """Who holds a rotor, since which epoch, and until when; nobody where the holder is None."""

    rotor_id: int
    epoch: int
    holder: str | None
    until: datetime | None


async def add(connection: AsyncConnection, rotor_id: int) -> None:
    """Begin with nobody holding a rotor."""
    await connection.execute(sa.insert(control).values(rotor_id=rotor_id, epoch=0))


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
