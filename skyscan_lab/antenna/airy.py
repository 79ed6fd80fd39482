"""Airy pattern: a uniformly lit elliptical aperture with a central blockage.

References
----------
.. [1] M. Born and E. Wolf, *Principles of Optics* (7th ed.), 8.5.2 and 8.6.2: circular and
   annular apertures. First null at 1.22 λ/D, first sidelobe −17.6 dB, both for no blockage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import j0, j1

from skyscan_lab.antenna.base import (
    Gradient,
    Values,
    along_beam_axes,
    check_hpbw,
    off_beam_axes,
)
from skyscan_lab.antenna.cosines import DirectionCosines
from skyscan_lab.errors import InvalidInput


@dataclass(frozen=True)
class AiryPattern:
    """``[(J(u) − β² J(βu)) / (1 − β²)]²`` with ``J(u) = 2 J₁(u)/u``, ``u = (πD/λ) sin θ`` [1]_.

    It is described by its measured width rather than by its aperture, so that a beam can be
    compared with others of the same width. Beyond 90° from the axis, where the aperture is
    seen from behind, u keeps the value it has at 90°.

    Parameters
    ----------
    hpbw_deg : float or (float, float)
        Full width at half power in degrees, or one for each axis of the beam.
    blockage : float
        Diameter of the blocked centre over that of the aperture, β, within [0, 1).
    position_angle_deg : float
        Where the second axis points: degrees from up to increasing azimuth.

    Raises
    ------
    InvalidInput
        For widths or blockage out of range.

    Examples
    --------
    >>> beam = AiryPattern(hpbw_deg=5.0)
    >>> beam.gain(0.0, [0.0, 2.5]).round(12)
    array([1. , 0.5])
    >>> sidelobes = 10 * np.log10(beam.gain(np.linspace(6, 10, 4001), 0.0).max())
    >>> round(float(sidelobes), 2)
    -17.57
    """

    hpbw_deg: tuple[float, float]
    blockage: float = 0.0
    position_angle_deg: float = 0.0

    def __init__(
        self,
        hpbw_deg: float | tuple[float, float],
        blockage: float = 0.0,
        position_angle_deg: float = 0.0,
    ):
        if not 0.0 <= blockage < 1.0:
            raise InvalidInput("blockage", blockage, "a ratio of diameters within [0, 1)")
        object.__setattr__(self, "hpbw_deg", check_hpbw(hpbw_deg))
        object.__setattr__(self, "blockage", float(blockage))
        object.__setattr__(self, "position_angle_deg", float(position_angle_deg))

    @classmethod
    def of_aperture(
        cls, diameter_m: float, wavelength_m: float, blockage: float = 0.0
    ) -> AiryPattern:
        """Pattern of a round aperture.

        Parameters
        ----------
        diameter_m, wavelength_m : float
            In metres; the aperture at least one wavelength wide.
        blockage : float
            As for the class.

        Examples
        --------
        >>> dish = AiryPattern.of_aperture(diameter_m=0.5, wavelength_m=0.025)
        >>> round(dish.hpbw_deg[0], 2)
        2.95
        """
        if not 0.0 < wavelength_m <= diameter_m:
            raise InvalidInput(
                "diameter_m", diameter_m, f"at least a wavelength ({wavelength_m} m)"
            )
        sine = half_power_argument(blockage) * wavelength_m / (np.pi * diameter_m)
        return cls(2.0 * float(np.degrees(np.arcsin(sine))), blockage)

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        u, _, _ = self._argument(cross_elevation_deg, elevation_offset_deg)
        return np.asarray(_amplitude(u, self.blockage) ** 2)

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        u, cosines, scales = self._argument(cross_elevation_deg, elevation_offset_deg)
        amplitude = _amplitude(u, self.blockage)
        # d(A²) = 2A (A′/u) d(u²)/2, and u² = (s₁ l)² + (s₂ m)².
        slope = 2.0 * amplitude * _amplitude_slope(u, self.blockage)
        along = cosines.to_offsets(
            slope * scales[0] ** 2 * cosines.first, slope * scales[1] ** 2 * cosines.second
        )
        return np.asarray(amplitude**2), *off_beam_axes(*along, self.position_angle_deg)

    def _argument(
        self, x_deg: ArrayLike, y_deg: ArrayLike
    ) -> tuple[Values, DirectionCosines, Values]:
        cosines = DirectionCosines.of(*along_beam_axes(x_deg, y_deg, self.position_angle_deg))
        scales = half_power_argument(self.blockage) / np.sin(np.radians(self.hpbw_deg) / 2.0)
        u = np.hypot(cosines.first * scales[0], cosines.second * scales[1])
        return np.asarray(u), cosines, np.asarray(scales)


@lru_cache(maxsize=256)
def half_power_argument(blockage: float) -> float:
    """Argument u at which the pattern of an aperture has fallen to half.

    Parameters
    ----------
    blockage : float
        Ratio of diameters within [0, 1).

    Examples
    --------
    >>> round(half_power_argument(0.0), 6)  # HPBW = 2 asin(1.616340 λ/(πD)) ≈ 1.029 λ/D
    1.61634
    """
    return float(brentq(lambda u: _amplitude(u, blockage) ** 2 - 0.5, 0.5, 2.0, xtol=1e-14))


def _amplitude(u: ArrayLike, blockage: float) -> NDArray[np.float64]:
    argument = np.asarray(u, dtype=float)
    whole, hole = _jinc(argument), blockage**2 * _jinc(blockage * argument)
    return np.asarray((whole - hole) / (1.0 - blockage**2))


def _jinc(u: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.where(np.abs(u) < 1e-8, 1.0, u)
    return np.where(np.abs(u) < 1e-8, 1.0, 2.0 * j1(safe) / safe)


def _amplitude_slope(u: Values, blockage: float) -> Values:
    """A′(u)/u, finite on the axis, from (2J₁(u)/u)′ = −2J₂(u)/u."""
    whole, hole = _j2_over_square(u), blockage**4 * _j2_over_square(blockage * u)
    return np.asarray(-2.0 * (whole - hole) / (1.0 - blockage**2))


def _j2_over_square(u: Values) -> Values:
    """J₂(u)/u²: by its series where J₂ = 2J₁/u − J₀ would lose digits."""
    small = np.abs(u) < 0.5
    safe = np.where(small, 1.0, u)
    quarter = (u / 2.0) ** 2
    terms = np.ones_like(u)
    for k in range(5, 0, -1):
        terms = 1.0 - terms * quarter / (k * (k + 2))
    direct = (2.0 * j1(safe) / safe - j0(safe)) / safe**2
    return np.asarray(np.where(small, terms / 8.0, direct))
