"""Renders tiles in processes of their own, so that no map keeps a point waiting.

The processes begin with the first tile. A few maps are kept, each as of a number of records; of
a session that goes on, the next tile after a new record is of a new map.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import structlog

from skyscan_server.domain.errors import Unavailable
from skyscan_server.domain.in_thread import in_thread
from skyscan_server.domain.sessions import Sessions
from skyscan_server.gateway.gridding import gridded
from skyscan_server.gateway.tiles import SkyGrid, Tile, png_tile, raw_tile

_MAPS = 8
_TIMEOUT_S = 30.0
_MOST_WAITING = 64

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)


class TileRenderer:
    """Renders tiles; left, it ends its processes.

    Parameters
    ----------
    sessions : Sessions
        What there is to render.
    processes : int
        How many of them.
    most_waiting : int
        Tiles that may wait.
    timeout_s : float
        Longest time for one.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        processes: int = 2,
        most_waiting: int = _MOST_WAITING,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._sessions = sessions
        self._processes = processes
        self._most_waiting = most_waiting
        self._timeout_s = timeout_s
        self._waiting = 0
        self._pool: ProcessPoolExecutor | None = None
        self._maps: OrderedDict[tuple[int, int], asyncio.Task[SkyGrid]] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for making in self._maps.values():
            making.cancel()
        if self._maps:
            await asyncio.wait(self._maps.values())
        self._maps.clear()
        pool, self._pool = self._pool, None
        if pool is not None:
            await in_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def raw(self, session_id: int, number: int, tile: Tile) -> bytes:
        """Tile of float32 of a session, as of a number of records or a later one.

        Raises
        ------
        NotFound
            For a session that is not there.
        Unavailable
            Where too many wait, or it takes too long.
        """
        return await self._in_time(session_id, number, lambda grid: partial(raw_tile, grid, tile))

    async def png(
        self, session_id: int, number: int, tile: Tile, scale: tuple[float, float] | None
    ) -> bytes:
        """Tile of colours of a session, as `raw`; without a scale, with the session's own."""
        return await self._in_time(
            session_id, number, lambda grid: partial(png_tile, grid, tile, scale or grid.scale)
        )

    async def _in_time(
        self, session_id: int, number: int, work: Callable[[SkyGrid], Callable[[], bytes]]
    ) -> bytes:
        if self._waiting >= self._most_waiting:
            raise Unavailable(f"{self._most_waiting} tiles wait to be rendered already")
        self._waiting += 1
        scope = asyncio.timeout(self._timeout_s)
        try:
            async with scope:
                return await self._in_process(work(await self._map(session_id, number)))
        except TimeoutError:
            if not scope.expired():
                raise
            raise Unavailable(f"the tile was not rendered in {self._timeout_s:g} s") from None
        finally:
            self._waiting -= 1

    async def _map(self, session_id: int, number: int) -> SkyGrid:
        """Map of a session; whoever comes while it is being made waits for the same."""
        key = (session_id, number)
        making = self._maps.get(key)
        if making is None or (making.done() and (making.cancelled() or making.exception())):
            making = self._maps[key] = asyncio.create_task(self._make_map(session_id))
        self._maps.move_to_end(key)
        self._forget_maps()
        return await asyncio.shield(making)

    def _forget_maps(self) -> None:
        for key in [key for key, making in self._maps.items() if making.done()]:
            if len(self._maps) <= _MAPS:
                break
            del self._maps[key]

    async def _make_map(self, session_id: int) -> SkyGrid:
        return await self._in_process(partial(gridded, await self._sessions.recording(session_id)))

    async def _in_process(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        for last in (False, True):
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._processes, multiprocessing.get_context("spawn"), initializer=_begin
                )
            pool = self._pool
            try:
                return await loop.run_in_executor(pool, work)
            except BrokenProcessPool as error:
                log.warning("a process that renders tiles has died")
                if self._pool is pool:
                    self._pool = None
                    await in_thread(pool.shutdown, wait=True)
                if last:
                    raise Unavailable("the tile could not be rendered") from error
        raise AssertionError("the second try returns or raises")


def _begin() -> None:
    """Make a process end with its hub, and not before it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the hub, which then ends us
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
