"""Where the rotors are, as their nodes last told; the newest wins, nothing is queued."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from skyscan_lab.protocol.rpc import PositionNow


class Positions:
    """The latest position of each rotor, and a way to wait for the next.

    Examples
    --------
    >>> Positions().latest(1) is None
    True
    """

    def __init__(self) -> None:
        self._latest: dict[int, PositionNow] = {}
        self._news: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)

    def put(self, rotor_id: int, position: PositionNow) -> None:
        """Take note of a position."""
        self._latest[rotor_id] = position
        news = self._news.pop(rotor_id, None)
        if news is not None:
            news.set()

    def latest(self, rotor_id: int) -> PositionNow | None:
        """Where a rotor was last, if that has been told."""
        return self._latest.get(rotor_id)

    async def next(self, rotor_id: int, after: PositionNow | None) -> PositionNow:
        """Wait for another position than one that is known."""
        while True:
            latest = self._latest.get(rotor_id)
            if latest is not None and latest is not after:
                return latest
            await self._news[rotor_id].wait()
