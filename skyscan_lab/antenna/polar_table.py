"""A measured pattern over all directions: gain in dB at angles from the axis and around it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline, RectBivariateSpline

from skyscan_lab.antenna.base import Gradient, Values
from skyscan_lab.antenna.peak import find_peak, half_power_widths
from skyscan_lab.antenna.table import pair
from skyscan_lab.errors import InvalidInput

_TINY_DEG = 1e-6
# Rows and columns that the table is carried on by, over the pole and round the turn: a cubic
# spline forgets its ends by a factor of 3.7 a step.
_MARGIN = 12


@dataclass(frozen=True, eq=False)
class PolarTablePattern:
    """Gain in dB at angles θ from the axis and ψ around it, with a bicubic spline of power between.

    Over the axis the table goes on to the other side, and around it into the next turn, so that
    the gain is smooth there as everywhere. Levels are relative to its peak. Why power:
    `TablePattern`.

    Parameters
    ----------
    angle_deg : array_like, shape (nt,)
        θ, increasing from 0 to at most 180°, four or more.
    around_deg : array_like, shape (np,)
        ψ, increasing over less than a whole turn, four or more; from cross-elevation (0°) to
        elevation (90°).
    gain_db : array_like, shape (nt, np)
        Gain in dB, relative to anything; −inf where there is none.
    outside_db : float
        Gain beyond the last θ, dB relative to the peak.

    Raises
    ------
    InvalidInput
        For angles that are none, values that are not numbers, or a table that does not reach half
        power.

    Examples
    --------
    >>> from skyscan_lab.antenna.gaussian import GaussianPattern
    >>> theta, psi = np.linspace(0, 60, 61), np.arange(0, 360, 10.0)
    >>> level = -12 * (theta / 20) ** 2 * np.log10(2) / 0.3
    >>> beam = PolarTablePattern(theta, psi, np.tile(level[:, np.newaxis], psi.size))
    >>> [round(width, 2) for width in beam.hpbw_deg]
    [20.0, 20.0]
    """

    angle_deg: Values
    around_deg: Values
    gain_db: Values
    outside_db: float

    def __init__(
        self,
        angle_deg: ArrayLike,
        around_deg: ArrayLike,
        gain_db: ArrayLike,
        outside_db: float = -np.inf,
    ):
        theta, psi = np.array(angle_deg, dtype=float), np.array(around_deg, dtype=float)
        if theta.ndim != 1 or theta.size < 4 or not np.all(np.diff(theta) > 0.0):
            raise InvalidInput("angle_deg", f"{theta.size} values", "four or more, increasing")
        if theta[0] != 0.0 or theta[-1] > 180.0:
            raise InvalidInput("angle_deg", (theta[0], theta[-1]), "from 0° to at most 180°")
        if psi.ndim != 1 or psi.size < 4 or not np.all(np.diff(psi) > 0.0):
            raise InvalidInput("around_deg", f"{psi.size} values", "four or more, increasing")
        gap = 360.0 - float(np.ptp(psi))
        if not 0.0 < gap <= 2.0 * float(np.diff(psi).max()):
            raise InvalidInput("around_deg", f"{np.ptp(psi):g}°", "a turn, without its end")
        levels = np.array(gain_db, dtype=float)
        if levels.shape != (theta.size, psi.size):
            raise InvalidInput(
                "shape of gain_db", levels.shape, f"{(theta.size, psi.size)}: (nt, np)"
            )
        if np.isnan(levels).any() or not np.isfinite(levels.max()):
            raise InvalidInput("gain_db", "values that are no gains", "numbers or −inf")
        for name, values in (("angle_deg", theta), ("around_deg", psi), ("gain_db", levels)):
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "outside_db", float(outside_db))
        if not np.all(np.isfinite(self.hpbw_deg)):
            raise InvalidInput("gain_db", "a table within half power", "one that reaches −3 dB")

    def __eq__(self, other: object) -> bool:
        """Two are the same when all their values are."""
        return type(other) is type(self) and other._identity == self._identity

    def __hash__(self) -> int:
        """From all the values."""
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[bytes, tuple[int, ...], float]:
        digest = hashlib.sha256()
        for values in (self.angle_deg, self.around_deg, self.gain_db):
            digest.update(values.tobytes())
        return digest.digest(), self.gain_db.shape, self.outside_db

    @property
    def step_deg(self) -> float:
        """Smallest step of θ, degrees."""
        return float(np.diff(self.angle_deg).min())

    @cached_property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power through the peak, along both axes, degrees."""
        step = self.step_deg / 8.0
        return half_power_widths(self._known_gain, self.peak_offset_deg, (step, step))

    @property
    def peak_offset_deg(self) -> tuple[float, float]:
        """Where the peak is: offsets in degrees, as for `gain`."""
        return self._peak[1], self._peak[2]

    def _known_gain(self, x: Values, y: Values) -> Values:
        """Gain, NaN outside of the table: its edge is no half power."""
        inside = self._polar(x, y)[2]
        return np.where(inside, self.gain(x, y), np.nan)

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        x, y = pair(cross_elevation_deg, elevation_offset_deg)
        theta, psi, inside = self._polar(x, y)
        power = np.maximum(self._spline.ev(theta, psi) / self._peak[0], 0.0)
        outside = 10.0 ** (self.outside_db / 10.0)
        return np.asarray(np.where(inside, power, outside))

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        x, y = pair(cross_elevation_deg, elevation_offset_deg)
        gain = self.gain(x, y)
        _, per_x, per_y = self._power(x, y)
        rising = self._polar(x, y)[2] & (gain > 0.0)
        return (
            gain,
            np.asarray(np.where(rising, per_x / self._peak[0], 0.0)),
            np.asarray(np.where(rising, per_y / self._peak[0], 0.0)),
        )

    def _polar(self, x: Values, y: Values) -> tuple[Values, Values, NDArray[np.bool_]]:
        theta = np.hypot(x, y)
        psi = np.degrees(np.arctan2(y, x))
        start = self.around_deg[0]
        inside = np.asarray(theta <= self.angle_deg[-1])
        return theta, np.asarray(np.mod(psi - start, 360.0) + start), inside

    def _power(self, x: Values, y: Values) -> Gradient:
        theta, psi, _ = self._polar(x, y)
        near = np.maximum(theta, _TINY_DEG)
        outward = self._spline.ev(near, psi, dx=1)
        around = np.degrees(self._spline.ev(near, psi, dy=1)) / near
        cosine, sine = np.cos(np.radians(psi)), np.sin(np.radians(psi))
        # On the axis there is no direction: the slopes are those outwards along both axes.
        axes = np.mod(np.array([0.0, 90.0]) - self.around_deg[0], 360.0) + self.around_deg[0]
        to_x, to_y = self._spline.ev(np.zeros(2), axes, dx=1)
        on_axis = theta < _TINY_DEG
        return (
            np.asarray(self._spline.ev(theta, psi)),
            np.asarray(np.where(on_axis, to_x, outward * cosine - around * sine)),
            np.asarray(np.where(on_axis, to_y, outward * sine + around * cosine)),
        )

    @cached_property
    def _spline(self) -> RectBivariateSpline:
        theta, psi = self.angle_deg, self.around_deg
        levels = 10.0 ** ((self.gain_db - self.gain_db.max()) / 10.0)
        levels[0] = levels[0].mean()  # one direction, one value
        turn = CubicSpline(
            np.append(psi, psi[0] + 360.0),
            np.column_stack([levels, levels[:, 0]]),
            axis=1,
            bc_type="periodic",
        )
        opposite = turn(psi + 180.0)
        rows = min(_MARGIN, theta.size - 1)
        angles, table = [-theta[rows:0:-1], theta], [opposite[rows:0:-1], levels]
        if theta[-1] == 180.0:
            angles.append(360.0 - theta[-2 : -2 - rows : -1])
            table.append(opposite[-2 : -2 - rows : -1])
        columns = min(_MARGIN, psi.size)
        return RectBivariateSpline(
            np.concatenate(angles),
            np.concatenate([psi[-columns:] - 360.0, psi, psi[:columns] + 360.0]),
            np.pad(np.concatenate(table), ((0, 0), (columns, columns)), mode="wrap"),
        )

    @cached_property
    def _peak(self) -> tuple[float, float, float]:
        row, column = np.unravel_index(int(np.argmax(self.gain_db)), self.gain_db.shape)
        psi = np.radians(self.around_deg[column])
        x0, y0 = (float(self.angle_deg[row] * part) for part in (np.cos(psi), np.sin(psi)))

        def power(x: Values, y: Values) -> Gradient:
            return self._power(x0 + x, y0 + y)

        value, x, y = find_peak(power, (self.step_deg, self.step_deg), samples=9)
        return value, x0 + x, y0 + y
