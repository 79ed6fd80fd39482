"""How one axis of a rotor moves: at bounded speed and acceleration, without a jerk limit.

The fastest way to a target at rest is a trapezoid of speed (a triangle for short ways). From
a standing start over a distance d with speed v and acceleration a it takes ``d/v + v/a``, or
``2 √(d/a)`` where d < v²/a. Retargeted in mid-move the axis starts from the position and speed
it has, and turns round where it can no longer stop in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


def move_duration_s(
    distance_deg: ArrayLike, speed_deg_s: float, acceleration_deg_s2: float
) -> NDArray[np.float64]:
    """Shortest time to move a distance, from rest to rest.

    Parameters
    ----------
    distance_deg : array_like
        Distances in degrees; their sign does not matter.
    speed_deg_s : float
        Highest speed, degrees a second, greater than 0.
    acceleration_deg_s2 : float
        Acceleration and deceleration, degrees a second squared; may be infinite.

    Returns
    -------
    ndarray
        Seconds.

    Examples
    --------
    >>> move_duration_s([0.0, 1.0, 12.0], speed_deg_s=6.0, acceleration_deg_s2=6.0).round(3)
    array([0.   , 0.816, 3.   ])
    """
    distance = np.abs(np.asarray(distance_deg, dtype=float))
    trapezoid = distance / speed_deg_s + speed_deg_s / acceleration_deg_s2
    triangle = 2.0 * np.sqrt(distance / acceleration_deg_s2)
    ramps = speed_deg_s**2 / acceleration_deg_s2
    return np.asarray(np.where(distance < ramps, triangle, trapezoid))


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of constant acceleration.

    Attributes
    ----------
    start_s, duration_s : float
        Station time at which it starts, and its length.
    position_deg, speed_deg_s : float
        At its start; speed with its sign.
    acceleration_deg_s2 : float
        During it.
    """

    start_s: float
    duration_s: float
    position_deg: float
    speed_deg_s: float
    acceleration_deg_s2: float

    @property
    def end_s(self) -> float:
        """Station time at which it ends."""
        return self.start_s + self.duration_s

    def at(self, time_s: float) -> tuple[float, float]:
        """Position and speed at a time within it."""
        elapsed = time_s - self.start_s
        speed = self.speed_deg_s + self.acceleration_deg_s2 * elapsed
        return self.position_deg + (self.speed_deg_s + speed) / 2.0 * elapsed, speed


@dataclass(frozen=True, slots=True)
class Motion:
    """One motion of an axis, from any position and speed to rest.

    Attributes
    ----------
    segments : tuple of Segment
        One after the other, without a gap.
    start_deg, start_s : float
        Where and when it begins.
    end_deg : float
        Where it comes to rest, exactly.
    """

    segments: tuple[Segment, ...]
    start_deg: float
    start_s: float
    end_deg: float

    @property
    def end_s(self) -> float:
        """Station time at which the axis comes to rest."""
        return self.segments[-1].end_s if self.segments else self.start_s

    @classmethod
    def rest(cls, time_s: float, position_deg: float) -> Self:
        """No motion: the axis stands still."""
        return cls((), position_deg, time_s, position_deg)

    @classmethod
    def to_target(
        cls,
        time_s: float,
        position_deg: float,
        speed_deg_s: float,
        target_deg: float,
        max_speed_deg_s: float,
        acceleration_deg_s2: float,
    ) -> Self:
        """Fastest motion to rest at a target.

        Parameters
        ----------
        time_s : float
            Station time at which it begins.
        position_deg, speed_deg_s : float
            Position and speed then.
        target_deg : float
            Where to come to rest.
        max_speed_deg_s, acceleration_deg_s2 : float
            What the axis can do.

        Examples
        --------
        >>> motion = Motion.to_target(0.0, 0.0, 0.0, 12.0, max_speed_deg_s=6, acceleration_deg_s2=6)
        >>> motion.end_s, motion.at(1.5)
        (3.0, (6.0, 6.0))
        """
        distance = target_deg - position_deg
        braking = speed_deg_s * abs(speed_deg_s) / (2.0 * acceleration_deg_s2)
        if distance == 0.0 and speed_deg_s == 0.0:
            return cls.rest(time_s, position_deg)
        # Stopping now would end at `braking`: the way to go is from there to the target.
        way = 1.0 if distance >= braking else -1.0
        initial, length = way * speed_deg_s, way * distance
        peak = min(
            max_speed_deg_s,
            float(np.sqrt(max(acceleration_deg_s2 * length + initial**2 / 2.0, 0.0))),
        )
        speeding = (peak - initial) / acceleration_deg_s2
        slowing = peak / acceleration_deg_s2
        ramps = (2.0 * peak**2 - initial**2) / (2.0 * acceleration_deg_s2)
        cruising = max(length - ramps, 0.0) / peak if peak > 0.0 else 0.0
        legs = [
            (speeding, way * acceleration_deg_s2),
            (cruising, 0.0),
            (slowing, -way * acceleration_deg_s2),
        ]
        return cls._of_legs(time_s, position_deg, speed_deg_s, legs, target_deg)

    @classmethod
    def to_stop(
        cls, time_s: float, position_deg: float, speed_deg_s: float, acceleration_deg_s2: float
    ) -> Self:
        """Braking from a position and speed, to rest wherever that ends."""
        if speed_deg_s == 0.0:
            return cls.rest(time_s, position_deg)
        braking = speed_deg_s * abs(speed_deg_s) / (2.0 * acceleration_deg_s2)
        legs = [
            (
                abs(speed_deg_s) / acceleration_deg_s2,
                -float(np.sign(speed_deg_s)) * acceleration_deg_s2,
            )
        ]
        return cls._of_legs(time_s, position_deg, speed_deg_s, legs, position_deg + braking)

    @classmethod
    def _of_legs(
        cls,
        time_s: float,
        position_deg: float,
        speed_deg_s: float,
        legs: list[tuple[float, float]],
        end_deg: float,
    ) -> Self:
        segments: list[Segment] = []
        start, position, speed = time_s, position_deg, speed_deg_s
        for duration, acceleration in legs:
            if duration > 0.0:
                segment = Segment(start, duration, position, speed, acceleration)
                segments.append(segment)
                start, (position, speed) = segment.end_s, segment.at(segment.end_s)
        return cls(tuple(segments), position_deg, time_s, end_deg)

    def at(self, time_s: float) -> tuple[float, float]:
        """Position and speed, at any time from its beginning on."""
        for segment in self.segments:
            if time_s < segment.end_s:
                return segment.at(max(time_s, segment.start_s))
        return self.end_deg, 0.0

    def reversal_deg(self, until_s: float) -> float | None:
        """Position at which the axis has turned round before a time; None where it did not.

        Only an axis that is sent back while it moves turns round, and only once.
        """
        for segment in self.segments[:-1]:
            if segment.speed_deg_s * segment.acceleration_deg_s2 < 0.0:
                moment = segment.start_s - segment.speed_deg_s / segment.acceleration_deg_s2
                return segment.at(moment)[0] if moment < until_s else None
        return None

    def accelerations(self) -> list[tuple[float, float]]:
        """Times at which the acceleration steps, each with the step, degrees a second squared."""
        steps: list[tuple[float, float]] = []
        before = 0.0
        for segment in self.segments:
            steps.append((segment.start_s, segment.acceleration_deg_s2 - before))
            before = segment.acceleration_deg_s2
        if self.segments:
            steps.append((self.end_s, -before))
        return steps
