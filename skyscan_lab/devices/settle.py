"""Settled by position: when a rotor has arrived, and when it never will.

No protocol here says "arrived": ``RPRT 0`` means accepted. So the position is polled until it
has stayed within a tolerance of the target for a settling time. The rotor's speed is learned
on the way. It bounds the arrival from below: until then a poll would only load the rotor's
slow serial line, and from then on each poll's delay is time lost at every point of a scan.

Near the target it must also be at rest (`skyscan_lab.devices.rest`), and have left where it was:
on a grid finer than the tolerance the next target is within it before the rotor has started.

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

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.clock import Clock
from skyscan_lab.devices.rest import Rest, Sample
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
DETOUR_DEG = 1.0
NEAR_MISS = 10.0  # tolerances
STILL_DEG = 0.011  # the last digit of a position with two decimals flickers on a rotor at rest
STILL = 0.04  # of the tolerance, for rotors whose own digits are coarser
HESITATION_S = 1.0  # until then a rotor that has not moved may not have started
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
        Station seconds for which the rotor must be there at rest.
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
    chooses_turn : bool
        Whether azimuth is a direction, to which the mount chooses the way round itself. By
        default it is a place on the cable.
    """

    def __init__(
        self,
        device: str,
        clock: Clock,
        settling: Settling | None = None,
        limits: RotorLimits | None = None,
        *,
        chooses_turn: bool = False,
    ) -> None:
        self.limits = limits
        self._chooses_turn = chooses_turn
        self._device = device
        self._clock = clock
        self._settling = settling or Settling()
        self._poll_s = POLL_FAST_CLOCK_S if clock.scale > 1.0 else POLL_S
        self._peak_deg_s = [0.0, 0.0]  # in real seconds
        self._last: Sample | None = None
        self._speed_from: Sample | None = None
        self._nearest_deg = math.inf
        self._progress: Sample | None = None
        self._outside_deg: float | None = None

    def forget(self) -> None:
        """Start anew after a reconnect: the rotor may be elsewhere, and needs time to start."""
        self._last = self._speed_from = self._progress = None
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
        target = Position(azimuth_deg, elevation_deg)
        came_from = self._last
        rest = self._new_rest()
        began = time.monotonic()
        self._begin()
        while True:
            sample = await self._look(read)
            self._check_limits(sample.where)
            sample = self._on_turn_of(target, sample)
            came_from = self._on_turn_of(target, came_from or sample)
            off = _apart(sample.where, target)
            if max(off) <= settling.tolerance_deg:
                has_started = sum(off) <= 0.5 * sum(_apart(came_from.where, target))
                window_s = self._real(settling.settle_s if has_started else self._hesitation_s)
                rest.add(sample)
                if rest.lasts(window_s):
                    return sample.where
                pause = rest.next_look_s(window_s, self._poll_s)
                self._nearest_deg = math.inf
            else:
                rest.clear()
                self._check_progress(sample, target, off)
                pause = self._pause_on_the_way(off)
            if sample.seen - began > settling.timeout_s:
                raise DeviceTimeout(
                    self._device,
                    f"not settled at {target} within {settling.timeout_s:g} s; it is at "
                    f"{sample.where}",
                )
            await asyncio.sleep(pause)

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
        window_s = self._real(max(window_s, self._settling.settle_s))
        rest = self._new_rest()
        began = time.monotonic()
        while True:
            sample = await self._look(read)
            rest.add(sample)
            if rest.lasts(window_s):
                return sample.where
            if sample.seen - began > self._settling.timeout_s:
                raise DeviceTimeout(
                    self._device,
                    f"still moving after {self._settling.timeout_s:g} s, at {sample.where}",
                )
            await asyncio.sleep(rest.next_look_s(window_s, self._poll_s))

    @property
    def _hesitation_s(self) -> float:
        return max(HESITATION_S, self._settling.settle_s)

    def _real(self, station_s: float) -> float:
        return station_s / self._clock.scale

    def _new_rest(self) -> Rest:
        return Rest(max(STILL_DEG, STILL * self._settling.tolerance_deg))

    def _on_turn_of(self, target: Position, sample: Sample) -> Sample:
        if not self._chooses_turn:
            return sample
        return sample._replace(where=sample.where.on_turn_of(target.azimuth_deg))

    def _begin(self) -> None:
        self._nearest_deg = math.inf
        self._speed_from = self._progress = None
        self._outside_deg = None
        # A speed that was measured too high once, in a hiccup, wears off.
        self._peak_deg_s = [0.99 * peak for peak in self._peak_deg_s]

    async def _look(self, read: Read) -> Sample:
        asked = time.monotonic()
        where = await read()
        sample = Sample(asked, time.monotonic(), where)
        if not all(map(math.isfinite, where)):
            raise PositionMismatch(self._device, f"reports the position {where}")
        if self._last is not None:
            self._check_jump(self._last, sample)
        self._last = sample
        self._learn(sample)
        return sample

    def _check_jump(self, before: Sample, after: Sample) -> None:
        longest = (after.seen - before.asked) * self._clock.scale
        if max(_moved(before, after)) > JUMP_DEG + FASTEST_DEG_S * longest:
            raise PositionMismatch(
                self._device,
                f"reports a jump from {before.where} to {after.where} within {longest:.3f} s",
            )

    def _learn(self, sample: Sample) -> None:
        if self._speed_from is None:
            self._speed_from = sample
            return
        moved = _moved(self._speed_from, sample)
        elapsed = sample.seen - self._speed_from.seen
        if max(moved) >= SPEED_BASE_DEG and elapsed > 0.0:
            for axis, distance in enumerate(moved):
                self._peak_deg_s[axis] = max(self._peak_deg_s[axis], distance / elapsed)
            self._speed_from = sample

    def _check_limits(self, where: Position) -> None:
        """Refuse to leave the limits; a rotor that stood outside may come in."""
        if self.limits is None:
            return
        if self._chooses_turn:
            where = where.on_turn_of(sum(self.limits.azimuth_deg) / 2.0)
        outside = max(_apart(where, self.limits.nearest(where)))
        least = outside if self._outside_deg is None else min(outside, self._outside_deg)
        if outside > least + self._settling.tolerance_deg:
            raise PositionMismatch(
                self._device,
                f"left its limits: it is at {where}, allowed are {self.limits}",
            )
        self._outside_deg = least

    def _check_progress(self, sample: Sample, target: Position, off: tuple[float, float]) -> None:
        before = self._progress
        # On a way round of its own choice, a mount may first move away from its target.
        detour = before and self._chooses_turn and max(_moved(before, sample)) > DETOUR_DEG
        if before is None or detour or sum(off) < self._nearest_deg - PROGRESS_DEG:
            self._nearest_deg = min(sum(off), self._nearest_deg)
            self._progress = sample
        elif sample.seen - before.seen > self._settling.stall_s:
            raise RotorStalled(
                self._device,
                f"no progress towards {target} for {self._settling.stall_s:g} s; it stands at "
                f"{sample.where}{self._why_not(off)}",
            )

    def _why_not(self, off: tuple[float, float]) -> str:
        """What keeps a rotor from its target that may well be where it was told to go."""
        azimuth_deg, elevation_deg = off
        tolerance_deg = self._settling.tolerance_deg
        if abs(azimuth_deg - 360.0) <= tolerance_deg:
            return ", a turn away: if it counts no further, set the rotor's limits to one turn"
        if max(azimuth_deg, elevation_deg) <= NEAR_MISS * tolerance_deg:
            return (
                f", {max(off):.2f}° away: if it comes no nearer, raise tolerance_deg, which is "
                f"{tolerance_deg:g}"
            )
        return ""

    def _pause_on_the_way(self, off: tuple[float, float]) -> float:
        """Real seconds in which the rotor cannot arrive, at the best speed it has shown."""
        pause = self._poll_s
        for distance, peak in zip(off, self._peak_deg_s, strict=True):
            outside = distance - self._settling.tolerance_deg
            if outside > 0.0:
                pause = max(pause, EARLY * outside / peak if peak > 0.0 else 5.0 * self._poll_s)
        return min(pause, LONGEST_PAUSE_S)


def _apart(one: Position, other: Position) -> tuple[float, float]:
    return abs(one.azimuth_deg - other.azimuth_deg), abs(one.elevation_deg - other.elevation_deg)


def _moved(before: Sample, after: Sample) -> tuple[float, float]:
    """How far each axis has moved; crossing north is no turn for those that report one turn."""
    return _apart(before.where, after.where.on_turn_of(before.where.azimuth_deg))
