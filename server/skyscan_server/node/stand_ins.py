"""Receiver and clock of a mount as a scan holds them: they outlive its connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from skyscan_lab.devices.base import Measurement, ReadingKey, Receiver
from skyscan_lab.devices.clock import Clock, SystemClock
from skyscan_lab.power import Units


class MountReceiver:
    """Receiver of a mount, which connects it, also anew.

    Parameters
    ----------
    receiver : Receiver
        As it is connected at first.
    read : callable
        Reads through whatever connection there is.
    """

    def __init__(
        self, receiver: Receiver, read: Callable[[int, ReadingKey | None], Awaitable[Measurement]]
    ) -> None:
        self.name = receiver.name
        self.units: Units = receiver.units
        self._read = read

    async def __aenter__(self) -> Self:
        """Leave connecting to the mount."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave disconnecting to the mount."""

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:
        """Take readings and average them."""
        return await self._read(reads, key)


class MountClock:
    """Clock of a mount; the computer's while nothing is connected.

    Parameters
    ----------
    current : callable
        Clock of the devices that are connected now, if any.
    """

    def __init__(self, current: Callable[[], Clock | None]) -> None:
        self._current = current
        self._without = SystemClock()

    @property
    def _clock(self) -> Clock:
        return self._current() or self._without

    @property
    def scale(self) -> float:
        """Station seconds in a real second."""
        return self._clock.scale

    def now(self) -> datetime:
        """Station time, UTC."""
        return self._clock.now()

    async def sleep(self, station_seconds: float) -> None:
        """Let station seconds pass."""
        await self._clock.sleep(station_seconds)

    def catch_up(self) -> None:
        """Let the time pass that people took."""
        self._clock.catch_up()
