"""Assets: what is known of each file; the files themselves are in `asset_files`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import assets, nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """An asset as it is stored."""

    id: str
    installation: str
    session_id: int | None
    label: str
    media_type: str
    size: int
    sha256: str
    complete: bool
    created_at: datetime


async def hold(connection: AsyncConnection, installation: str) -> None:
    """Let nobody else add to an installation's assets until the transaction ends."""
    query = sa.select(nodes.c.id).where(nodes.c.installation == installation)
    await connection.execute(query.with_for_update())


async def add(connection: AsyncConnection, row: AssetRow) -> None:
    """Add an asset."""
    await connection.execute(sa.insert(assets).values(asdict(row)))


async def get(connection: AsyncConnection, asset_id: str) -> AssetRow | None:
    """Asset of an id."""
    return await _first(connection, assets.c.id == asset_id)


async def like(connection: AsyncConnection, row: AssetRow) -> AssetRow | None:
    """Asset that is the same but for its id, and for how far it has got."""
    same = ("installation", "session_id", "label", "media_type", "size", "sha256")
    # Not "=": a session that is null is the same as one that is null.
    return await _first(
        connection,
        *(assets.c[name].is_not_distinct_from(getattr(row, name)) for name in same),
    )


async def used(connection: AsyncConnection, installation: str) -> int:
    """Bytes that an installation's assets take, or will take once they are there."""
    query = sa.select(sa.func.coalesce(sa.func.sum(assets.c.size), 0)).where(
        assets.c.installation == installation
    )
    return int((await connection.execute(query)).scalar_one())


async def of_session(connection: AsyncConnection, session_id: int) -> list[AssetRow]:
    """List the complete assets of a session, the oldest first."""
    query = (
        sa.select(assets)
        .where(assets.c.session_id == session_id, assets.c.complete)
        .order_by(assets.c.created_at, assets.c.id)
    )
    return [_row(row) for row in (await connection.execute(query)).mappings()]


async def set_complete(connection: AsyncConnection, asset_id: str) -> None:
    """Note that an asset is all there."""
    await connection.execute(sa.update(assets).where(assets.c.id == asset_id).values(complete=True))


async def unfinished(connection: AsyncConnection, before: datetime) -> list[AssetRow]:
    """List assets that were said before a time, and are not complete."""
    query = sa.select(assets).where(~assets.c.complete, assets.c.created_at < before)
    return [_row(row) for row in (await connection.execute(query)).mappings()]


async def delete_unfinished(connection: AsyncConnection, asset_id: str) -> bool:
    """Forget an asset unless it has become complete; whether it is forgotten."""
    statement = sa.delete(assets).where(assets.c.id == asset_id, ~assets.c.complete)
    return (await connection.execute(statement)).rowcount == 1


async def _first(
    connection: AsyncConnection, *conditions: sa.ColumnElement[bool]
) -> AssetRow | None:
    row = (await connection.execute(sa.select(assets).where(*conditions))).mappings().first()
    return None if row is None else _row(row)


def _row(row: Mapping[Any, Any]) -> AssetRow:
    return AssetRow(**row)
