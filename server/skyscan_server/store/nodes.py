"""Nodes: one an installation, with the epoch of its newest connection."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A node as it is stored."""

    id: int
    installation: str
    name: str
    graph_version: int
    connection_epoch: int
    connected: bool
    seen_at: datetime | None
    removed: bool


class Standing(NamedTuple):
    """What the connections of a node have to know: the newest of them, and the newest graph."""

    epoch: int
    graph_version: int


async def registered(connection: AsyncConnection, installation: str, name: str) -> NodeRow:
    """Node of an installation, added where it is new, and held against other writers."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    await connection.execute(
        insert(nodes)
        .values(installation=installation, name=name)
        .on_conflict_do_nothing(index_elements=[nodes.c.installation])
    )
    query = sa.select(nodes).where(nodes.c.installation == installation).with_for_update()
    return NodeRow(**(await connection.execute(query)).mappings().one())


async def get(connection: AsyncConnection, node_id: int) -> NodeRow | None:
    """Node of a number, unless it was removed."""
    query = sa.select(nodes).where(nodes.c.id == node_id, ~nodes.c.removed)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else NodeRow(**row)


async def everyone(connection: AsyncConnection) -> list[NodeRow]:
    """List nodes by their numbers."""
    query = sa.select(nodes).where(~nodes.c.removed).order_by(nodes.c.id)
    return [NodeRow(**row) for row in (await connection.execute(query)).mappings()]


async def of_installations(
    connection: AsyncConnection, installations: Collection[str]
) -> list[NodeRow]:
    """Nodes of some installations, those that there are, held against other writers."""
    query = (
        sa.select(nodes)
        .where(nodes.c.installation.in_(sorted(installations)))
        .order_by(nodes.c.installation)
        .with_for_update()
    )
    return [NodeRow(**row) for row in (await connection.execute(query)).mappings()]


async def connect(
    connection: AsyncConnection, node_ids: Collection[int], now: datetime
) -> dict[int, Standing]:
    """Begin connections, each with an epoch above that of every one of its node before it."""
    statement = (
        sa.update(nodes)
        .where(nodes.c.id.in_(sorted(node_ids)))
        .values(connection_epoch=nodes.c.connection_epoch + 1, connected=True, seen_at=now)
        .returning(nodes.c.id, nodes.c.connection_epoch, nodes.c.graph_version)
    )
    return {
        node_id: Standing(epoch, version)
        for node_id, epoch, version in await connection.execute(statement)
    }


async def remove(connection: AsyncConnection, node: NodeRow) -> None:
    """Take a node out of every list, and let its installation have another one."""
    statement = sa.update(nodes).where(nodes.c.id == node.id)
    await connection.execute(
        statement.values(
            removed=True,
            installation=f"{node.installation} (removed, node {node.id})",
            connected=False,
            # Its connection is not the newest any more, and is closed.
            connection_epoch=nodes.c.connection_epoch + 1,
        )
    )


async def rename(connection: AsyncConnection, node_id: int, name: str) -> None:
    """Call a node something else."""
    await connection.execute(sa.update(nodes).where(nodes.c.id == node_id).values(name=name))


async def disconnect(
    connection: AsyncConnection, ended: Collection[tuple[int, int]], now: datetime
) -> None:
    """End connections, node and epoch of each; a newer one of the same node is left alone."""
    statement = (
        sa.update(nodes)
        .where(
            nodes.c.id == sa.bindparam("node_id"), nodes.c.connection_epoch == sa.bindparam("epoch")
        )
        .values(connected=False, seen_at=now)
    )
    rows = [{"node_id": node_id, "epoch": epoch} for node_id, epoch in ended]
    await connection.execute(statement, rows)


async def see(connection: AsyncConnection, node_id: int, now: datetime) -> None:
    """Note that a node has been heard of."""
    await connection.execute(sa.update(nodes).where(nodes.c.id == node_id).values(seen_at=now))


async def standings(connection: AsyncConnection) -> dict[int, Standing]:
    """Standing of every node."""
    query = sa.select(nodes.c.id, nodes.c.connection_epoch, nodes.c.graph_version)
    return {
        node_id: Standing(epoch, version)
        for node_id, epoch, version in await connection.execute(query)
    }


async def forget_connections(connection: AsyncConnection) -> None:
    """Take every node for offline: at the start of the only hub."""
    await connection.execute(sa.update(nodes).values(connected=False))


async def next_graph(connection: AsyncConnection, node_id: int) -> int:
    """Count the graph of a node up, and return its version."""
    statement = (
        sa.update(nodes)
        .where(nodes.c.id == node_id)
        .values(graph_version=nodes.c.graph_version + 1)
        .returning(nodes.c.graph_version)
    )
    version: int = (await connection.execute(statement)).scalar_one()
    return version
