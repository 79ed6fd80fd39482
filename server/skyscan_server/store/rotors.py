"""Rotors: each stands in the graph of a node."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import nodes, rotors

_NAMES_LOCK = 0x5C45CA12  # any number that nobody else uses


@dataclass(frozen=True, slots=True, kw_only=True)
class RotorRow:
    """A rotor as it is stored; ``graph`` is its part of the hardware graph, as JSON."""

    id: int
    node_id: int
    node: str
    installation: str
    key: str
    name: str
    graph: dict[str, Any]
    deleted: bool


_ROTORS = sa.select(
    rotors.c.id,
    rotors.c.node_id,
    nodes.c.name.label("node"),
    nodes.c.installation,
    rotors.c.key,
    rotors.c.name,
    rotors.c.graph,
    rotors.c.deleted,
).join(nodes, nodes.c.id == rotors.c.node_id)


async def hold_names(connection: AsyncConnection) -> None:
    """Let nobody else name a rotor until the transaction ends."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_NAMES_LOCK})"))


async def add(connection: AsyncConnection, node_id: int, name: str, graph: dict[str, Any]) -> int:
    """Add a rotor and return its number."""
    values = {"node_id": node_id, "key": graph["key"], "name": name, "graph": graph}
    result = await connection.execute(sa.insert(rotors).values(values).returning(rotors.c.id))
    number: int = result.scalar_one()
    return number


async def get(
    connection: AsyncConnection, rotor_id: int, *, deleted: bool = False
) -> RotorRow | None:
    """Rotor of a number; one that was deleted only if asked."""
    query = _ROTORS.where(rotors.c.id == rotor_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None or (row["deleted"] and not deleted) else _row(row)


async def named(connection: AsyncConnection, name: str) -> RotorRow | None:
    """Rotor of a name."""
    query = _ROTORS.where(rotors.c.name == name, ~rotors.c.deleted)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _row(row)


async def everyone(
    connection: AsyncConnection, *, limit: int | None = None, offset: int = 0
) -> list[RotorRow]:
    """List rotors by their numbers."""
    query = _ROTORS.where(~rotors.c.deleted).order_by(rotors.c.id).offset(offset)
    query = query.limit(limit if limit is not None else 2**31 - 1)
    return [_row(row) for row in (await connection.execute(query)).mappings()]


async def of_node(connection: AsyncConnection, node_id: int) -> list[RotorRow]:
    """Rotors in the graph of a node."""
    return await of_nodes(connection, [node_id])


async def of_nodes(connection: AsyncConnection, node_ids: Collection[int]) -> list[RotorRow]:
    """Rotors in the graphs of some nodes, those of a node in their order."""
    query = _ROTORS.where(rotors.c.node_id.in_(sorted(node_ids)), ~rotors.c.deleted)
    rows = (await connection.execute(query.order_by(rotors.c.id))).mappings()
    return [_row(row) for row in rows]


async def update(
    connection: AsyncConnection, rotor_id: int, *, name: str, graph: dict[str, Any]
) -> None:
    """Change a rotor's name and its part of the graph."""
    statement = sa.update(rotors).where(rotors.c.id == rotor_id)
    await connection.execute(statement.values(name=name, graph=graph))


async def delete(connection: AsyncConnection, rotor_id: int) -> None:
    """Take a rotor out of every list; its sessions stay."""
    await connection.execute(sa.update(rotors).where(rotors.c.id == rotor_id).values(deleted=True))


def _row(row: Mapping[Any, Any]) -> RotorRow:
    return RotorRow(**row)
