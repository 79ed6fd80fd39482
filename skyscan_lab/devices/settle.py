"""Settled by position: when a rotor has arrived, and when it never will.

No protocol here says "arrived": ``RPRT 0`` means accepted. So the position is polled until it
has stayed within a tolerance of the target for a settling time. The rotor's speed is learned
on the way. It bounds the arrival from below: until then a poll would only load the rotor's
slow serial line, and from then on each poll's delay is time lost at every point of a scan.

The settling time is the station's; the time after which a move is given up is real, because a
computer's hiccup must not look like a stall when the station's clock runs a thousand times
faster.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.clock import Clock
from skyscan_lab.errors import DeviceTimeout, InvalidInput, PositionMismatch, RotorStalled

Read = Callable[[], Awaitable[Position]]

POLL_S = 0.02  # a real rotor's controller answers at 9600 baud; faster polls would queue up
POLL_FAST_CLOCK_S = 0.001
LONGEST_PAUSE_S = 0.5  # stalls, limits and jumps are watched on long moves, too
SPEED_BASE_DEG = 0.1  # ten steps of a position with two decimals
FASTEST_DEG_S = 120.0  # twice the fastest mount we know, a Winegard G2 in azimuth
JUMP_DEG = 1.0
EARLY = 0.8  # look before the arrival: a speed can only be measured while there is one
PROGRESS_DEG = 0.02
STANDSTILL_S = 0.5
PARK_STANDSTILL_S = 2.0  # a rotor may think before it starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """When a move has ended.

    Attributes
    ----------
    tolerance_deg : float
        Distance from the target, on each axis, that counts as there.
    settle_s : float
        Station seconds for which the rotor must stay there.
    stall_s : float
        Real seconds without progress after which the rotor is stalled.
    timeout_s : float
        Real seconds after which a move is given up.
    """

    tolerance_deg: float = 0.2
    settle_s: float = 0.2
    stall_s: float = 5.0
    timeout_s: float = 180.0

    def __post_init__(self) -> None:
        for field, least in (
            ("tolerance_deg", 0.0),
            ("stall_s", 0.0),
            ("timeout_s", 0.0),
        ):
            value = getattr(self, field)
            if not least < value < math.inf:
                raise InvalidInput(field, value, f"finite and greater than {least:g}")
        if not 0.0 <= self.settle_s < math.inf:
            raise InvalidInput("settle_s", self.settle_s, "finite and not negative")


class _Sample(NamedTuple):
    asked: float  # monotonic seconds: the rotor was here at some time from `asked` to `seen`
    seen: float
    where: Position


class Settler:
    """Watches one rotor, and learns how fast it is.

    Parameters
    ----------
    device : str
        What errors call the rotor.
    clock : Clock
        Station time, for the settling time.
    settling : Settling
        When a move has ended.
    limits : RotorLimits, optional
        Leaving them during a move is an error; set once they are known.
    """

    def __init__(
        self,
        device: str,
        clock: Clock,
        settling: Settling | None = None,
        limits: RotorLimits | None = None,
    ) -> None:
        self.limits = limits
        self._device = device
        self._clock = clock
        self._settling = settling or Settling()
        self._poll_s = POLL_FAST_CLOCK_S if clock.scale > 1.0 else POLL_S
        self._peak_deg_s = [0.0, 0.0]  # in real seconds
        self._last: _Sample | None = None
        self._speed_from: _Sample | None = None
        self._nearest_deg = math.inf
        self._progress_at = 0.0
        self._outside_deg: float | None = None

    def forget(self) -> None:
        """Start anew after a reconnect: the rotor may be elsewhere, and needs time to start."""
        self._last = self._speed_from = None
        self._nearest_deg = math.inf
        self._outside_deg = None

    async def arrive(self, read: Read, azimuth_deg: float, elevation_deg: float) -> Position:
        """Return once the rotor has settled at a target.

        Parameters
        ----------
        read : callable
            Asks the rotor for its position.
        azimuth_deg, elevation_deg : float
            The target, on the rotor's own turn.

        Raises
        ------
        RotorStalled
            Without progress towards the target.
        DeviceTimeout
            Under way for too long.
        PositionMismatch
            A position that the rotor cannot have.
        """
        settling = self._settling
        settle_s = settling.settle_s / self._clock.scale
        began = time.monotonic()
        self._begin(began)
        entered: float | None = None
        while True:
            asked, seen, where = await self._look(read)
            self._check_limits(where)
            errors = (
                abs(where.azimuth_deg - azimuth_deg),
                abs(where.elevation_deg - elevation_deg),
            )
            if max(errors) <= settling.tolerance_deg:
                entered = seen if entered is None else entered
                if asked - entered >= settle_s or settle_s == 0.0:
                    return where
                left = entered + settle_s - time.monotonic()
                # A few looks on the way, because a rotor may swing through its target.
                pause = min(left, max(settle_s / 4.0, self._poll_s))
                self._nearest_deg = math.inf
            else:
                entered = None
                self._check_progress(seen, sum(errors), where, azimuth_deg, elevation_deg)
                pause = self._pause(errors)
            if seen - began > settling.timeout_s:
                raise DeviceTimeout(
                    self._device,
                    f"not settled at {_words(azimuth_deg, elevation_deg)} within "
                    f"{settling.timeout_s:g} s; it is at {_words(*where)}",
                )
            await asyncio.sleep(max(pause, 0.0))

    async def standstill(self, read: Read, window_s: float = STANDSTILL_S) -> Position:
        """Return once the rotor stands still, wherever that is.

        Parameters
        ----------
        read : callable
            Asks the rotor for its position.
        window_s : float
            Station seconds without motion that count as standing still.

        Raises
        ------
        DeviceTimeout
            When it does not come to rest.
        PositionMismatch
            A position that the rotor cannot have.
        """
        window = max(window_s, self._settling.settle_s) / self._clock.scale
        began = time.monotonic()
        rest = await self._look(read)
        while True:
            await asyncio.sleep(max(window / 5.0, self._poll_s))
            sample = await self._look(read)
            moved = max(abs(a - b) for a, b in zip(sample.where, rest.where, strict=True))
            if moved > 0.5 * self._settling.tolerance_deg:
                rest = sample
            elif sample.asked - rest.seen >= window:
                return sample.where
            if sample.seen - began > self._settling.timeout_s:
                raise DeviceTimeout(
                    self._device,
                    f"still moving after {self._settling.timeout_s:g} s, "
                    f"at {_words(*sample.where)}",
                )

    def _begin(self, now: float) -> None:
        self._nearest_deg = math.inf
        self._progress_at = now
        self._speed_from = None
        self._outside_deg = None
        # A speed that was measured too high once, in a hiccup, wears off.
        self._peak_deg_s = [0.99 * peak for peak in self._peak_deg_s]

    async def _look(self, read: Read) -> _Sample:
        asked = time.monotonic()
        where = await read()
        sample = _Sample(asked, time.monotonic(), where)
        if not all(map(math.isfinite, where)):
            raise PositionMismatch(self._device, f"reports the position {_words(*where)}")
        if self._last is not None:
            self._check_jump(self._last, sample)
        self._last = sample
        self._learn(sample)
        return sample

    def _check_jump(self, before: _Sample, after: _Sample) -> None:
        longest = (after.seen - before.asked) * self._clock.scale
        moved_az = abs(after.where.azimuth_deg - before.where.azimuth_deg)
        moved_el = abs(after.where.elevation_deg - before.where.elevation_deg)
        # Some controllers report azimuth modulo a turn; crossing its ends is no jump.
        moved_az = min(moved_az, abs(moved_az - 360.0))
        if max(moved_az, moved_el) > JUMP_DEG + FASTEST_DEG_S * longest:
            raise PositionMismatch(
                self._device,
                f"reports a jump from {_words(*before.where)} to {_words(*after.where)} "
                f"within {longest:.3f} s",
            )

    def _learn(self, sample: _Sample) -> None:
        if self._speed_from is None:
            self._speed_from = sample
            return
        moved = [abs(a - b) for a, b in zip(sample.where, self._speed_from.where, strict=True)]
        elapsed = sample.seen - self._speed_from.seen
        if max(moved) >= SPEED_BASE_DEG and elapsed > 0.0:
            for axis, distance in enumerate(moved):
                self._peak_deg_s[axis] = max(self._peak_deg_s[axis], distance / elapsed)
            self._speed_from = sample

    def _check_limits(self, where: Position) -> None:
        """Refuse to leave the limits; a rotor that stood outside may come in."""
        if self.limits is None:
            return
        outside = max(
            max(low - angle, angle - high, 0.0)
            for angle, (low, high) in zip(
                where, (self.limits.azimuth_deg, self.limits.elevation_deg), strict=True
            )
        )
        least = outside if self._outside_deg is None else min(outside, self._outside_deg)
        if outside > least + self._settling.tolerance_deg:
            raise PositionMismatch(
                self._device,
                f"left its limits: it is at {_words(*where)}, allowed are azimuth "
                f"{self.limits.azimuth_deg} and elevation {self.limits.elevation_deg}",
            )
        self._outside_deg = least

    def _check_progress(
        self, now: float, distance: float, where: Position, azimuth_deg: float, elevation_deg: float
    ) -> None:
        if distance < self._nearest_deg - PROGRESS_DEG:
            self._nearest_deg = distance
            self._progress_at = now
        elif now - self._progress_at > self._settling.stall_s:
            raise RotorStalled(
                self._device,
                f"no progress towards {_words(azimuth_deg, elevation_deg)} for "
                f"{self._settling.stall_s:g} s; it stands at {_words(*where)}",
            )

    def _pause(self, errors: tuple[float, float]) -> float:
        """Real seconds in which the rotor cannot arrive, at the best speed it has shown."""
        pause = self._poll_s
        for error, peak in zip(errors, self._peak_deg_s, strict=True):
            outside = error - self._settling.tolerance_deg
            if outside > 0.0:
                pause = max(pause, EARLY * outside / peak if peak > 0.0 else 5.0 * self._poll_s)
        return min(pause, LONGEST_PAUSE_S)


def _words(azimuth_deg: float, elevation_deg: float) -> str:
    return f"az {azimuth_deg:.2f}°, el {elevation_deg:.2f}°"
