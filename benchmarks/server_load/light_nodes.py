"""Nodes that do nothing but be there: the whole handshake, then pings, and back after an outage.

A thousand real nodes would need more memory and CPU than the hub that is measured. These speak
the same messages, with a token each, show as often as a real node that they are there, and wait
between attempts as long as the node's own `Backoff` says.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

import uvloop

from server_load.hub import allow_many_files, graph_of
from server_load.websocket import BareSocket
from skyscan_lab.protocol.node_link import Hello
from skyscan_server.node.backoff import Backoff
from skyscan_server.node.timing import NodeTiming

_HANDSHAKES = 32  # at a time, when nobody is in a hurry
_ADDRESSES = 200  # of loopback, to connect from: each has ports of its own


@dataclass(frozen=True)
class Staying:
    """What the light nodes are to do.

    Parameters
    ----------
    host, port : str, int
        Where the gateway is.
    numbers : sequence of int
        Which nodes they are.
    tokens : sequence of str
        One each.
    returns : bool
        Whether they come back when they have lost their hub.
    """

    host: str
    port: int
    numbers: Sequence[int]
    tokens: Sequence[str]
    returns: bool = False


@dataclass(frozen=True)
class Stay:
    """How it went since the last time that somebody asked.

    Parameters
    ----------
    there : int
        Nodes that are welcome now.
    attempts : int
        Connections that were tried.
    turned_away : int
        Connections that came about and ended before the welcome was complete.
    welcomed : list of float
        When each node was last told its tasks (monotonic, seconds).
    """

    there: int
    attempts: int
    turned_away: int
    welcomed: list[float]


def stay(pipe: Pipe) -> None:
    """Be a process of light nodes.

    For each `Staying` it tells "ready" once all are there; then it answers "ask" with a `Stay`,
    and "leave" with "gone".
    """
    allow_many_files()
    while (staying := pipe.recv()) is not None:
        uvloop.run(_Crowd(staying).run(pipe))


class _LightNode(BareSocket):
    def __init__(self, crowd: _Crowd, index: int) -> None:
        host = f"{crowd.staying.host}:{crowd.staying.port}"
        super().__init__(host, "/v1/ws/node", crowd.staying.tokens[index])
        self._crowd = crowd
        self._index = index
        self._hello = Hello(software="load", graph=graph_of(crowd.staying.numbers[index]))

    def opened(self) -> None:
        self.send(self._hello.model_dump_json().encode())
        del self._hello

    def heard(self, message: bytes) -> None:
        if message.startswith(b'{"kind":"tasks"'):  # it comes after the welcome
            self._crowd.welcome(self._index, self)

    def ended(self, error: Exception | None) -> None:  # noqa: ARG002 - of the protocol
        self._crowd.lost(self._index)


class _Crowd:
    def __init__(self, staying: Staying) -> None:
        self.staying = staying
        count = len(staying.numbers)
        self._there: dict[int, _LightNode] = {}
        self._welcomed = [0.0] * count
        self._backoffs = [Backoff() for _ in range(count)]
        self._since = [0.0] * count
        self._changed: list[asyncio.Future[None] | None] = [None] * count
        self._returning: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()
        self._leaving = False
        self._attempts = self._turned_away = 0

    async def run(self, pipe: Pipe) -> None:
        gate = asyncio.Semaphore(_HANDSHAKES)

        async def arrive(index: int) -> None:
            async with gate:
                await self._come(index)

        async with asyncio.TaskGroup() as group:
            for index in range(len(self.staying.numbers)):
                group.create_task(arrive(index))
        pinging = asyncio.create_task(self._ping())
        pipe.send("ready")
        while await asyncio.to_thread(pipe.recv) == "ask":
            pipe.send(self._stay())
        self._leaving = True
        pinging.cancel()
        for task in self._returning:
            task.cancel()
        for node in list(self._there.values()):
            if node.transport is not None:
                node.transport.close()
        while self._there:  # noqa: ASYNC110 - the end of a benchmark, not its measurement
            await asyncio.sleep(0.01)
        pipe.send("gone")

    def welcome(self, index: int, node: _LightNode) -> None:
        """Take note that a node is welcome."""
        self._there[index] = node
        self._welcomed[index] = self._since[index] = time.monotonic()
        self._tell(index)

    def lost(self, index: int) -> None:
        """Take note that a connection has ended."""
        if self._there.pop(index, None) is None:
            self._turned_away += 1
            self._tell(index)
        elif self.staying.returns and not self._leaving:
            task = asyncio.ensure_future(self._return(index))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

    def _tell(self, index: int) -> None:
        changed = self._changed[index]
        if changed is not None and not changed.done():
            changed.set_result(None)

    async def _return(self, index: int) -> None:
        """Come back as `skyscan_server.node.link` does."""
        backoff = self._backoffs[index]
        if time.monotonic() - self._since[index] >= _TIMING.proven_s:
            backoff.reset()
        await asyncio.sleep(backoff.pause_s())
        await self._come(index)

    async def _come(self, index: int) -> None:
        """Try until the node is welcome."""
        loop = asyncio.get_running_loop()
        s = self.staying
        address = f"127.0.1.{1 + s.numbers[index] % _ADDRESSES}"
        for attempt in itertools.count():
            if attempt:
                await asyncio.sleep(self._backoffs[index].pause_s())
            changed = self._changed[index] = loop.create_future()
            self._attempts += 1
            try:
                transport, _ = await loop.create_connection(
                    lambda: _LightNode(self, index), s.host, s.port, local_addr=(address, 0)
                )
            except OSError:
                continue
            try:
                async with asyncio.timeout(_TIMING.answer_s):
                    await changed
            except TimeoutError:
                transport.abort()
                continue
            if index in self._there:
                return

    async def _ping(self) -> None:
        """Show that they are there as a real node does, spread over the time."""
        while True:
            nodes = list(self._there.values())
            steps = 20
            for step in range(steps):
                await asyncio.sleep(_TIMING.heartbeat_s / steps)
                for node in nodes[step::steps]:
                    node.ping()

    def _stay(self) -> Stay:
        stay = Stay(len(self._there), self._attempts, self._turned_away, list(self._welcomed))
        self._attempts = self._turned_away = 0
        return stay


_TIMING = NodeTiming()
