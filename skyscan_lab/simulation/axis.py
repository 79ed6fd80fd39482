"""One axis of a rotor: motor, gear with play, and a structure that rings.

The motor follows its profile (`skyscan_lab.simulation.kinematics`). The gear follows the motor
with play: pushed only by one flank of its teeth or the other, it lags by up to half of the
backlash on the side from which it came. The structure on top answers each step of the
acceleration like a damped spring, which is what has to settle after an arrival. The encoder
sits on the structure before the gear's play: it shows the ringing, and not the backlash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skyscan_lab.errors import InvalidInput
from skyscan_lab.simulation.kinematics import Motion

# A ringing that has decayed by this much is over.
_OVER = 30.0


@dataclass(frozen=True)
class AxisModel:
    """What one axis can do.

    Parameters
    ----------
    speed_deg_s, acceleration_deg_s2 : float
        Highest speed and acceleration, degrees and seconds, greater than 0.
    backlash_deg : float
        Play of the gear, between its two ends.
    ringing_hz, damping : float
        Natural frequency of the structure, 0 for a rigid one, and its damping ratio within
        (0, 1).
    resolution_deg : float
        Step of the encoder; 0 for none.

    Raises
    ------
    InvalidInput
        For values out of range.
    """

    speed_deg_s: float = 65.0
    acceleration_deg_s2: float = 400.0
    backlash_deg: float = 0.0
    ringing_hz: float = 0.0
    damping: float = 0.1
    resolution_deg: float = 0.0

    def __post_init__(self) -> None:
        for field in ("speed_deg_s", "acceleration_deg_s2"):
            if not 0.0 < getattr(self, field) < math.inf:
                raise InvalidInput(field, getattr(self, field), "finite and greater than 0")
        for field in ("backlash_deg", "ringing_hz", "resolution_deg"):
            if not 0.0 <= getattr(self, field) < math.inf:
                raise InvalidInput(field, getattr(self, field), "finite and at least 0")
        if not 0.0 < self.damping < 1.0:
            raise InvalidInput("damping", self.damping, "a ratio within (0, 1)")


class Axis:
    """State of one axis. Times are station seconds and never go back from command to command.

    Parameters
    ----------
    model : AxisModel
        What it can do.
    position_deg : float
        Where it stands at first, in the middle of its gear's play.
    stops_deg : tuple of float
        Solid ends of its travel.
    """

    def __init__(self, model: AxisModel, position_deg: float, stops_deg: tuple[float, float]):
        self.model = model
        self._motion = Motion.rest(0.0, position_deg)
        self._gear_deg = position_deg
        self._stops_deg = stops_deg
        self._jam_deg: float | None = None
        self._range_deg = stops_deg
        self._steps: list[tuple[float, float]] = []
        self._died_out = 0.0

    @property
    def end_s(self) -> float:
        """Time at which the motor comes, or came, to rest."""
        return self._motion.end_s

    def command(self, time_s: float, target_deg: float) -> None:
        """Go to a target, from whatever the axis is doing."""
        position, speed = self.motor(time_s)
        model = self.model
        self._follow(
            time_s,
            Motion.to_target(
                time_s, position, speed, target_deg, model.speed_deg_s, model.acceleration_deg_s2
            ),
        )

    def halt(self, time_s: float) -> None:
        """Brake to rest."""
        position, speed = self.motor(time_s)
        self._follow(
            time_s, Motion.to_stop(time_s, position, speed, self.model.acceleration_deg_s2)
        )

    def seize(self, time_s: float) -> None:
        """Stand still from one moment to the next: the motor has stalled."""
        position, _ = self.motor(time_s)
        self._follow(time_s, Motion.rest(time_s, position))

    def jam(self, time_s: float, at_deg: float | None) -> None:
        """Put something solid in the way, or take it away."""
        position, speed = self.motor(time_s)
        low, high = self._stops_deg
        if at_deg is not None:
            low, high = (max(low, at_deg), high) if position >= at_deg else (low, min(high, at_deg))
        if (low, high) != self._range_deg:
            if speed == 0.0:
                # Where an obstacle held it the motor has given up: it does not jump on.
                self._follow(time_s, Motion.rest(time_s, position))
            self._range_deg = (low, high)

    def motor(self, time_s: float) -> tuple[float, float]:
        """Position of the motor and its speed; at rest where something solid holds it."""
        position, speed = self._motion.at(time_s)
        low, high = self._range_deg
        if low <= position <= high:
            return position, speed
        return min(max(position, low), high), 0.0

    def encoder(self, time_s: float) -> float:
        """Position that the encoder shows, degrees."""
        shown = self.motor(time_s)[0] + self._ringing(time_s)
        step = self.model.resolution_deg
        return round(shown / step) * step if step else shown

    def output(self, time_s: float) -> float:
        """Where the axis truly points, degrees."""
        return self._gear(time_s) + self._ringing(time_s)

    def outputs(self, times_s: Sequence[float]) -> list[float]:
        """Where the axis truly points at times that do not go back, degrees."""
        if not self.model.ringing_hz and times_s[0] >= self.end_s:
            return [self._gear(times_s[0])] * len(times_s)
        return [self.output(time_s) for time_s in times_s]

    def _follow(self, time_s: float, motion: Motion) -> None:
        gear = self._gear(time_s)
        if self.model.ringing_hz:
            self._keep_ringing(time_s, motion)
        self._motion, self._gear_deg = motion, gear

    def _gear(self, time_s: float) -> float:
        """Output of the gear: the play operator, fed with every extreme of the motor."""
        half = self.model.backlash_deg / 2.0
        low, high = self._range_deg
        gear = self._gear_deg
        for extreme in (self._motion.reversal_deg(time_s), self.motor(time_s)[0]):
            if extreme is not None:
                motor = min(max(extreme, low), high)
                gear = min(max(gear, motor - half), motor + half)
        return gear

    def _keep_ringing(self, time_s: float, motion: Motion) -> None:
        """Forget the steps of acceleration that will not come, and those long past."""
        so_far = [step for step in self._steps if step[0] <= time_s]
        acceleration = self._died_out + sum(size for _, size in so_far)
        decay = self.model.damping * 2.0 * math.pi * self.model.ringing_hz
        recent = [step for step in so_far if (time_s - step[0]) * decay < _OVER]
        self._died_out += sum(size for _, size in so_far[: len(so_far) - len(recent)])
        self._steps = [*recent, (time_s, -acceleration), *motion.accelerations()]

    def _ringing(self, time_s: float) -> float:
        """Deflection of a damped oscillator under the steps of acceleration so far, degrees."""
        if not self.model.ringing_hz:
            return 0.0
        damping = self.model.damping
        natural = 2.0 * math.pi * self.model.ringing_hz
        root = math.sqrt(1.0 - damping**2)
        felt = self._died_out
        for start, size in self._steps:
            phase = natural * (time_s - start)
            if phase > 0.0:
                swing = math.cos(root * phase) + damping / root * math.sin(root * phase)
                felt += size * (1.0 - math.exp(-damping * phase) * swing)
        # Held back by the spring: the structure lags an acceleration by its size over ω².
        return -felt / natural**2
