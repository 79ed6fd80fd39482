"""Rotors: listed, added, changed, and asked where they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rotors import RotorFields
from skyscan_lab.protocol.rpc import PositionNow, Probed
from skyscan_lab.station import Site
from skyscan_server.bus.base import GRAPHS, Bus
from skyscan_server.domain import calls, holding
from skyscan_server.domain.calls import CallFailed, NodeCaller
from skyscan_server.domain.errors import Conflict, Invalid, NotFound, Unavailable
from skyscan_server.domain.graphs import fresh_key, graph_rotor
from skyscan_server.domain.sessions import NO_ROTOR
from skyscan_server.store import control, nodes, rotors
from skyscan_server.store.database import Database
from skyscan_server.store.nodes import NodeRow
from skyscan_server.store.rotors import RotorRow

log = structlog.get_logger(__name__)


class Rotors:
    """The rotors of this hub.

    Parameters
    ----------
    database : Database
        Where they are remembered.
    bus : Bus
        Woken when a node's graph has changed.
    caller : NodeCaller
        Through which they are asked.
    built_in : str
        Installation of the node that a rotor goes to where nothing else is said and there are
        several.
    """

    def __init__(
        self, database: Database, bus: Bus, caller: NodeCaller, *, built_in: str = "lab"
    ) -> None:
        self._database = database
        self._bus = bus
        self._caller = caller
        self._built_in = built_in
        self._known: dict[int, RotorRow] = {}

    async def everyone(self, *, limit: int | None = None, offset: int = 0) -> list[RotorRow]:
        """List rotors by their numbers."""
        async with self._database.read() as connection:
            return await rotors.everyone(connection, limit=limit, offset=offset)

    async def get(self, rotor_id: int) -> RotorRow:
        """Rotor of a number.

        Raises
        ------
        NotFound
            Where there is none.
        """
        async with self._database.read() as connection:
            row = await _require(connection, rotor_id)
        self._known[rotor_id] = row
        return row

    def known(self, rotor_id: int) -> RotorRow | None:
        """Rotor as it was last read, without the store: enough to stop it."""
        return self._known.get(rotor_id)

    async def add(self, fields: RotorFields) -> RotorRow:
        """Add a rotor to a node's graph.

        Raises
        ------
        Conflict
            For a name that is taken.
        Invalid
            For a node that is not there, fields that do not go together, or an address that the
            node's own file does not allow.
        Unavailable
            While no node has registered.
        """
        async with self._database.read() as connection:
            node = await self._node(connection, fields.node)
            graph = graph_rotor(fields, fresh_key(), await _site(connection, node))
        await calls.require_allowed(self._caller, node.id, graph)
        async with self._changing() as connection:
            if await nodes.get(connection, node.id) is None:
                raise Unavailable(f"node {node.name} has just been removed")
            # Node before names, as when nodes register: nobody waits for each other.
            await nodes.next_graph(connection, node.id)
            await rotors.hold_names(connection)
            if await rotors.named(connection, fields.name) is not None:
                raise Conflict(f"A rotor named {fields.name!r} exists already")
            rotor_id = await rotors.add(
                connection, node.id, fields.name, graph.model_dump(mode="json")
            )
            await control.add(connection, rotor_id)
            return await _require(connection, rotor_id)

    async def change(self, rotor_id: int, fields: RotorFields) -> RotorRow:
        """Give a rotor other fields; it stays with its node.

        Raises
        ------
        NotFound
            Where there is none.
        Conflict
            While somebody holds it, or for a name that is taken.
        Invalid
            For another node, fields that do not go together, or an address that the node's own
            file does not allow.
        """
        row = await self.get(rotor_id)
        site = GraphRotor.model_validate(row.graph).station.site
        graph = graph_rotor(fields, row.key, site)
        await calls.require_allowed(self._caller, row.node_id, graph)
        async with self._changing() as connection:
            row = await _require(connection, rotor_id)
            await holding.require_free(connection, row, lock=True)
            if fields.node not in (None, row.node, row.installation):
                raise Invalid("node", fields.node, f"{row.node!r}, where the rotor stands")
            await nodes.next_graph(connection, row.node_id)
            await rotors.hold_names(connection)
            other = await rotors.named(connection, fields.name)
            if other is not None and other.id != rotor_id:
                raise Conflict(f"A rotor named {fields.name!r} exists already")
            await rotors.update(
                connection, rotor_id, name=fields.name, graph=graph.model_dump(mode="json")
            )
            return await _require(connection, rotor_id)

    async def delete(self, rotor_id: int) -> None:
        """Take a rotor away; its sessions stay.

        Raises
        ------
        NotFound
            Where there is none.
        Conflict
            While somebody holds it.
        """
        async with self._changing() as connection:
            row = await _require(connection, rotor_id)
            await holding.require_free(connection, row, lock=True)
            await rotors.delete(connection, rotor_id)
            await nodes.next_graph(connection, row.node_id)

    async def test(self, rotor_id: int) -> Probed | None:
        """Connect a rotor and ask what it is; None where it cannot be reached."""
        row = await self.get(rotor_id)
        try:
            return await calls.probe(self._caller, row)
        except CallFailed as error:
            # The answer has no room for it; `position` says it as well.
            why = {"failure": str(error.failure), "reason": error.words}
            log.warning("rotor is not connected", rotor=row.name, **why)
            return None

    async def position(self, rotor_id: int) -> tuple[RotorRow, PositionNow]:
        """Where a rotor points.

        Raises
        ------
        NotFound
            Where there is none.
        Unavailable
            Where it cannot be reached.
        """
        row = await self.get(rotor_id)
        return row, await calls.position(self._caller, row)

    async def by_key(self, node_id: int) -> dict[str, RotorRow]:
        """Rotors of a node, by their keys."""
        async with self._database.read() as connection:
            found = await rotors.of_node(connection, node_id)
        self._known |= {row.id: row for row in found}
        return {row.key: row for row in found}

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.write() as connection:
            yield connection
        self._bus.publish(GRAPHS)

    async def _node(self, connection: AsyncConnection, name: str | None) -> NodeRow:
        known = await nodes.everyone(connection)
        if name is not None:
            # Nodes name themselves, so a name can come twice; an installation cannot.
            named = [node for node in known if node.installation == name] or [
                node for node in known if node.name == name
            ]
            if len(named) == 1:
                return named[0]
            names = _listed(named or known) or "none yet"
            raise Invalid("node", name, f"a node that has registered: {names}")
        for node in known:
            if len(known) == 1 or node.installation == self._built_in:
                return node
        if not known:
            raise Unavailable("no node has registered yet")
        raise Invalid("node", None, f"named, as there are several: {_listed(known)}")


def _listed(found: list[NodeRow]) -> str:
    """Nodes by what they can be asked for with."""
    return ", ".join(
        repr(node.name)
        if node.name == node.installation
        else f"{node.installation!r} ({node.name})"
        for node in found
    )


async def _require(connection: AsyncConnection, rotor_id: int) -> RotorRow:
    row = await rotors.get(connection, rotor_id)
    if row is None:
        raise NotFound(NO_ROTOR)
    return row


async def _site(connection: AsyncConnection, node: NodeRow) -> Site:
    """Site of a node, as its first rotor has it."""
    for row in await rotors.of_node(connection, node.id):
        return GraphRotor.model_validate(row.graph).station.site
    return Site()
