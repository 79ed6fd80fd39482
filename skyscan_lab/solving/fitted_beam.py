"""A fitted beam, as an antenna pattern like any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.forward import Beam
from skyscan_lab.solving.widths import half_power_widths

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FittedBeam:
    """Beam of a fit: an `AntennaPattern`.

    Attributes
    ----------
    family : Beam
        Its family.
    parameters : ndarray
        Its numbers, named by ``family.names``.
    hpbw_deg : (float, float)
        Full widths at half power along its two axes.
    position_angle_deg : float
        Where the second axis points: degrees from up to increasing azimuth.

    Examples
    --------
    >>> from skyscan_lab.antenna import beam_figures
    >>> from skyscan_lab.forward import ApertureBeam
    >>> family = ApertureBeam()
    >>> beam = FittedBeam.of(family, family.start(5.0))
    >>> round(beam_figures(beam).first.sidelobe_db[1], 2)
    -17.57
    """

    family: Beam
    parameters: Floats
    hpbw_deg: tuple[float, float]
    position_angle_deg: float

    @classmethod
    def of(cls, family: Beam, parameters: Floats) -> FittedBeam:
        """Beam of a family with some parameters."""
        first, second, angle = half_power_widths(family, parameters)
        return cls(family, parameters.copy(), (first, second), angle)

    def gain(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Floats:
        """Gain relative to the axis at offsets from it, degrees."""
        return self.family.gain(cross_elevation_deg, elevation_offset_deg, self.parameters)

    def gradient(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> tuple[Floats, Floats, Floats]:
        """Gain and its derivatives by both offsets, per degree."""
        return self.family.gradient(cross_elevation_deg, elevation_offset_deg, self.parameters)
