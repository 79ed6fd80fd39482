"""Subscribers to scans: each reads everything, and knows in the end what it was told, and when."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

import uvloop

from server_load.websocket import BareSocket

_LITTLE = 4096  # what the kernel keeps for one that does not read


@dataclass(frozen=True)
class Watching:
    """What the subscribers are to do.

    Parameters
    ----------
    host, port : str, int
        Where the server is.
    token : str
        Of whoever watches.
    sessions : sequence of int
        Which session each subscriber watches.
    stalled : sequence of int
        Sessions that one more watches each, who stops reading as soon as it is there.
    """

    host: str
    port: int
    token: str
    sessions: Sequence[int]
    stalled: Sequence[int] = ()


@dataclass
class Told:
    """What one subscriber was told.

    Parameters
    ----------
    session : int
        Of which session.
    count : int
        Messages, the first one included.
    digest : str
        Of all of them, in order.
    times : list of float
        When each came (monotonic, seconds).
    messages : list of bytes
        All of them, from the first subscriber of each session; none from the others.
    """

    session: int
    count: int = 0
    digest: str = ""
    times: list[float] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)


def watch_scans(pipe: Pipe) -> None:
    """Be a process of subscribers.

    For each `Watching` it tells "ready" once all are there, and what they were told as a list
    of `Told` once every session has ended.
    """
    while (watching := pipe.recv()) is not None:
        uvloop.run(_watch(watching, pipe))


class _Subscriber(BareSocket):
    def __init__(self, host: str, token: str, told: Told, *, keep: bool) -> None:
        super().__init__(host, f"/ws/skyscan/{told.session}", token)
        self.told = told
        self.there = asyncio.Event()
        self.left = asyncio.Event()
        self.problem: Exception | None = None
        self._keep = keep
        self._hash = hashlib.blake2b()

    def heard(self, message: bytes) -> None:
        told = self.told
        told.count += 1
        told.times.append(time.monotonic())
        self._hash.update(message)
        if self._keep:
            told.messages.append(message)
        if told.count == 1:
            self.there.set()

    def ended(self, error: Exception | None) -> None:
        self.problem = error
        self.told.digest = self._hash.hexdigest()
        self.there.set()
        self.left.set()


class _Stalled(_Subscriber):
    """Stops reading at the first message."""

    def heard(self, message: bytes) -> None:
        super().heard(message)
        if self.transport is not None:
            self.transport.pause_reading()


async def _watch(watching: Watching, pipe: Pipe) -> None:
    w = watching
    seen: set[int] = set()
    subscribers = []
    for session in w.sessions:
        subscriber = _Subscriber(
            f"{w.host}:{w.port}", w.token, Told(session), keep=session not in seen
        )
        seen.add(session)
        subscribers.append(subscriber)
        await _connect(w, subscriber)
    stalled = [_Stalled(f"{w.host}:{w.port}", w.token, Told(s), keep=False) for s in w.stalled]
    for subscriber in stalled:
        await _connect(w, subscriber, buffer=_LITTLE)
    for subscriber in [*subscribers, *stalled]:
        await subscriber.there.wait()
        if subscriber.problem is not None:
            raise SystemExit(f"a subscriber was turned away: {subscriber.problem}")
    pipe.send("ready")
    for subscriber in subscribers:
        await subscriber.left.wait()
    for subscriber in stalled:
        if subscriber.transport is not None:
            subscriber.transport.abort()
    pipe.send([subscriber.told for subscriber in subscribers])


async def _connect(watching: Watching, subscriber: BareSocket, buffer: int | None = None) -> None:
    made = socket.socket()
    if buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    made.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, (watching.host, watching.port))
    await loop.create_connection(lambda: subscriber, sock=made)
