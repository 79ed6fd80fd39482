"""Nodes: they connect, bring their hardware, and get the hub's idea of it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.graph import MAX_NAME, GraphRotor, HardwareGraph
from skyscan_server.domain.errors import NotFound
from skyscan_server.store import control, nodes, rotors
from skyscan_server.store.database import Database
from skyscan_server.store.nodes import NodeRow, Standing

log = structlog.get_logger(__name__)

NO_NODE = "Node not found"


@dataclass(frozen=True, slots=True)
class Registered:
    """A node that is known.

    Attributes
    ----------
    node_id : int
        Its number.
    graph, graph_version : HardwareGraph, int
        The hub's graph of it.
    """

    node_id: int
    graph: HardwareGraph
    graph_version: int


@dataclass(frozen=True, slots=True)
class Connected:
    """A node that has just connected.

    Attributes
    ----------
    node_id : int
        Its number.
    epoch : int
        Of this connection: the newest one has the highest.
    graph, graph_version : HardwareGraph, int
        The hub's graph of it.
    """

    node_id: int
    epoch: int
    graph: HardwareGraph
    graph_version: int


class Nodes:
    """The nodes of this hub.

    Parameters
    ----------
    database : Database
        Where they are remembered.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def connect(self, installation: str, seed: HardwareGraph) -> Connected:
        """Register a connection of an installation's node.

        Its graph is taken where the hub has none of it yet; from then on the hub's is used.
        """
        [connected] = await self.connect_all([(installation, seed)])
        return connected

    async def connect_all(self, coming: Sequence[tuple[str, HardwareGraph]]) -> Sequence[Connected]:
        """Register connections, each of an installation's node, as `connect` does.

        Those who come at once are one transaction: after a hub was down, all of them do.
        """
        connected: dict[int, Connected] = {}
        async with self._database.write() as connection:
            left = dict(enumerate(coming))
            while left:
                # One connection of each node after the other: each has an epoch of its own.
                turn = {coming[index][0]: index for index in reversed(left)}
                seeds = {installation: coming[index][1] for installation, index in turn.items()}
                for installation, one in (await _connect(connection, seeds)).items():
                    connected[turn[installation]] = one
                    del left[turn[installation]]
        return [connected[index] for index in range(len(coming))]

    async def register(self, installation: str, seed: HardwareGraph) -> Registered:
        """Make an installation's node known, as `connect` does, without a connection."""
        async with self._database.write() as connection:
            node_id, version = await _register(connection, installation, seed)
            await nodes.see(connection, node_id, datetime.now(UTC))
            graph = await _graph(connection, node_id)
        return Registered(node_id, graph, version)

    async def see(self, installation: str, node_id: int) -> None:
        """Note that an installation's node has been heard of.

        Raises
        ------
        NotFound
            Where there is no such node, or it is another installation's.
        """
        async with self._database.write() as connection:
            await _require(connection, installation, node_id)
            await nodes.see(connection, node_id, datetime.now(UTC))

    async def require_own(self, installation: str, node_id: int) -> None:
        """See that a node is an installation's.

        Raises
        ------
        NotFound
            Where it is not, as if it were not there.
        """
        async with self._database.read() as connection:
            await _require(connection, installation, node_id)

    async def disconnect(self, node_id: int, epoch: int) -> None:
        """Note that a connection has ended; a newer one is left alone."""
        await self.disconnect_all([(node_id, epoch)])

    async def disconnect_all(self, ended: Collection[tuple[int, int]]) -> None:
        """Note that connections have ended: node and epoch of each; newer ones are left alone."""
        async with self._database.write() as connection:
            await nodes.disconnect(connection, ended, datetime.now(UTC))

    async def standings(self) -> dict[int, Standing]:
        """Newest connection and graph of every node, wherever it is connected."""
        async with self._database.read() as connection:
            return await nodes.standings(connection)

    async def name(self, node_id: int) -> str | None:
        """Name of a node; None where there is none of this number."""
        async with self._database.read() as connection:
            node = await nodes.get(connection, node_id)
        return None if node is None else node.name

    async def forget_connections(self) -> None:
        """Take every node for offline: when the hub that had their connections starts."""
        async with self._database.write() as connection:
            await nodes.forget_connections(connection)

    async def graph(self, installation: str, node_id: int) -> tuple[HardwareGraph, int]:
        """Graph of an installation's node, and its version.

        Raises
        ------
        NotFound
            Where there is no such node, or it is another installation's.
        """
        async with self._database.read() as connection:
            node = await _require(connection, installation, node_id)
            return await _graph(connection, node_id), node.graph_version

    async def online(self, node_id: int) -> bool:
        """Whether a node is connected."""
        async with self._database.read() as connection:
            node = await nodes.get(connection, node_id)
        return node is not None and node.connected

    async def everyone(self) -> list[NodeRow]:
        """List the nodes."""
        async with self._database.read() as connection:
            return await nodes.everyone(connection)


