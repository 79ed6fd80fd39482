"""Hardware to put behind emulators: so simple that its readings can be told in one's head."""

import math
import time

import numpy as np

from skyscan_lab.devices.base import Position, RotorLimits

START = Position(10.0, 30.0)


class LinearRotor:
    """Moves each axis at one speed and stops dead: where it is can be told in one's head."""

    def __init__(
        self,
        speed_deg_s: float = 40.0,
        limits: RotorLimits | None = None,
        start: Position = START,
    ) -> None:
        self.limits = limits or RotorLimits((-180.0, 450.0), (0.0, 90.0))
        self.speed_deg_s = speed_deg_s
        self._from = self._to = start
        self._since = time.monotonic()

    def position(self) -> Position:
        way = self.speed_deg_s * (time.monotonic() - self._since)
        return Position(
            *(
                a + math.copysign(min(way, abs(b - a)), b - a)
                for a, b in zip(self._from, self._to, strict=True)
            )
        )

    def command(self, azimuth_deg: float, elevation_deg: float) -> None:
        self._from = self.position()
        self._to = Position(azimuth_deg, elevation_deg)
        self._since = time.monotonic()

    def command_axis(self, index: int, angle_deg: float) -> None:
        target = list(self._to)
        target[index] = angle_deg
        self.command(*target)

    def halt(self) -> None:
        self.command(*self.position())


class CountingReceiver:
    """Every reading is one more than the last."""

    units = "counts"

    def __init__(self, first: float = 500.0) -> None:
        self.next = first

    def read_now(self, reads: int) -> np.ndarray:
        values = self.next + np.arange(reads)
        self.next += reads
        return values


class WhiteNoise:
    """I and Q of a receiver that hears nothing but its own noise, −20 dBFS."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)

    def iq(
        self,
        samples: int,
        sample_rate_hz: float,  # noqa: ARG002  (white noise is the same at every rate)
    ) -> np.ndarray:
        noise = self._random.standard_normal(2 * samples, dtype=np.float32) * 9.0 + 127.5
        return np.clip(np.rint(noise), 0, 255).astype(np.uint8)
