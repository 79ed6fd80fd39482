"""A hub's gateway on loopback, over the real store with real tokens, and nodes driven by a test.

The node is the peer: it speaks node_link through aiohttp's client and nothing of ours.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType, web

from skyscan_lab.protocol.graph import GraphRotor, HardwareGraph
from skyscan_lab.protocol.node_link import HUB_MESSAGE, Hello, Result, Rpc, Tasks, Welcome
from skyscan_lab.protocol.records import PointRecord, StatusRecord
from skyscan_lab.protocol.rotors import RotorFields
from skyscan_lab.protocol.rpc import Stop
from skyscan_lab.protocol.skyscan import ScanRequest
from skyscan_lab.station import Limits
from skyscan_server.auth.enrolment import Enrolling
from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.scopes import Scope
from skyscan_server.auth.verification import JwtVerifier
from skyscan_server.bus.local import LocalBus
from skyscan_server.domain.assets import Assets
from skyscan_server.domain.credentials import StoredEnrolments, StoredRevocations
from skyscan_server.domain.dispatch import Dispatch
from skyscan_server.domain.ingest import Ingest
from skyscan_server.domain.nodes import Nodes
from skyscan_server.domain.positions import Positions
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.sessions import Sessions
from skyscan_server.domain.tasks import Tasks as TaskRules
from skyscan_server.domain.troubles import Troubles
from skyscan_server.gateway.assets import AssetRoutes
from skyscan_server.gateway.connection_registry import ConnectionRegistry
from skyscan_server.gateway.direct_rpc import DirectRpc
from skyscan_server.gateway.enrolment import EnrolmentRoute
from skyscan_server.gateway.internal import InternalRoutes
from skyscan_server.gateway.nodes import NodeRoutes
from skyscan_server.gateway.rate_limit import RateLimit
from skyscan_server.gateway.tile_renderer import TileRenderer
from skyscan_server.gateway.ws import NodeSocket
from skyscan_server.store.asset_files import AssetFiles
from skyscan_server.store.database import Database
from skyscan_server.web.application import make_application
from skyscan_server.web.authentication import Authentication
from skyscan_server.web.open_sockets import OpenSockets

SOON_S = 10.0
NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)
ROOF = HardwareGraph(rotors=(GraphRotor(key="roof", name="Roof"),))
REQUEST = {"az_start": 0, "az_end": 30, "el_start": 20, "el_end": 40, "step_deg": 10}
PROBED = {
    "model": "a rotor",
    "rotor": "a rotor",
    "receiver": "a receiver",
    "units": "dBm",
    "limits": Limits().model_dump(),
}
WHERE = {"azimuth_deg": 10.0, "elevation_deg": 20.0, "time": NOON.isoformat()}


def running():
    return StatusRecord(status="running", time=NOON)


def ended(status="completed"):
    return StatusRecord(status=status, time=NOON)


def point(sequence, mean=-90.25):
    return PointRecord(
        sequence=sequence,
        azimuth_deg=10.0,
        elevation_deg=20.0,
        time=NOON,
        reads=10,
        mean=mean,
        std=0.5,
        last=-90.0,
        domain="linear power",
    )


def records_json(session_id, first, *records):
    """A message as a node writes it."""
    return {
        "kind": "records",
        "session_id": session_id,
        "first": first,
        "records": [record.model_dump(mode="json") for record in records],
    }


class Closed(Exception):
    """The hub has closed the socket."""

    def __init__(self, code, words):
        super().__init__(code, words)
        self.code = code
        self.words = words


class Node:
    """The other end of a socket."""

    def __init__(self, socket):
        self.socket = socket
        self.heard = []

    async def say(self, message):
        if isinstance(message, dict):
            await self.socket.send_json(message)
        else:
            await self.socket.send_str(message.model_dump_json())

    async def hear(self, *kinds, within_s=SOON_S):
        """Wait for the next message of some kinds; what comes before is kept in `heard`."""
        async with asyncio.timeout(within_s):
            while True:
                frame = await self.socket.receive()
                if frame.type is not WSMsgType.TEXT:
                    raise Closed(self.socket.close_code, getattr(frame, "extra", "") or "")
                message = HUB_MESSAGE.validate_json(frame.data)
                self.heard.append(message)
                if not kinds or isinstance(message, kinds):
                    return message

    async def hello(self, graph=ROOF, journals=()):
        await self.say(Hello(graph=graph, journals=journals))
        self.welcome = await self.hear(Welcome)
        self.tasks = await self.hear(Tasks)
        return self

    async def answer(self, value, *, method=None):
        """Wait for a call, and answer it."""
        rpc = await self.hear(Rpc)
        assert method in (None, rpc.call.method)
        await self.say(Result(request_id=rpc.request_id, value=value))
        return rpc

    async def stopped(self, hub):
        """Be called with a stop, and answer it."""
        calling = asyncio.create_task(
            hub.rpc.call(self.welcome.node_id, Stop(rotor="roof"), timeout_s=SOON_S)
        )
        await self.answer({}, method="stop")
        return await calling

    async def closed(self):
        """Wait until the hub closes the socket; return code and words."""
        try:
            while True:
                await self.hear()
        except Closed as closed:
            return closed.code, closed.words


@dataclass
class Options:
    hello_s: float = 5.0
    heartbeat_s: float = 20.0
    recheck_s: float = 15.0
    tick_s: float = 0.05
    quota_bytes: int = 10_000
    idle_s: float = 5.0
    most_calls: int = 256
    files: dict = field(default_factory=dict)
    start_ingest: bool = True
    attempts: int = 1000


class Hub:
    """The gateway, and the rules behind it."""

    def __init__(self, database: Database, folder: Path, options: Options | None = None) -> None:
        self.options = options or Options()
        o = self.options
        self.database = database
        self.bus = LocalBus()
        self.nodes = Nodes(database)
        self.registry = ConnectionRegistry()
        self.rpc = DirectRpc(self.registry, self.nodes, most_calls=o.most_calls)
        self.rotors = Rotors(database, self.bus, self.rpc)
        self.sessions = Sessions(database, self.bus, self.rpc)
        self.tasks = TaskRules(database)
        self.dispatch = Dispatch(self.tasks, self.bus)
        self.ingest = Ingest(database, self.bus)
        self.positions = Positions()
        self.troubles = Troubles()
        self.files = AssetFiles(folder / "assets", **{"keep_free_bytes": 0} | o.files)
        self.assets = Assets(database, self.files, quota_bytes=o.quota_bytes)
        self.enrolling = Enrolling(StoredEnrolments(database))
        self.renderer = TileRenderer(self.sessions, processes=1)
        key = load_signing_key(folder)
        self.issuer = Issuer(key, "hub", "skyscan")
        self.revocations = StoredRevocations(database)
        self.verifier = JwtVerifier(key.key_set(), "hub", "skyscan", self.revocations)
        self.socket = NodeSocket(
            self.registry,
            self.rpc,
            nodes=self.nodes,
            tasks=self.tasks,
            dispatch=self.dispatch,
            ingest=self.ingest,
            rotors=self.rotors,
            positions=self.positions,
            troubles=self.troubles,
            bus=self.bus,
            hello_s=o.hello_s,
            heartbeat_s=o.heartbeat_s,
        )
        self.url = ""
        self.client: aiohttp.ClientSession

    def application(self) -> web.Application:
        o = self.options
        return make_application(
            [
                *EnrolmentRoute(self.enrolling, each=RateLimit(o.attempts, 60.0)).operations,
                *NodeRoutes(self.nodes, self.tasks, self.ingest).operations,
                *AssetRoutes(self.assets, self.nodes, self.tasks, idle_s=o.idle_s).operations,
                *InternalRoutes(self.rpc, self.sessions, self.renderer).operations,
            ],
            self.socket.channels,
            authentication=Authentication(self.verifier),
            open_sockets=OpenSockets(
                self.verifier, recheck_s=o.recheck_s, tick_s=o.tick_s, close_timeout_s=0.5
            ),
        )

    @asynccontextmanager
    async def serve(self):
        """Serve it, with everything that works beside it."""
        async with AsyncExitStack() as stack:
            self._stack = stack
            work = [self.dispatch.run(), self.socket.run()]
            if self.options.start_ingest:
                work.append(self.ingest.run())
            for coroutine in work:
                stack.push_async_callback(_end, asyncio.create_task(coroutine))
            await stack.enter_async_context(self.renderer)
            runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            # The client is not a part of the hub, and outlives it.
            self.client = aiohttp.ClientSession(self.url)
            try:
                yield self
            finally:
                await self.client.close()

    async def stop(self):
        """Stop it while its clients are there."""
        await self._stack.aclose()

    def token(self, installation="roof", scope=Scope.NODE, **fields):
        bound = installation if scope is Scope.NODE else None
        return self.issuer.mint("a program", {scope}, installation=bound, **fields)

    def bearer(self, installation="roof", scope=Scope.NODE):
        return {"Authorization": f"Bearer {self.token(installation, scope).token}"}

    @asynccontextmanager
    async def connect(self, installation="roof", token=None):
        """Open a node's socket, and say nothing yet."""
        headers = self.bearer(installation) if token is None else {"Authorization": token}
        socket = await self.client.ws_connect(
            "/v1/ws/node",
            headers=headers,
            max_msg_size=2**22,
            timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
        )
        try:
            yield Node(socket)
        finally:
            with suppress(ConnectionError):
                await socket.close()

    @asynccontextmanager
    async def node(self, installation="roof", graph=ROOF):
        """A node that has been welcomed."""
        async with self.connect(installation) as node:
            yield await node.hello(graph)

    async def scan(self, node, rotor_id=None, **fields):
        """Start a scan whose rotor stands at a node."""
        if rotor_id is None:
            rotors = await self.rotors.by_key(node.welcome.node_id)
            rotor_id = next(iter(rotors.values())).id
        starting = asyncio.create_task(
            self.sessions.start(ScanRequest(rotor_id=rotor_id, **REQUEST | fields))
        )
        await node.answer(PROBED, method="probe")
        return await starting

    async def add_rotor(self, node, name="Mast"):
        """Add a rotor that its node allows."""
        adding = asyncio.create_task(self.rotors.add(RotorFields(name=name, driver="simulated")))
        await node.answer({"wrong": None}, method="check")
        return await adding

    async def until(self, condition, within_s=SOON_S):
        """Wait until something holds."""
        async with asyncio.timeout(within_s):
            while True:
                value = await condition()
                if value:
                    return value
                await asyncio.sleep(0.01)


async def _end(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