async def _register(
    connection: AsyncConnection, installation: str, seed: HardwareGraph
) -> tuple[int, int]:
    """Node of an installation, made if need be, and the version of its graph."""
    node = await nodes.registered(connection, installation, installation)
    if node.graph_version > 0:
        return node.id, node.graph_version
    await _plant(connection, node, seed)
    return node.id, await nodes.next_graph(connection, node.id)


async def _connect(
    connection: AsyncConnection, seeds: Mapping[str, HardwareGraph]
) -> dict[str, Connected]:
    """Connect the nodes of some installations, each once."""
    known = await nodes.of_installations(connection, seeds)
    ready = {node.installation: node.id for node in known if node.graph_version > 0}
    # In one order everywhere, so that two hubs do not wait for each other.
    for installation in sorted(seeds.keys() - ready.keys()):
        ready[installation], _ = await _register(connection, installation, seeds[installation])
    standings = await nodes.connect(connection, ready.values(), datetime.now(UTC))
    graphs: defaultdict[int, list[GraphRotor]] = defaultdict(list)
    for row in await rotors.of_nodes(connection, ready.values()):
        graphs[row.node_id].append(GraphRotor.model_validate(row.graph))
    return {
        installation: Connected(
            node_id,
            standings[node_id].epoch,
            HardwareGraph(rotors=tuple(graphs[node_id])),
            standings[node_id].graph_version,
        )
        for installation, node_id in ready.items()
    }


async def _require(connection: AsyncConnection, installation: str, node_id: int) -> NodeRow:
    node = await nodes.get(connection, node_id)
    if node is None or node.installation != installation:
        raise NotFound(NO_NODE)
    return node


async def _plant(connection: AsyncConnection, node: NodeRow, seed: HardwareGraph) -> None:
    await rotors.hold_names(connection)
    for rotor in seed.rotors:
        name = await _free_name(connection, rotor.name, node)
        graph = rotor.model_copy(update={"name": name}).model_dump(mode="json")
        rotor_id = await rotors.add(connection, node.id, name, graph)
        await control.add(connection, rotor_id)
        log.info("rotor registered", rotor_id=rotor_id, rotor=name, node=node.name)


async def _free_name(connection: AsyncConnection, wanted: str, node: NodeRow) -> str:
    """Name for a rotor, told apart from others that are called the same."""
    endings = chain(("", f" ({node.name})"), (f" ({node.name} {n})" for n in count(2)))
    for ending in endings:
        name = wanted[: MAX_NAME - len(ending)] + ending
        if await rotors.named(connection, name) is None:
            return name
    raise AssertionError("there is always another number")


async def _graph(connection: AsyncConnection, node_id: int) -> HardwareGraph:
    rows = await rotors.of_node(connection, node_id)
    return HardwareGraph(rotors=tuple(GraphRotor.model_validate(row.graph) for row in rows))
