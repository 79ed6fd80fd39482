"""Sinc² beam: a uniformly lit rectangular aperture.

References
----------
.. [1] C. A. Balanis, *Antenna Theory* (4th ed.), 12.5.1: rectangular aperture of uniform
   illumination. First null at λ/L, first sidelobe −13.26 dB, HPBW 0.886 λ/L.
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
from skyscan_lab.antenna.cosines import DirectionCosines, sine_deficit
from skyscan_lab.errors import InvalidInput

# (sin x / x)² = ½
_HALF_POWER_ARGUMENT = 1.391557378251510


@dataclass(frozen=True)
class SincPattern:
    """``(sin U / U)² (sin V / V)²`` with ``U = (πL/λ) l``, ``V = (πH/λ) m`` [1]_.

    l and m are the direction cosines along the two sides of the aperture, L and H their lengths.
    Beyond 90° from the axis they keep the length that they have at 90°.

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
    >>> beam = SincPattern(hpbw_deg=(4.0, 2.0))
    >>> beam.gain([0.0, 2.0, 0.0], [0.0, 0.0, 1.0]).round(12)
    array([1. , 0.5, 0.5])
    """

    hpbw_deg: tuple[float, float]
    position_angle_deg: float = 0.0

    def __init__(self, hpbw_deg: float | tuple[float, float], position_angle_deg: float = 0.0):
        object.__setattr__(self, "hpbw_deg", check_hpbw(hpbw_deg))
        object.__setattr__(self, "position_angle_deg", float(position_angle_deg))

    @classmethod
    def of_aperture(cls, width_m: float, height_m: float, wavelength_m: float) -> SincPattern:
        """Pattern of a rectangular aperture.

        Parameters
        ----------
        width_m, height_m, wavelength_m : float
            In metres; both sides at least one wavelength.

        Examples
        --------
        >>> panel = SincPattern.of_aperture(width_m=1.0, height_m=0.5, wavelength_m=0.01)
        >>> [round(width, 4) for width in panel.hpbw_deg]
        [0.5076, 1.0152]
        """
        for field, side in (("width_m", width_m), ("height_m", height_m)):
            if not 0.0 < wavelength_m <= side:
                raise InvalidInput(field, side, f"at least a wavelength ({wavelength_m} m)")
        sine = _HALF_POWER_ARGUMENT * wavelength_m / (np.pi * np.array([width_m, height_m]))
        first, second = 2.0 * np.degrees(np.arcsin(sine))
        return cls((float(first), float(second)))

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        u, v, _, _ = self._arguments(cross_elevation_deg, elevation_offset_deg)
        return np.asarray((np.sinc(u / np.pi) * np.sinc(v / np.pi)) ** 2)

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        u, v, cosines, scales = self._arguments(cross_elevation_deg, elevation_offset_deg)
        along_u, along_v = np.sinc(u / np.pi), np.sinc(v / np.pi)
        # (sin u / u)′ = −u (sin u − u cos u)/u³
        per_first = -2.0 * scales[0] * u * sine_deficit(u) * along_u * along_v**2
        per_second = -2.0 * scales[1] * v * sine_deficit(v) * along_v * along_u**2
        along = cosines.to_offsets(per_first, per_second)
        gain = np.asarray((along_u * along_v) ** 2)
        return gain, *off_beam_axes(*along, self.position_angle_deg)

    def _arguments(
        self, x_deg: ArrayLike, y_deg: ArrayLike
    ) -> tuple[Values, Values, DirectionCosines, Values]:
        cosines = DirectionCosines.of(*along_beam_axes(x_deg, y_deg, self.position_angle_deg))
        scales = np.asarray(_HALF_POWER_ARGUMENT / np.sin(np.radians(self.hpbw_deg) / 2.0))
        return cosines.first * scales[0], cosines.second * scales[1], cosines, scales
