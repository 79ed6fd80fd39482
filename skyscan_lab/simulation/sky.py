"""The diffuse sky: what an antenna sees where there is no source.

References
----------
.. [1] D. J. Fixsen, "The temperature of the cosmic microwave background", ApJ 707, 916 (2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.airmass import airmass
from skyscan_lab.errors import InvalidInput
from skyscan_lab.sphere import wrap_azimuth

CMB_K = 2.725


@dataclass(frozen=True)
class DiffuseSky:
    """Sky and ground without sources.

    Parameters
    ----------
    background_k : float
        Brightness temperature behind the atmosphere, the same in every direction: the cosmic
        background [1]_, and the Galaxy where that matters.
    zenith_opacity : float
        Opacity of the atmosphere at the zenith, neper.
    atmosphere_k, ground_k : float
        Physical temperatures, kelvin.
    horizon : tuple of (azimuth, elevation)
        Skyline in degrees, straight from point to point all round; level at 0° by default.
    softness_deg : float
        Trees, not a wall: width over which the skyline goes from ground to sky, degrees.

    Raises
    ------
    InvalidInput
        For temperatures or opacity below zero.

    Examples
    --------
    >>> sky = DiffuseSky(zenith_opacity=0.02)
    >>> sky.brightness_k(0.0, [90.0, 20.0, -1.0]).round(1)  # up, low, and the ground
    array([  8. ,  17.8, 290. ])
    """

    background_k: float = CMB_K
    zenith_opacity: float = 0.015
    atmosphere_k: float = 270.0
    ground_k: float = 290.0
    horizon: tuple[tuple[float, float], ...] = ()
    softness_deg: float = 1.0

    def __post_init__(self) -> None:
        for field in ("background_k", "zenith_opacity", "atmosphere_k", "ground_k"):
            if not 0.0 <= getattr(self, field) < np.inf:
                raise InvalidInput(field, getattr(self, field), "finite and at least 0")
        if not 0.0 < self.softness_deg < 90.0:
            raise InvalidInput("softness_deg", self.softness_deg, "within (0°, 90°)")

    def skyline_deg(self, azimuth_deg: ArrayLike) -> NDArray[np.float64]:
        """Elevation of the horizon at azimuths, degrees."""
        azimuth = wrap_azimuth(azimuth_deg)
        if not self.horizon:
            return np.zeros(np.shape(azimuth))
        corners, heights = zip(*self.horizon, strict=True)
        return np.asarray(np.interp(azimuth, corners, heights, period=360.0))

    def transmission(self, elevation_deg: ArrayLike) -> NDArray[np.float64]:
        """Share of radiation from space that comes through the atmosphere."""
        return np.asarray(np.exp(-self.zenith_opacity * airmass(elevation_deg)))

    def open_share(self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> NDArray[np.float64]:
        """Share of directions that the skyline leaves open: 0 below it, 1 above, half on it."""
        above = np.asarray(elevation_deg) - self.skyline_deg(azimuth_deg)
        return np.asarray(np.clip(0.5 + above / self.softness_deg, 0.0, 1.0))

    def brightness_k(self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> NDArray[np.float64]:
        """Brightness temperature of true directions, kelvin."""
        through = self.transmission(elevation_deg)
        sky = self.background_k * through + self.atmosphere_k * (1.0 - through)
        seen = self.open_share(azimuth_deg, elevation_deg)
        return np.asarray(seen * sky + (1.0 - seen) * self.ground_k)
