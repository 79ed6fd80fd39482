"""A measured pattern that is known on two cuts only, horizontal and vertical.

References
----------
.. [1] 3GPP TR 36.942 and TR 38.901, table 7.3-1: horizontal and vertical attenuations added.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from skyscan_lab.antenna.base import Gradient, Values
from skyscan_lab.antenna.peak import half_power_widths
from skyscan_lab.errors import InvalidInput

Combination = Literal["weighted", "sum"]

_LN10_TENTH = float(np.log(10.0)) / 10.0
_DEGREE = float(np.radians(1.0))
_TINY_DEG = 1e-9
_FLOOR = 1e-10


@dataclass(frozen=True, eq=False)
class CutsPattern:
    """Gain in dB on a horizontal and a vertical cut, and a stated guess between them.

    Each cut is a periodic cubic spline of power through its values (`TablePattern` says why),
    not below −100 dB, turned so that its peak stands at 0:
    the axis of the pattern is the peak of both, and a downtilt is in `vertical_peak_deg` rather
    than in the pattern. Between the cuts, at an offset of angle θ and direction ψ (0 along
    cross-elevation), the gain in dB is

    - ``"weighted"``: ``H(±θ) cos² ψ + V(±θ) sin² ψ``, each cut on the side of the offset. It is
      right on both cuts all round, and everywhere for what is round: for dishes and horns.
    - ``"sum"``: ``H(azimuth) + V(elevation)`` [1]_, in the angles of an antenna that looks at the
      horizon. It is right where the pattern is a product: for panels and sectors.

    Parameters
    ----------
    angle_deg : array_like, shape (n,)
        Angles of both cuts, increasing, over less than a whole turn, four or more, degrees. On
        the horizontal cut they run to increasing azimuth, on the vertical cut upwards.
    horizontal_db, vertical_db : array_like, shape (n,)
        Gain on the cuts in dB, relative to anything.
    combination : {"weighted", "sum"}
        What stands between the cuts.
    peak_dbi : float, optional
        Gain on the axis over isotropic, where it is known; it changes nothing else.

    Raises
    ------
    InvalidInput
        For cuts that are none, or do not fall to half power.

    Examples
    --------
    >>> angle = np.arange(360.0)
    >>> dish = -12.0 * np.minimum(np.abs((angle + 180.0) % 360.0 - 180.0) / 20.0, 1.5) ** 2
    >>> beam = CutsPattern(angle, dish, dish)
    >>> 10 * np.log10(beam.gain([10.0, 6.0, 100.0], [0.0, 8.0, 0.0])).round(3)
    array([ -3.,  -3., -27.])
    """

    angle_deg: Values
    horizontal_db: Values
    vertical_db: Values
    combination: Combination
    peak_dbi: float | None

    def __init__(
        self,
        angle_deg: ArrayLike,
        horizontal_db: ArrayLike,
        vertical_db: ArrayLike,
        combination: Combination = "weighted",
        peak_dbi: float | None = None,
    ):
        if combination not in ("weighted", "sum"):
            raise InvalidInput("combination", combination, '"weighted" or "sum"')
        angle = np.array(angle_deg, dtype=float)
        steps = np.diff(angle)
        if angle.ndim != 1 or angle.size < 4 or not np.all(steps > 0.0) or np.ptp(angle) >= 360.0:
            raise InvalidInput(
                "angle_deg", f"{angle.size} values", "four or more, increasing, within one turn"
            )
        if 360.0 - np.ptp(angle) > 4.0 * steps.max():
            raise InvalidInput("angle_deg", f"{np.ptp(angle):g}° of a turn", "a whole turn")
        cuts = {"horizontal_db": horizontal_db, "vertical_db": vertical_db}
        for name, given in {"angle_deg": angle, **cuts}.items():
            values = np.array(given, dtype=float)
            if values.shape != angle.shape or not np.all(np.isfinite(values)):
                raise InvalidInput(name, f"shape {values.shape}", f"{angle.shape}, all finite")
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "combination", combination)
        object.__setattr__(self, "peak_dbi", None if peak_dbi is None else float(peak_dbi))
        if not np.all(np.isfinite(self.hpbw_deg)):
            raise InvalidInput("horizontal_db, vertical_db", "cuts", "such that both reach −3 dB")

    def __eq__(self, other: object) -> bool:
        """Two are the same when all their values are."""
        return type(other) is type(self) and other._identity == self._identity

    def __hash__(self) -> int:
        """From all the values."""
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[bytes, str, float | None]:
        values = np.stack([self.angle_deg, self.horizontal_db, self.vertical_db])
        digest = hashlib.sha256(values.tobytes()).digest()
        return digest, self.combination, self.peak_dbi

    @property
    def horizontal_peak_deg(self) -> float:
        """Where the horizontal cut peaks in its own angles, degrees."""
        return self._horizontal.peak_deg

    @property
    def vertical_peak_deg(self) -> float:
        """Where the vertical cut peaks in its own angles, degrees."""
        return self._vertical.peak_deg

    @cached_property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power on both cuts, degrees."""
        step = float(np.diff(self.angle_deg).min()) / 4.0
        return half_power_widths(self.gain, (0.0, 0.0), (step, step))

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        return self.gradient(cross_elevation_deg, elevation_offset_deg)[0]

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        x, y = np.broadcast_arrays(
            np.asarray(cross_elevation_deg, dtype=float),
            np.asarray(elevation_offset_deg, dtype=float),
        )
        combine = self._weighted if self.combination == "weighted" else self._sum
        level, per_x, per_y = combine(x, y)
        gain = np.asarray(10.0 ** (level / 10.0))
        slope = gain * _LN10_TENTH
        return gain, np.asarray(slope * per_x), np.asarray(slope * per_y)

    def _weighted(self, x: Values, y: Values) -> Gradient:
        angle = np.maximum(np.hypot(x, y), _TINY_DEG)
        cosine, sine = x / angle, y / angle
        on_right, above = np.where(x < 0.0, -1.0, 1.0), np.where(y < 0.0, -1.0, 1.0)
        h, h_slope = self._horizontal(on_right * angle)
        v, v_slope = self._vertical(above * angle)
        level = h * cosine**2 + v * sine**2
        outward = on_right * h_slope * cosine**2 + above * v_slope * sine**2
        around = 2.0 * sine * cosine * (v - h) / angle
        return level, outward * cosine - around * sine, outward * sine + around * cosine

    def _sum(self, x: Values, y: Values) -> Gradient:
        # The antenna looks at the horizon, and right, up, ahead is the direction.
        angle = np.hypot(x, y)
        theta = angle * _DEGREE
        scale = np.sinc(theta / np.pi) * _DEGREE
        right, up, ahead = x * scale, y * scale, np.cos(theta)
        level_part = np.hypot(right, ahead)
        h, h_slope = self._horizontal(np.degrees(np.arctan2(right, ahead)))
        v, v_slope = self._vertical(np.degrees(np.arctan2(up, level_part)))
        # How azimuth and elevation change outwards and across the offset, per degree.
        safe = np.maximum(angle, _TINY_DEG)
        cosine, sine = np.where(angle > 0.0, x / safe, 1.0), y / safe
        over = np.maximum(level_part, 1e-12)
        shrink = scale / _DEGREE
        az_out = (ahead**2 + np.sin(theta) ** 2) * cosine / over**2
        az_across = -ahead * shrink * sine / over**2
        el_out = ahead * sine / over
        el_across = shrink * cosine / over
        outward = h_slope * az_out + v_slope * el_out
        around = h_slope * az_across + v_slope * el_across
        return h + v, outward * cosine - around * sine, outward * sine + around * cosine

    @cached_property
    def _horizontal(self) -> _Cut:
        return _Cut.through(self.angle_deg, self.horizontal_db)

    @cached_property
    def _vertical(self) -> _Cut:
        return _Cut.through(self.angle_deg, self.vertical_db)


