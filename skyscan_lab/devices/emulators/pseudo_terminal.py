"""A serial instrument at the other end of a pseudo-terminal.

The operating system's own terminal stands for the cable: a driver opens it by its path, as it
opens an adapter's, and meets the same delays, partial reads and sudden ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Answer = Callable[[str], Awaitable[bytes]]
"""Takes a line without its end, and returns what the instrument then writes."""

_REMEMBERED_LINES = 10_000
_INPUT_LINES = 64  # what a UART without handshake does not keep, it loses
_CHUNK = 4096


class PseudoTerminal:
    """An instrument that answers lines, one after the other, on a pseudo-terminal.

    Parameters
    ----------
    answer : callable
        The instrument: an asynchronous function from a line to the bytes of its answer.
    """

    def __init__(self, answer: Answer) -> None:
        self.path = ""
        """Where a driver finds it, while it runs."""
        self.written: deque[str] = deque(maxlen=_REMEMBERED_LINES)
        """Lines that arrived, the oldest first."""
        self._answer = answer
        self._ends: tuple[int, int] | None = None  # ours and the driver's
        self._input: asyncio.Queue[str] = asyncio.Queue(_INPUT_LINES)
        self._unfinished = b""  # a line whose end has not arrived
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Plug it in."""
        ours, theirs = self._ends = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self._unfinished = b""
        self.path = os.ttyname(theirs)
        asyncio.get_running_loop().add_reader(ours, self._receive, ours)
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take it away."""
        self.unplug()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def say(self, data: bytes) -> None:
        """Write something; what nobody reads is lost, as on a line without handshake."""
        if self._ends is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ends[0], data)

    def unplug(self) -> None:
        """Pull the cable: whoever has opened the path loses it."""
        if self._ends is not None:
            asyncio.get_running_loop().remove_reader(self._ends[0])
            for end in self._ends:
                os.close(end)
            self._ends = None

    def _receive(self, ours: int) -> None:
        data = self._unfinished + os.read(ours, _CHUNK)
        *lines, self._unfinished = data.split(b"\r")
        for line in lines:
            text = line.decode("ascii", errors="replace")
            self.written.append(text)
            with contextlib.suppress(asyncio.QueueFull):
                self._input.put_nowait(text)

    async def _work(self) -> None:
        while True:
            self.say(await self._answer(await self._input.get()))
