"""The simulated antenna: a beam, and what leaks in from everywhere else.

A feed does not only see the reflector: a share s of its power passes the rim. That spillover
is spread over the sphere as ``1 − cos θ``, θ from the axis of the beam: nothing ahead, most
behind. With the beam's solid angle Ω its level is ``s/(1 − s) · Ω/4π`` of the peak, and for an
axis at elevation e above level ground the share ``½ + sin(e)/4`` of it falls on the ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.antenna import AiryPattern, AntennaPattern, solid_angle_sr
from skyscan_lab.errors import InvalidInput
from skyscan_lab.simulation.sky import DiffuseSky
from skyscan_lab.sphere import from_plane

# The beam is followed out to this many half-power widths, its first null and some more, on
# rings and spokes; the sky is smooth on the scale of their distance.
_REACH_HPBW = 1.25
_RINGS = 5
_SPOKES = 12
# Brightness of the whole sky as spillover sees it: that at an airmass of about two.
_MEAN_SKY_ELEVATION_DEG = 30.0


@dataclass(frozen=True)
class Dish:
    """A beam with spillover.

    Parameters
    ----------
    pattern : AntennaPattern
        The beam.
    spillover : float
        Share of the power that comes from past the rim, within [0, 0.5].

    Raises
    ------
    InvalidInput
        For a share out of range.

    Examples
    --------
    >>> dish = Dish(AiryPattern(5.0), spillover=0.05)
    >>> (10 * np.log10(dish.gain(0.0, [0.0, 2.5, 180.0]))).round(1)
    array([  0. ,  -3. , -38.9])
    """

    pattern: AntennaPattern = AiryPattern(5.0)
    spillover: float = 0.05

    def __post_init__(self) -> None:
        if not 0.0 <= self.spillover <= 0.5:
            raise InvalidInput("spillover", self.spillover, "a share within [0, 0.5]")

    @cached_property
    def leak(self) -> float:
        """Level of the spillover at right angles to the beam, relative to its peak."""
        share = self.spillover / (1.0 - self.spillover)
        return share * solid_angle_sr(self.pattern) / (4.0 * float(np.pi))

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain towards a source relative to the peak, at offsets in degrees."""
        cross = np.asarray(cross_elevation_deg, dtype=float)
        up = np.asarray(elevation_offset_deg, dtype=float)
        angle = np.radians(np.hypot(cross, up))
        behind = 2.0 * np.sin(angle / 2.0) ** 2
        return np.asarray(self.pattern.gain(cross, up) + self.leak * behind)

    def diffuse_k(
        self, sky: DiffuseSky, azimuth_deg: ArrayLike, elevation_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Antenna temperature of sky and ground, with the beam on true directions.

        Parameters
        ----------
        sky : DiffuseSky
            Their brightness.
        azimuth_deg, elevation_deg : array_like
            Directions of the beam, degrees.

        Returns
        -------
        ndarray
            Kelvin.
        """
        azimuth = np.asarray(azimuth_deg, dtype=float)
        elevation = np.asarray(elevation_deg, dtype=float)
        cross, up, weight = self._nodes
        around = from_plane(
            cross, up, azimuth[..., np.newaxis], elevation[..., np.newaxis], projection="arc"
        )
        beam = sky.brightness_k(*around) @ weight
        on_ground = 0.5 + np.sin(np.radians(elevation)) / 4.0
        mean_sky = sky.brightness_k(azimuth, _MEAN_SKY_ELEVATION_DEG)
        leaked = on_ground * sky.ground_k + (1.0 - on_ground) * mean_sky
        return np.asarray((1.0 - self.spillover) * beam + self.spillover * leaked)

    @cached_property
    def _nodes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Offsets over the beam, degrees, and their shares of its power."""
        roots, weights = np.polynomial.legendre.leggauss(_RINGS)
        reach = _REACH_HPBW * max(self.pattern.hpbw_deg)
        radius = reach * (1.0 + roots) / 2.0
        # Half a spoke off the axes: no node lies exactly on a level horizon.
        angle = (np.arange(_SPOKES) + 0.5) * (2.0 * np.pi / _SPOKES)
        cross = np.outer(radius, np.sin(angle)).ravel()
        up = np.outer(radius, np.cos(angle)).ravel()
        share = np.repeat(weights * np.sin(np.radians(radius)), _SPOKES)
        power = share * self.pattern.gain(cross, up)
        return cross, up, power / power.sum()
