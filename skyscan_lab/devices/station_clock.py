"""Station time of a simulated station: what its devices do, and nothing else, makes it pass.

A move takes as long as the rotor needs, a reading as long as the receiver needs. The clock
makes whoever waits for them wait that long, divided by its scale, and then moves station time
on by exactly that. What the program does in between takes no station time, and neither does
looking: so a scan is the same, bit for bit, at every scale and whoever watches it.

People are different: a pause of theirs lets the sky move on. `catch_up` is called when they
have made the station wait.

At scale 1 and from the computer's time on, there is nothing to be repeated: then station time is
the computer's, and no session seems to have begun before somebody asked for it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from skyscan_lab.errors import InvalidInput

# An event loop wakes up about a millisecond late, and working out a reading takes as long.
# Shorter waits are saved up, and lateness is taken off the next wait, up to a limit that no
# honest wake-up reaches.
_SHORTEST_WAIT_S = 1e-3
_MOST_LATE_S = 0.05


class Operation:
    """Something that a device does from now on until a station time.

    Only `StationClock.begin` makes one.
    """

    def __init__(self, clock: StationClock, start_s: float, end_s: float) -> None:
        self._clock = clock
        self._began = time.monotonic()
        self._interrupted = asyncio.get_running_loop().create_future()
        self.start_s = start_s
        self.end_s = end_s

    @property
    def present_s(self) -> float:
        """Station time that it has come to."""
        elapsed = (time.monotonic() - self._began) * self._clock.scale
        return min(self.start_s + elapsed, self.end_s)

    def interrupt(self) -> None:
        """End it now: station time stays where it has come to."""
        if not self._interrupted.done():
            self._clock.end(self, self.present_s)
            self._interrupted.set_result(None)

    async def finished(self) -> bool:
        """Wait until it ends; False where it was interrupted.

        Cancelling whoever waits interrupts it.
        """
        try:
            await self._clock.pace(self.end_s - self.start_s, self._began, self._interrupted)
        except BaseException:
            self.interrupt()
            raise
        if self._interrupted.done():
            return False
        self._clock.end(self, self.end_s)
        return True


class StationClock:
    """Clock of a simulated station.

    Parameters
    ----------
    scale : float
        Station seconds in a real second, greater than 0.
    epoch : datetime, optional
        When station time begins, timezone-aware. Given, the first `catch_up` lets no time
        pass, so that a scan that starts there can be repeated. By default the computer's time,
        which at scale 1 is kept to.

    Raises
    ------
    InvalidInput
        For a scale or an epoch that is none.
    """

    def __init__(self, scale: float = 1.0, epoch: datetime | None = None) -> None:
        if not 0.0 < scale < float("inf"):
            raise InvalidInput("time scale", scale, "finite and greater than 0")
        if epoch is not None and epoch.tzinfo is None:
            raise InvalidInput("epoch", epoch, "a time with its time zone")
        self._scale = scale
        self._epoch = epoch or datetime.now(UTC)
        self._seconds = 0.0
        self._operations: list[Operation] = []
        self._idle_since = None if epoch else time.monotonic()
        self._real_since = self._idle_since if scale == 1.0 else None
        self._ahead_s = 0.0

    @property
    def scale(self) -> float:
        """Station seconds in a real second."""
        return self._scale

    @property
    def epoch(self) -> datetime:
        """When station time began."""
        return self._epoch

    @property
    def seconds(self) -> float:
        """Station time since the epoch, seconds, as it looks from outside just now."""
        passed = [self._seconds, *(operation.present_s for operation in self._operations)]
        if self._real_since is not None:
            passed.append(time.monotonic() - self._real_since)
        return max(passed)

    def now(self) -> datetime:
        """Station time, UTC."""
        return self._epoch + timedelta(seconds=self.seconds)

    async def sleep(self, station_seconds: float) -> None:
        """Wait as long as station seconds take, without making any pass.

        They pass with the next `catch_up`: if sleeping made them, whoever polls in a loop
        would change the scan that he watches.
        """
        await asyncio.sleep(max(0.0, station_seconds) / self._scale)

    def catch_up(self) -> None:
        """Let the time pass that the station stood idle for."""
        if self._operations or self._real_since is not None:
            return
        now = time.monotonic()
        if self._idle_since is not None:
            self._seconds += (now - self._idle_since) * self._scale
        self._idle_since = now

    def begin(self, end_s: float) -> Operation:
        """Start an operation of a device that ends at a station time, seconds.

        Operations that overlap share their time: it passes once.
        """
        operation = Operation(self, self.seconds, max(end_s, self.seconds))
        self._operations.append(operation)
        return operation

    def end(self, operation: Operation, at_s: float) -> None:
        """Move station time on to where an operation has come to."""
        self._operations.remove(operation)
        if at_s < operation.end_s:
            self._ahead_s = 0.0  # the rest of a wait that was interrupted is nobody's
        self._seconds = max(self._seconds, at_s)
        if self._idle_since is not None:
            self._idle_since = time.monotonic()

    async def pace(
        self, station_seconds: float, began: float, interrupted: asyncio.Future[None]
    ) -> None:
        """Wait as long as station seconds take, counted from a monotonic time in the past.

        A future that is done ends it early.
        """
        self._ahead_s += station_seconds / self._scale
        wait = self._ahead_s - (time.monotonic() - began)
        if wait < _SHORTEST_WAIT_S:
            await asyncio.sleep(0)  # whoever polls has a turn
        else:
            try:
                await asyncio.wait([interrupted], timeout=wait)
            except BaseException:
                self._ahead_s = 0.0  # the rest of a wait that was cancelled is nobody's
                raise
        left = self._ahead_s - (time.monotonic() - began)
        self._ahead_s = 0.0 if interrupted.done() else max(left, -_MOST_LATE_S)
