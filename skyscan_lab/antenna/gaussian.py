"""Elliptical Gaussian beam: the main lobe of almost any antenna, and nothing else."""

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

_FOUR_LN2 = 4.0 * float(np.log(2.0))


@dataclass(frozen=True)
class GaussianPattern:
    """``2^(−4 (a²/A² + b²/B²))`` in the offsets a, b along axes of half-power widths A, B.

    Parameters
    ----------
    hpbw_deg : float or (float, float)
        Full width at half power in degrees, or one for each axis of the beam.
    position_angle_deg : float
        Where the second axis points: degrees from up to increasing azimuth.

    Raises
    ------
    InvalidInput
        For widths that are not within (0, 90] degrees.

    Examples
    --------
    >>> beam = GaussianPattern(hpbw_deg=(4.0, 2.0))
    >>> beam.gain([0.0, 2.0, 0.0], [0.0, 0.0, 1.0])  # half power at half of each width
    array([1. , 0.5, 0.5])
    """

    hpbw_deg: tuple[float, float]
    position_angle_deg: float = 0.0

    def __init__(self, hpbw_deg: float | tuple[float, float], position_angle_deg: float = 0.0):
        object.__setattr__(self, "hpbw_deg", check_hpbw(hpbw_deg))
        object.__setattr__(self, "position_angle_deg", float(position_angle_deg))

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        first, second = along_beam_axes(
            cross_elevation_deg, elevation_offset_deg, self.position_angle_deg
        )
        return self._gain_along_axes(first, second)

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        first, second = along_beam_axes(
            cross_elevation_deg, elevation_offset_deg, self.position_angle_deg
        )
        gain = self._gain_along_axes(first, second)
        rates = -2.0 * _FOUR_LN2 / np.square(self.hpbw_deg)
        return gain, *off_beam_axes(
            gain * first * rates[0], gain * second * rates[1], self.position_angle_deg
        )

    def _gain_along_axes(self, first: Values, second: Values) -> Values:
        widths = self.hpbw_deg
        return np.asarray(
            np.exp(-_FOUR_LN2 * ((first / widths[0]) ** 2 + (second / widths[1]) ** 2))
        )
