"""What hub and node say to each other over one connection, from the welcome to its end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pydantic import BaseModel

from skyscan_lab.protocol.graph import HardwareGraph, RotorKey
from skyscan_lab.protocol.node_link import (
    Ack,
    AskTasks,
    Claim,
    Desired,
    Granted,
    GraphUpdate,
    HubMessage,
    Rpc,
    RpcCancel,
    Superseded,
    Task,
    Tasks,
    TaskUpdate,
    Trouble,
    Welcome,
)
from skyscan_server.node.commands import Commands
from skyscan_server.node.connection import Connection, LinkDown
from skyscan_server.node.crew import Crew
from skyscan_server.node.link import TakenOver
from skyscan_server.node.mount import Mount
from skyscan_server.node.mounts import Mounts
from skyscan_server.node.outbox import Outbox
from skyscan_server.node.rpc import Calls
from skyscan_server.node.scans import Scans
from skyscan_server.node.snapshots import tell_positions
from skyscan_server.node.timing import NodeTiming

TakeGraph = Callable[[HardwareGraph, int], Awaitable[None]]


class Conversation:
    """One connection at work.

    Parameters
    ----------
    connection : Connection
        To the hub.
    mounts : Mounts
        The rotors.
    scans : Scans
        What is scanned.
    commands : Commands
        Carries out calls.
    take_graph : callable
        Takes over a graph of the hub.
    timing : NodeTiming
        How long to wait for what.
    crew : Crew
        Owns what outlives the connection.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        mounts: Mounts,
        scans: Scans,
        commands: Commands,
        take_graph: TakeGraph,
        timing: NodeTiming,
        crew: Crew,
    ) -> None:
        self._connection = connection
        self._mounts = mounts
        self._scans = scans
        self._commands = commands
        self._take_graph = take_graph
        self._timing = timing
        self._calls = Calls(commands, self._send, crew)
        self._own = Crew()
        self._outbox = Outbox(connection.send_text, self._own, timing.ack_s)
        self._watched: dict[RotorKey, tuple[Mount, asyncio.Task[None]]] = {}
        self._told: dict[int, str | None] = {}

    async def run(self, welcome: Welcome) -> None:
        """Carry on until the connection ends.

        Raises
        ------
        LinkDown
            When it has ended.
        TakenOver
            When a newer connection has taken its place.
        """
        try:
            async with self._own:
                await self._graph(welcome.graph, welcome.graph_version)
                self._own.start(self._tell_troubles())
                self._own.start(self._ask_again())
                async for message in self._connection:
                    await self._hear(message)
        finally:
            self._outbox.close()
            # Whoever jogs cannot renew it any more, and would not be heard.
            await self._commands.end_jogs()
            await self._calls.end()

    async def _hear(self, message: HubMessage) -> None:
        match message:
            case Tasks():
                for job in self._scans:
                    self._outbox.drop(job.session_id)
                await self._scans.tell_all(message.tasks)
                for task in message.tasks:
                    await self._work_on(task)
                self._scans.tell_news()
            case TaskUpdate():
                await self._task(message.task)
            case Granted():
                await self._scans.grant(message)
            case Ack():
                self._outbox.acknowledge(message.session_id, message.number)
                self._scans.committed(message.session_id, message.number)
            case GraphUpdate():
                await self._graph(message.graph, message.graph_version)
            case Rpc():
                await self._calls.begin(message)
            case RpcCancel():
                self._calls.cancel(message.request_id)
            case Superseded():
                raise TakenOver(message.words)
            case Welcome():
                await self._graph(message.graph, message.graph_version)

    async def _task(self, task: Task) -> None:
        if task.final:
            self._outbox.drop(task.session_id)
        await self._scans.tell(task)
        await self._work_on(task)

    async def _work_on(self, task: Task) -> None:
        """Send what we have of a task, and ask to be the one who does it."""
        job = self._scans.get(task.session_id)
        if job is None:
            return
        self._outbox.follow(job)
        if not task.claimed and job.lost is None and task.desired is Desired.RUN:
            await self._connection.send(Claim(session_id=task.session_id))

    async def _graph(self, graph: HardwareGraph, version: int) -> None:
        await self._take_graph(graph, version)
        present = {mount.key: mount for mount in self._mounts}
        for key, (mount, task) in tuple(self._watched.items()):
            if present.get(key) is not mount:
                task.cancel()
                del self._watched[key]
        for key, mount in present.items():
            if key not in self._watched:
                self._watched[key] = (mount, self._own.start(self._watch(mount)))

    async def _watch(self, mount: Mount) -> None:
        with suppress(LinkDown):
            await tell_positions(mount, self._connection.send, self._timing.snapshot_s)

    async def _ask_again(self) -> None:
        """Ask after the tasks from time to time, at no moment that many nodes share."""
        with suppress(LinkDown):
            while True:
                pause_s = self._timing.resync_s * (1 if self._scans.journals else 5)
                await asyncio.sleep(pause_s * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
                await self._connection.send(AskTasks(journals=self._scans.journals))

    async def _tell_troubles(self) -> None:
        """Tell of every trouble that is new to the hub, whenever there may be one."""
        with suppress(LinkDown):
            while True:
                await self._scans.news()
                for job in self._scans:
                    if job.trouble != self._told.get(job.session_id):
                        self._told[job.session_id] = job.trouble
                        await self._connection.send(
                            Trouble(
                                session_id=job.session_id,
                                words=job.trouble,
                                lost=job.lost is not None,
                            )
                        )

    async def _send(self, message: BaseModel) -> None:
        with suppress(LinkDown):  # then nobody waits for it
            await self._connection.send(message)
