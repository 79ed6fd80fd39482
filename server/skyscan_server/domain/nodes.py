"""Nodes: they connect, bring their hardware, and get the hub's idea of it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from types import MappingProxyType
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.graph import MAX_NAME, GraphRotor, HardwareGraph, RotorKey
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


class Arrival(NamedTuple):
    """A node that comes: whose it is, and what it brings.

    Attributes
    ----------
    installation : str
        Whose node it is.
    seed : HardwareGraph
        Its hardware, taken where the hub has none of it yet.
    name : str
        What people call it; its installation, if empty.
    epochs : mapping of RotorKey to int
        Highest epoch of a claim that it has seen of each rotor.
    """

    installation: str
    seed: HardwareGraph
    name: str = ""
    epochs: Mapping[RotorKey, int] = MappingProxyType({})


class Nodes:
    """The nodes of this hub.

    Parameters
    ----------
    database : Database
        Where they are remembered.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def connect(
        self,
        installation: str,
        seed: HardwareGraph,
        name: str = "",
        epochs: Mapping[RotorKey, int] | None = None,
    ) -> Connected:
        """Register a connection of an installation's node.

        Its graph is taken where the hub has none of it yet; from then on the hub's is used. Claims
        go on above the epochs that it has seen: it refuses orders of lower ones, and a database
        that was restored from a copy knows nothing of them.
        """
        [connected] = await self.connect_all([Arrival(installation, seed, name, epochs or {})])
        return connected

    async def connect_all(self, coming: Sequence[Arrival]) -> Sequence[Connected]:
        """Register connections, each of an installation's node, as `connect` does.

        Those who come at once are one transaction: after a hub was down, all of them do.
        """
        connected: dict[int, Connected] = {}
        async with self._database.write() as connection:
            left = dict(enumerate(coming))
            while left:
                # One connection of each node after the other: each has an epoch of its own.
                turn = {coming[index].installation: index for index in reversed(left)}
                arrivals = {name: coming[index] for name, index in turn.items()}
                for installation, one in (await _connect(connection, arrivals)).items():
                    connected[turn[installation]] = one
                    del left[turn[installation]]
        return [connected[index] for index in range(len(coming))]

    async def register(self, installation: str, seed: HardwareGraph, name: str = "") -> Registered:
        """Make an installation's node known, as `connect` does, without a connection."""
        async with self._database.write() as connection:
            node_id, version = await _register(connection, Arrival(installation, seed, name))
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


async def _register(connection: AsyncConnection, arrival: Arrival) -> tuple[int, int]:
    """Node of an installation, made if need be, and the version of its graph."""
    installation = arrival.installation
    node = await nodes.registered(connection, installation, arrival.name or installation)
    await _rename(connection, node, arrival.name)
    if node.graph_version > 0:
        return node.id, node.graph_version
    await _plant(connection, node, arrival.seed)
    return node.id, await nodes.next_graph(connection, node.id)


async def _connect(
    connection: AsyncConnection, arrivals: Mapping[str, Arrival]
) -> dict[str, Connected]:
    """Connect the nodes of some installations, each once."""
    known = await nodes.of_installations(connection, arrivals)
    for node in known:
        await _rename(connection, node, arrivals[node.installation].name)
    ready = {node.installation: node.id for node in known if node.graph_version > 0}
    # In one order everywhere, so that two hubs do not wait for each other.
    for installation in sorted(arrivals.keys() - ready.keys()):
        ready[installation], _ = await _register(connection, arrivals[installation])
    standings = await nodes.connect(connection, ready.values(), datetime.now(UTC))
    graphs: defaultdict[int, list[GraphRotor]] = defaultdict(list)
    seen: dict[int, int] = {}
    for row in await rotors.of_nodes(connection, ready.values()):
        seen[row.id] = arrivals[row.installation].epochs.get(row.key, 0)
        graphs[row.node_id].append(GraphRotor.model_validate(row.graph))
    await _step_over(connection, {rotor_id: epoch for rotor_id, epoch in seen.items() if epoch})
    return {
        installation: Connected(
            node_id,
            standings[node_id].epoch,
            HardwareGraph(rotors=tuple(graphs[node_id])),
            standings[node_id].graph_version,
        )
        for installation, node_id in ready.items()
    }


async def _step_over(connection: AsyncConnection, seen: Mapping[int, int]) -> None:
    """Let the claims on some rotors go on above the epochs that their nodes have seen."""
    if not seen:
        return
    for rotor_id, epoch in sorted((await control.epochs(connection, seen)).items()):
        if epoch < seen[rotor_id]:
            stepped = await control.step_over(connection, rotor_id, seen[rotor_id])
            log.warning(
                "the node has seen newer claims than we know of: is this an older database?",
                rotor_id=rotor_id,
                known=epoch,
                seen=seen[rotor_id],
                epoch=stepped,
            )


async def _rename(connection: AsyncConnection, node: NodeRow, name: str) -> None:
    """Call a node as it calls itself."""
    if name and name != node.name:
        await nodes.rename(connection, node.id, name)


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
