"""The socket of a node: hello and welcome, then everything that either side has to say."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from skyscan_lab.protocol.node_link import (
    MAX_MESSAGE_BYTES,
    Hello,
    HubMessage,
    KnownJournal,
    NodeMessage,
    Tasks,
    Welcome,
)
from skyscan_server.auth.scopes import Scope
from skyscan_server.bus.base import Bus
from skyscan_server.domain import tasks as domain_tasks
from skyscan_server.domain.dispatch import Dispatch
from skyscan_server.domain.errors import Unavailable
from skyscan_server.domain.ingest import Ingest
from skyscan_server.domain.nodes import Arrival, Connected, Nodes
from skyscan_server.domain.positions import Positions
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.troubles import Troubles
from skyscan_server.gateway.connection_registry import ConnectionRegistry
from skyscan_server.gateway.courier import Courier
from skyscan_server.gateway.departures import Departures
from skyscan_server.gateway.direct_rpc import DirectRpc
from skyscan_server.gateway.grouped import Grouped
from skyscan_server.gateway.incoming import Incoming
from skyscan_server.gateway.installations import installation_of
from skyscan_server.gateway.intake import Intake
from skyscan_server.gateway.node_connection import NodeConnection, NodeGone, NodeLink
from skyscan_server.gateway.standings import Standings
from skyscan_server.store.errors import StoreError
from skyscan_server.web.operations import Call, Channel
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.sockets import Socket
from skyscan_server.web.validation import unusable_words

HELLO_S = 10.0
HEARTBEAT_S = 20.0

log = structlog.get_logger(__name__)


class NodeSocket:
    """Socket of the nodes. Its `run` must be running while it is served.

    Parameters
    ----------
    registry : ConnectionRegistry
        The nodes that are connected here.
    rpc : DirectRpc
        Calls at them.
    nodes, tasks, dispatch, ingest, rotors, positions, troubles
        The rules.
    bus : Bus
        Says when graphs have changed.
    hello_s : float
        Time for a node to say hello.
    heartbeat_s : float
        A node silent so long is pinged.
    """

    def __init__(
        self,
        registry: ConnectionRegistry,
        rpc: DirectRpc,
        *,
        nodes: Nodes,
        tasks: domain_tasks.Tasks,
        dispatch: Dispatch,
        ingest: Ingest,
        rotors: Rotors,
        positions: Positions,
        troubles: Troubles,
        bus: Bus,
        hello_s: float = HELLO_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._registry = registry
        self._arrivals = Grouped(nodes.connect_all, self._left_early)
        self._tasks = Grouped(tasks.of_nodes)
        self._dispatch = dispatch
        self._hello_s = hello_s
        self._heartbeat_s = heartbeat_s
        self._courier = Courier(nodes, tasks, registry.errands)
        self._departures = Departures(nodes)
        self._standings = Standings(registry, nodes, bus)
        self._incoming = Incoming(
            tasks=tasks,
            intake=Intake(ingest),
            rotors=rotors,
            positions=positions,
            troubles=troubles,
            rpc=rpc,
            bus=bus,
            errands=registry.errands,
        )

    @property
    def channels(self) -> list[Channel]:
        """The one socket."""
        return [
            Channel(
                path="/v1/ws/node",
                handler=self.link_node,
                summary="Be a node",
                description="The node says hello first. Its newest connection counts; an older "
                "one is told that it is superseded, and closed. Close codes are 4000 and the "
                "HTTP status that the same refusal would have.",
                scope=Scope.NODE,
                tag="Nodes",
                errors={403: "the token must be an installation's"},
                max_message_bytes=MAX_MESSAGE_BYTES,
                heartbeat_s=self._heartbeat_s,
                # Looking at every value twice would cost more than all the rest of a record.
                check_values=False,
            )
        ]

    async def run(self) -> None:
        """Watch over the connections, until cancelled."""
        async with self._registry.errands, asyncio.TaskGroup() as group:
            group.create_task(self._standings.run())
            group.create_task(self._departures.run())
            group.create_task(self._arrivals.run())
            group.create_task(self._tasks.run())

    async def link_node(
        self, call: Call[None, None], socket: Socket[NodeMessage, HubMessage]
    ) -> None:
        """Link a node to the hub for as long as it stays."""
        installation = installation_of(call.principal)
        await socket.open()
        _forget_http(call.request)
        try:
            hello = await self._hello(socket)
        except HttpRefusal as error:
            # The words that fit into a close frame may not say it all.
            log.warning("node refused", installation=installation, words=error.words)
            raise
        journals = hello.journals
        connected = await self._connect(installation, hello)
        connection = NodeConnection(socket, installation, connected, self._courier.call)
        del hello  # a graph is larger than all the rest of a connection
        try:
            self._registry.add(connection)
            with self._dispatch.deliver(connection.node_id, connection):
                await self._welcome(connection, connected, journals)
                del connected, journals
                await self._listen(connection, socket)
        finally:
            self._registry.remove(connection)
            connection.retire()
            self._departures.note(connection.node_id, connection.epoch)

    async def _hello(self, socket: NodeLink) -> Hello:
        try:
            async with asyncio.timeout(self._hello_s):
                message = await anext(socket)
        except TimeoutError:
            raise HttpRefusal(408, f"no hello within {self._hello_s:g} s") from None
        except StopAsyncIteration:
            raise ConnectionResetError("the node left before it said hello") from None
        if not isinstance(message, Hello):
            raise HttpRefusal(422, f"kind = {message.kind!r}: must be 'hello' in the first message")
        words = unusable_words(message, "hello")
        if words is not None:
            raise HttpRefusal(422, words)
        return message

    async def _connect(self, installation: str, hello: Hello) -> Connected:
        try:
            return await self._arrivals.ask(
                Arrival(installation, hello.graph, hello.name, hello.epochs)
            )
        except StoreError as error:
            raise Unavailable(f"the store of the hub takes nothing: {error}") from error

    def _left_early(self, connected: Connected) -> None:
        """Note that a node has left meanwhile, which the database holds for connected."""
        self._departures.note(connected.node_id, connected.epoch)

    async def _welcome(
        self, connection: NodeConnection, connected: Connected, journals: tuple[KnownJournal, ...]
    ) -> None:
        welcome = Welcome(
            node_id=connected.node_id,
            connection_epoch=connected.epoch,
            graph=connected.graph,
            graph_version=connected.graph_version,
        )
        try:
            await connection.send(welcome)
            await self._incoming.find_again(connection, journals)
            tasks = await self._tasks.ask((connection.node_id, journals))
            connection.learn(task.session_id for task in tasks)
            await connection.send(Tasks(tasks=tuple(tasks)))
        except NodeGone:
            if connection.retired:
                return  # superseded already; it is being told
            raise
        except StoreError as error:
            raise Unavailable(f"the store of the hub cannot be read: {error}") from error
        connection.begin()
        log.info("node connected", node_id=connection.node_id, epoch=connection.epoch)

    async def _listen(self, connection: NodeConnection, socket: NodeLink) -> None:
        try:
            async for message in socket:
                if not connection.retired:
                    self._incoming.take(connection, message)
        except HttpRefusal as error:
            log.warning("node refused", node_id=connection.node_id, words=error.words)
            raise


def _forget_http(request: web.Request) -> None:
    """Let go of what has read the request: the connection is a WebSocket from here on.

    aiohttp keeps it as long as the connection, with every header that it has read: for a node
    that has nothing to say, that is a tenth of all that it costs.
    """
    protocol = request.protocol
    if hasattr(protocol, "_parser"):
        protocol._parser = None  # noqa: SLF001 - as aiohttp does itself, only later
