"""Cosine-power beam: feeds, horns and patches, which have one wide lobe and no aperture rings.

References
----------
.. [1] C. A. Balanis, *Antenna Theory* (4th ed.), 2.6 and 15.4: ``cosᵠ θ`` in front of the
   antenna and nothing behind, with ``D = 2 (q + 1)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.antenna.base import (
    Gradient,
    Values,
    along_beam_axes,
    check_hpbw,
    off_beam_axes,
)
from skyscan_lab.errors import InvalidInput

_DEGREE = float(np.radians(1.0))
_LN_HALF = float(np.log(0.5))
# Below this, the logarithm of a cosine has lost the digits that its series still has.
_SMALL = 0.1


@dataclass(frozen=True)
class CosinePattern:
    """``cosᵠ θ`` within 90° of the axis, 0 behind [1]_; q = q₁ cos² ψ + q₂ sin² ψ.

    ψ is the direction of the offset from the first axis of the beam, so that each of the two
    principal cuts is a power of a cosine and the cuts between them pass from one to the other.

    Parameters
    ----------
    hpbw_deg : float or (float, float)
        Full width at half power in degrees, or one for each axis of the beam; at most 170°.
    position_angle_deg : float
        Where the second axis points: degrees from up to increasing azimuth.

    Raises
    ------
    InvalidInput
        For widths that are not within (0, 170] degrees.

    Examples
    --------
    >>> beam = CosinePattern(hpbw_deg=(60.0, 90.0))
    >>> beam.gain([0.0, 30.0, 0.0, 120.0], [0.0, 0.0, 45.0, 0.0]).round(12)
    array([1. , 0.5, 0.5, 0. ])
    >>> CosinePattern.of_exponent(2.0).hpbw_deg[0]  # cos 45° = √½
    90.0
    """

    hpbw_deg: tuple[float, float]
    position_angle_deg: float = 0.0

    def __init__(self, hpbw_deg: float | tuple[float, float], position_angle_deg: float = 0.0):
        object.__setattr__(self, "hpbw_deg", check_hpbw(hpbw_deg, widest_deg=170.0))
        object.__setattr__(self, "position_angle_deg", float(position_angle_deg))

    @classmethod
    def of_exponent(cls, exponent: float) -> CosinePattern:
        """Round beam whose power falls as this power of the cosine.

        Parameters
        ----------
        exponent : float
            q of the power (that of the field is half of it), 0.3 or more.
        """
        if not exponent >= 0.3:
            raise InvalidInput("exponent", exponent, "0.3 or more")
        return cls(round(2.0 * float(np.degrees(np.arccos(0.5 ** (1.0 / exponent)))), 13))

    @property
    def exponents(self) -> tuple[float, float]:
        """The powers q₁ and q₂ on the two axes."""
        first, second = _LN_HALF / np.log(np.cos(np.radians(self.hpbw_deg) / 2.0))
        return float(first), float(second)

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        return self.gradient(cross_elevation_deg, elevation_offset_deg)[0]

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        a, b = along_beam_axes(cross_elevation_deg, elevation_offset_deg, self.position_angle_deg)
        angle = np.hypot(a, b) * _DEGREE
        front = angle < np.pi / 2.0
        q1, q2 = self.exponents
        # ln gain = (q₁ a² + q₂ b²) h(θ) with h = ln cos θ / θ²: smooth on the axis.
        h, h_slope = _log_cosine(np.where(front, angle, 0.0))
        weight = (q1 * a * a + q2 * b * b) * _DEGREE**2
        gain = np.where(front, np.exp(weight * h), 0.0)
        per_first = gain * a * _DEGREE**2 * (2.0 * q1 * h + weight * h_slope)
        per_second = gain * b * _DEGREE**2 * (2.0 * q2 * h + weight * h_slope)
        return np.asarray(gain), *off_beam_axes(
            np.asarray(per_first), np.asarray(per_second), self.position_angle_deg
        )


def _log_cosine(x: Values) -> tuple[Values, Values]:
    """Return h = ln cos x / x², and h′/x."""
    small = np.abs(x) < _SMALL
    safe = np.where(small, 1.0, x)
    square = x * x
    log = np.log(np.cos(safe))
    value = -1.0 / 2.0 - square * (
        1.0 / 12.0 + square * (1.0 / 45.0 + square * (17.0 / 2520.0 + square * 31.0 / 14_175.0))
    )
    slope = -1.0 / 6.0 - square * (
        4.0 / 45.0
        + square * (17.0 / 420.0 + square * (248.0 / 14_175.0 + square * 691.0 / 93_555.0))
    )
    return (
        np.asarray(np.where(small, value, log / safe**2)),
        np.asarray(np.where(small, slope, (-np.tan(safe) * safe - 2.0 * log) / safe**4)),
    )
