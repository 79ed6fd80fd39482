"""Station time: real, or faster than real for a simulated station.

Timeouts of connections are always real seconds; a clock only says what time it is at the
station and lets the station's own durations (a dwell, a settling window) pass.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from skyscan_lab.errors import InvalidInput


class Clock(Protocol):
    """Time at a station."""

    @property
    def scale(self) -> float:
        """Station seconds in a real second."""

    def now(self) -> datetime:
        """Station time, UTC, timezone-aware."""

    async def sleep(self, station_seconds: float) -> None:
        """Let station seconds pass."""

    def catch_up(self) -> None:
        """Let the time pass that people, not the station, took: at a start, after a pause."""


class ScaledClock:
    """Runs freely at a fixed ratio to real time.

    Parameters
    ----------
    scale : float
        Station seconds in a real second, greater than 0.
    epoch : datetime, optional
        Station time now; the computer's time by default.
    """

    def __init__(self, scale: float = 1.0, epoch: datetime | None = None) -> None:
        if not 0.0 < scale < float("inf"):
            raise InvalidInput("time scale", scale, "finite and greater than 0")
        self._scale = scale
        self._epoch = epoch or datetime.now(UTC)
        self._start = time.monotonic()

    @property
    def scale(self) -> float:
        """Station seconds in a real second."""
        return self._scale

    def now(self) -> datetime:
        """Station time, UTC."""
        elapsed = (time.monotonic() - self._start) * self._scale
        return self._epoch + timedelta(seconds=elapsed)

    async def sleep(self, station_seconds: float) -> None:
        """Let station seconds pass."""
        await asyncio.sleep(max(0.0, station_seconds) / self._scale)

    def catch_up(self) -> None:
        """Do nothing: this clock never stands still."""


class SystemClock:
    """The computer's clock, for real stations."""

    scale = 1.0

    def now(self) -> datetime:
        """Return the computer's time, UTC."""
        return datetime.now(UTC)

    async def sleep(self, station_seconds: float) -> None:
        """Let real seconds pass."""
        await asyncio.sleep(max(0.0, station_seconds))

    def catch_up(self) -> None:
        """Do nothing: real time never stands still."""