@dataclass(frozen=True)
class _Cut:
    """A periodic spline of power over degrees, turned and scaled so that its peak is 1 at 0."""

    spline: CubicSpline
    peak_deg: float
    peak: float

    @classmethod
    def through(cls, angle_deg: Values, level_db: Values) -> _Cut:
        power = 10.0 ** ((level_db - level_db.max()) / 10.0)
        spline = CubicSpline(
            np.append(angle_deg, angle_deg[0] + 360.0),
            np.append(power, power[0]),
            bc_type="periodic",
        )
        best = float(angle_deg[int(np.argmax(level_db))])
        step = float(np.diff(angle_deg).max())
        found = minimize_scalar(
            lambda angle: -float(spline(angle)),
            bounds=(best - step, best + step),
            method="bounded",
            options={"xatol": 1e-9},
        )
        # On a flat top, or a symmetric one, the value itself is as high.
        at = best if -found.fun <= 1.0 + 1e-12 else float(found.x)
        return cls(spline, (at + 180.0) % 360.0 - 180.0, float(spline(at)))

    def __call__(self, angle_deg: Values) -> tuple[Values, Values]:
        """Level in dB, and its slope per degree."""
        turned = np.asarray(angle_deg) + self.peak_deg
        power = self.spline(turned) / self.peak
        known = power > _FLOOR
        power = np.maximum(power, _FLOOR)
        slope = np.where(known, self.spline(turned, 1) / self.peak / power / _LN10_TENTH, 0.0)
        return 10.0 * np.log10(power), slope
