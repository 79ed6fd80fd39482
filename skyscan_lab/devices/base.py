"""What a rotor and a receiver are to everything above them.

Both are async context managers: entering connects, leaving disconnects. Every method raises
a `skyscan_lab.errors.DeviceError` when the hardware fails, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from skyscan_lab.errors import OutOfLimits
from skyscan_lab.power import Domain, LogResponse, Units, average
from skyscan_lab.station import Limits


class Position(NamedTuple):
    """Where a rotor points, in its own frame.

    Attributes
    ----------
    azimuth_deg : float
        On the rotor's own turn: 10° and 370° are different places of the cable.
    elevation_deg : float
        Degrees above the horizon.
    """

    azimuth_deg: float
    elevation_deg: float

    def __str__(self) -> str:
        """Give it as people at an antenna read it.

        Examples
        --------
        >>> print(Position(174.2, 43.0))
        az 174.20°, el 43.00°
        """
        return f"az {self.azimuth_deg:.2f}°, el {self.elevation_deg:.2f}°"

    def on_turn_of(self, azimuth_deg: float) -> Position:
        """Return the same direction, its azimuth within half a turn of another's.

        Examples
        --------
        >>> Position(359.5, 45.0).on_turn_of(0.0)
        Position(azimuth_deg=-0.5, elevation_deg=45.0)
        """
        turns = round((azimuth_deg - self.azimuth_deg) / 360.0)
        return self._replace(azimuth_deg=self.azimuth_deg + 360.0 * turns)


@dataclass(frozen=True, slots=True)
class RotorLimits:
    """Range of motion: azimuth is a cable range and may exceed a turn.

    Attributes
    ----------
    azimuth_deg, elevation_deg : tuple of float
        Lowest and highest angle, degrees.
    """

    azimuth_deg: tuple[float, float] = (0.0, 360.0)
    elevation_deg: tuple[float, float] = (0.0, 90.0)

    def __str__(self) -> str:
        """Give them as people at an antenna read them.

        Examples
        --------
        >>> print(RotorLimits(azimuth_deg=(-180.0, 450.0)))
        az -180…450°, el 0…90°
        """
        (az_low, az_high), (el_low, el_high) = self.azimuth_deg, self.elevation_deg
        return f"az {az_low:g}…{az_high:g}°, el {el_low:g}…{el_high:g}°"

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """Limits of a station's description."""
        return cls(limits.azimuth_deg, limits.elevation_deg)

    def check(self, device: str, azimuth_deg: float, elevation_deg: float) -> None:
        """Refuse a target outside the limits, or one that is not a number.

        Raises
        ------
        OutOfLimits
            Naming the axis, the value and the limits.
        """
        for axis, value, (low, high) in (
            ("azimuth", azimuth_deg, self.azimuth_deg),
            ("elevation", elevation_deg, self.elevation_deg),
        ):
            if not low <= value <= high:  # also refuses NaN
                raise OutOfLimits(device, f"{axis} {value}° is outside [{low}°, {high}°]")

    def narrowed(self, device: str, other: RotorLimits) -> RotorLimits:
        """What both limits allow, as those of a station and those of its mount.

        Raises
        ------
        OutOfLimits
            Where they have nothing in common.
        """
        both = RotorLimits(
            _overlap(self.azimuth_deg, other.azimuth_deg),
            _overlap(self.elevation_deg, other.elevation_deg),
        )
        if min(high - low for low, high in (both.azimuth_deg, both.elevation_deg)) < 0.0:
            raise OutOfLimits(
                device,
                f"limits of the station ({self}) and of the mount ({other}) have nothing in common",
            )
        return both

    def nearest(self, position: Position) -> Position:
        """Position within the limits that is nearest to another, axis by axis.

        Examples
        --------
        >>> RotorLimits(elevation_deg=(18, 65)).nearest(Position(370.0, 0.0))
        Position(azimuth_deg=360.0, elevation_deg=18)
        """
        (az_low, az_high), (el_low, el_high) = self.azimuth_deg, self.elevation_deg
        return Position(
            min(max(position.azimuth_deg, az_low), az_high),
            min(max(position.elevation_deg, el_low), el_high),
        )

    def turns(self, azimuth_deg: float) -> list[float]:
        """Every azimuth within the limits that is the same direction, increasing.

        Examples
        --------
        >>> RotorLimits(azimuth_deg=(-180, 450)).turns(10.0)
        [10.0, 370.0]
        """
        low, high = self.azimuth_deg
        first = int(np.ceil((low - azimuth_deg) / 360.0))
        last = int(np.floor((high - azimuth_deg) / 360.0))
        return [azimuth_deg + 360.0 * turn for turn in range(first, last + 1)]


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return max(a[0], b[0]), min(a[1], b[1])


class ReadingKey(NamedTuple):
    """Which point of which session a reading belongs to.

    Real receivers ignore it. The simulated one draws its noise from it, so that a scan does
    not depend on who else polls, or on how fast its clock runs.
    """

    session: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """Average of the readings at one point, in the receiver's units.

    Attributes
    ----------
    reads : int
        Number of readings averaged.
    mean, std, last : float
        Average, sample standard deviation (NaN where unknown) and the last reading.
    domain : str
        What was averaged: linear power or native units.
    """

    reads: int
    mean: float
    std: float
    last: float
    domain: Domain

    @classmethod
    def of(
        cls, readings: ArrayLike, response: LogResponse | None, looks: float | None = None
    ) -> Self:
        """Average single readings as `skyscan_lab.power.average` does."""
        values = np.asarray(readings, dtype=float)
        result = average(values, response=response, looks=looks)
        finite = values[np.isfinite(values)]
        last = float(finite[-1]) if finite.size else float("nan")
        return cls(result.reads, result.value, result.std, last, result.domain)


class Device(Protocol):
    """Something that is connected to, used, and left."""

    @property
    def name(self) -> str:
        """How the user knows it: ``"rotctld 127.0.0.1:4533"``."""

    async def __aenter__(self) -> Self:
        """Connect."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; the rotor stays where it is."""


class Rotor(Device, Protocol):
    """A mount that points an antenna."""

    @property
    def limits(self) -> RotorLimits:
        """Range of motion, known once connected."""

    async def position(self) -> Position:
        """Where the rotor is now."""

    async def move(self, azimuth_deg: float, elevation_deg: float) -> Position:
        """Go to a target and return once settled there, with the position reached.

        Raises
        ------
        OutOfLimits
            Before anything is sent.
        RotorStalled, DeviceTimeout, DeviceUnreachable, DeviceRefused, DeviceProtocolError
            While moving. Where the rotor is then, `position` tells.
        """

    async def stop(self) -> None:
        """Stop all motion, and return once it has stopped."""

    async def park(self) -> None:
        """Go to the park position, and return once there."""


class Receiver(Device, Protocol):
    """Something that reads a signal strength."""

    @property
    def units(self) -> Units:
        """Units of its readings."""

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:
        """Take readings at the present position and average them.

        Parameters
        ----------
        reads : int
            How many, at least 1.
        key : ReadingKey, optional
            Which point they belong to.
        """
