"""The node: our agent beside the hardware.

It connects out to its hub, scans what it is asked to, answers calls, and keeps what it has
measured until the hub has it. It needs the hub for none of what it has begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import DeviceError
from skyscan_lab.protocol.graph import HardwareGraph
from skyscan_lab.protocol.node_link import Hello, Welcome
from skyscan_lab.scanning.journal_file import JournalFile, OsJournalFile
from skyscan_server.node.backoff import Backoff
from skyscan_server.node.commands import Commands
from skyscan_server.node.config import LOOPBACK, NodeConfig
from skyscan_server.node.connection import Connection
from skyscan_server.node.conversation import Conversation
from skyscan_server.node.credentials import (
    Credentials,
    credentials_file,
    enrol,
    keep_credentials,
    known_credentials,
)
from skyscan_server.node.crew import Crew
from skyscan_server.node.data_folder import NodeError, data_folder
from skyscan_server.node.fence import Fence
from skyscan_server.node.link import Link
from skyscan_server.node.mount import Mount
from skyscan_server.node.mounts import Mounts
from skyscan_server.node.scans import Scans
from skyscan_server.node.shelf import Shelf
from skyscan_server.node.timing import NodeTiming
from skyscan_server.node.tokens import Tokens

# The hub keeps the headers of a node's socket for as long as it is open, and needs none of these.
_UNSAID = ("Accept", "Accept-Encoding", "User-Agent")

log = structlog.get_logger(__name__)


class _KnownGraph(BaseModel):
    """The hub's graph as we last had it, for a start without the hub."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    graph: HardwareGraph
    version: int


