"""Connections that have ended, noted in the database together: a thousand at once are one write."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from skyscan_server.domain.nodes import Nodes
from skyscan_server.store.errors import StoreError

_RETRY_S = 1.0
_LAST_S = 5.0

log = structlog.get_logger(__name__)


class Departures:
    """Notes them.

    Parameters
    ----------
    nodes : Nodes
        Where it is noted.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._ended: list[tuple[int, int]] = []
        self._some = asyncio.Event()

    def note(self, node_id: int, epoch: int) -> None:
        """Have it noted that a connection has ended."""
        self._ended.append((node_id, epoch))
        self._some.set()

    async def run(self) -> None:
        """Note what has ended, until cancelled; the last ones then."""
        try:
            while True:
                await self._some.wait()
                self._some.clear()
                await self._write_patiently()
        finally:
            # Where this fails, a hub that starts takes every node for offline anyway.
            with suppress(TimeoutError, StoreError):
                async with asyncio.timeout(_LAST_S):
                    await self._write()

    async def _write_patiently(self) -> None:
        while True:
            try:
                await self._write()
            except StoreError as error:
                log.warning("ended connections cannot be noted", reason=str(error))
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _write(self) -> None:
        ended = tuple(self._ended)
        if ended:
            await self._nodes.disconnect_all(ended)
            del self._ended[: len(ended)]  # more may have ended meanwhile
