"""What emulators serve, and the loopback server that they share.

An emulator is only a protocol: what moves and what receives behind it is handed in, so that
the same protocol can stand before a true simulation, or before a rotor that a test has broken.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.power import Units

REMEMBERED_LINES = 10_000


class RotorHardware(Protocol):
    """A rotor that moves by itself while time passes; no method waits.

    Any method may raise a DeviceError, which the emulated server reports as its original
    reports dead hardware.
    """

    @property
    def limits(self) -> RotorLimits:
        """Range of motion."""

    def command(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Start to move to a target, also in the middle of another move."""

    def position(self) -> Position:
        """Where it is now."""

    def halt(self) -> None:
        """Come to rest as soon as it can."""


class ReceiverHardware(Protocol):
    """A receiver whose latest readings can be had at once."""

    @property
    def units(self) -> Units:
        """Units of its readings."""

    def read_now(self, reads: int) -> NDArray[np.float64]:
        """The readings that end now, shape ``(reads,)``."""


class LoopbackServer(ABC):
    """A TCP server on 127.0.0.1 that owns its clients' tasks.

    Parameters
    ----------
    port : int
        0 for any free one, which `port` tells once the server runs.
    """

    host = "127.0.0.1"

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.received: deque[str] = deque(maxlen=REMEMBERED_LINES)
        """What clients sent, as the emulated server understood it: the oldest first."""
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening, and hang up on every client."""
        if self._server is not None:
            self._server.close()
            await self.drop_clients()
            await self._server.wait_closed()
            self._server = None

    @property
    def clients(self) -> int:
        """How many clients are connected now."""
        return len(self._clients)

    async def drop_clients(self) -> None:
        """Hang up on every client, as a network that fails does."""
        clients = dict(self._clients)
        for task, writer in clients.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._client(reader, writer))
        self._clients[task] = writer
        task.add_done_callback(self._clients.pop)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):  # a client may vanish at any time
                await self.serve(reader, writer)
        finally:
            writer.close()

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it leaves, or until it is told to."""