class Node:
    """A node; `run` it in a task, and cancel that task to end it.

    Parameters
    ----------
    config : NodeConfig
        Who it is, and what stands beside it.
    credentials : Credentials, optional
        By default what the configuration says.
    timing : NodeTiming, optional
        How long to wait for what.
    backoff : callable, optional
        Makes the pauses between attempts to reach the hub.
    journal_file : callable, optional
        Opens the file layer under a journal.

    Attributes
    ----------
    connected : asyncio.Event
        Set while the hub knows of a connection.
    """

    def __init__(
        self,
        config: NodeConfig,
        credentials: Credentials | None = None,
        *,
        timing: NodeTiming | None = None,
        backoff: Callable[[], Backoff] = Backoff,
        journal_file: Callable[[Path], JournalFile] = OsJournalFile,
    ) -> None:
        self.config = config
        self.connected = asyncio.Event()
        self._credentials = credentials
        self._timing = timing or NodeTiming()
        self._backoff = backoff
        self._journal_file = journal_file
        self._folder = config.node.data
        self._commands: Commands | None = None
        self._mounts: Mounts | None = None
        self._scans: Scans | None = None

    async def run(self) -> None:
        """Work until cancelled.

        Scans under way are then left as they are, with their rotors stopped, and go on with
        the next run.

        Raises
        ------
        NodeError
            Where the node cannot work at all: its folder is in use, or it has no credentials.
        """
        credentials = self._credentials or await asyncio.to_thread(
            known_credentials, self.config.node
        )
        if credentials is None and self.config.node.enrol is None:
            raise NodeError(
                'this node has no credentials: put enrol = "CODE" into the section [node] of '
                "its node.toml, with a code from an administrator of the hub"
            )
        with data_folder(self._folder) as died:
            await self._work(credentials, died=died)

    async def stop_by_hand(self) -> None:
        """Stop every rotor and hold every scan; needs no hub."""
        log.warning("all rotors are being stopped")
        if self._commands is not None:
            await self._commands.stop_all()
            log.warning("all rotors have been stopped, as far as they obey")

    async def _work(self, credentials: Credentials | None, *, died: bool) -> None:
        fence = await asyncio.to_thread(Fence, self._folder / "fence.json")
        graph = await asyncio.to_thread(self._known_graph)
        mounts = self._mounts = Mounts(graph, self.config.bounds)
        timeout = aiohttp.ClientTimeout(total=None, connect=self._timing.answer_s)
        try:
            if died:
                await self._stop_leftovers(mounts)
            session = aiohttp.ClientSession(timeout=timeout, skip_auto_headers=_UNSAID)
            async with session as http, Crew() as crew:
                shelf = Shelf(self._folder / "journals")
                scans = Scans(shelf, mounts, fence, self._timing, crew, self._journal_file)
                self._scans = scans
                self._commands = Commands(mounts, fence, scans, self._timing, crew)
                await _load_simulation(mounts)
                await scans.recover()
                crew.start(_open_simulated(mounts))
                if credentials is None:
                    credentials = await self._enrol(http)
                await self._link(http, credentials, mounts, fence, scans, crew).run()
        finally:
            self._commands = None
            await mounts.close()

    def _link(
        self,
        http: aiohttp.ClientSession,
        credentials: Credentials,
        mounts: Mounts,
        fence: Fence,
        scans: Scans,
        crew: Crew,
    ) -> Link:
        commands = self._commands
        if commands is None:
            raise NodeError("the node is not running")

        async def take_graph(graph: HardwareGraph, number: int) -> None:
            await mounts.update(graph)
            await asyncio.to_thread(self._keep_graph, _KnownGraph(graph=graph, version=number))

        async def serve(connection: Connection, welcome: Welcome) -> None:
            conversation = Conversation(
                connection,
                mounts=mounts,
                scans=scans,
                commands=commands,
                take_graph=take_graph,
                timing=self._timing,
                crew=crew,
            )
            self.connected.set()
            try:
                await conversation.run(welcome)
            finally:
                self.connected.clear()

        def hello() -> Hello:
            return Hello(
                software=f"skyscan-lab {version('skyscan-lab')}",
                name=self.config.node.name,
                graph=self.config.graph,
                journals=scans.journals,
                epochs=fence.epochs,
            )

        hub = self.config.node.hub
        parts = urlsplit(hub)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            log.warning("the hub's address is not https: anybody on the way can read", hub=hub)
        return Link(
            http,
            hub,
            Tokens(http, hub, credentials),
            hello=hello,
            alone=scans.go_on_alone,
            serve=serve,
            timing=self._timing,
            backoff=self._backoff(),
        )

    async def _enrol(self, http: aiohttp.ClientSession) -> Credentials:
        node = self.config.node
        if node.enrol is None:
            raise NodeError("this node has neither credentials nor a code of enrolment")
        backoff = self._backoff()
        while True:
            try:
                async with asyncio.timeout(self._timing.answer_s):
                    credentials = await enrol(http, node.hub, node.enrol.get_secret_value())
                break
            except (aiohttp.ClientError, OSError) as error:
                log.warning("cannot enrol yet", hub=node.hub, reason=str(error))
            await asyncio.sleep(backoff.pause_s())
        path = credentials_file(node)
        while True:  # the code is used up: without them this node could never come back
            try:
                await asyncio.to_thread(keep_credentials, path, credentials)
                break
            except OSError as error:
                log.warning("credentials cannot be kept yet", path=str(path), reason=str(error))
            await asyncio.sleep(self._timing.disk_s)
        log.info("enrolled", client_id=credentials.client_id, kept_in=str(path))
        return credentials

    async def _stop_leftovers(self, mounts: Mounts) -> None:
        """Stop what a node that died may have left moving, as a jog that nobody ends."""
        real = [mount for mount in mounts if mount.station.rotor.driver != "simulated"]
        log.warning("the node before us died; rotors are being stopped", rotors=len(real))

        async def stop(mount: Mount) -> None:
            try:
                async with asyncio.timeout(self._timing.answer_s):
                    await mount.stop()
            except (DeviceError, TimeoutError) as error:
                log.warning("rotor not stopped", rotor=mount.key, reason=str(error))

        await asyncio.gather(*map(stop, real))

    def _known_graph(self) -> HardwareGraph:
        path = self._folder / "graph.json"
        try:
            return _KnownGraph.model_validate_json(path.read_bytes()).graph
        except FileNotFoundError:
            pass
        except (OSError, ValidationError) as error:
            log.warning("graph not read; that of node.toml is used", reason=str(error))
        return self.config.graph

    def _keep_graph(self, known: _KnownGraph) -> None:
        try:
            write_atomically(self._folder / "graph.json", known.model_dump_json().encode())
        except OSError as error:
            log.warning("graph not kept", reason=str(error))


async def _open_simulated(mounts: Mounts) -> None:
    """Open the simulated stations: their first use takes seconds, which nobody should wait for.

    Real ones are opened when they are asked for: another program may be using them.
    """
    for mount in mounts:
        if mount.station.rotor.driver == "simulated":
            with suppress(DeviceError):
                await mount.probe(None)


async def _load_simulation(mounts: Mounts) -> None:
    """Import what simulated stations need, before anybody calls: a busy machine takes seconds."""
    if any(mount.station.rotor.driver == "simulated" for mount in mounts):
        await asyncio.to_thread(import_module, "skyscan_lab.devices.simulated")
