"""Where the geostationary arc stands above a site.

Directions are geometric: refraction, 0.1° at an elevation of 5° and 0.5° at the horizon, is
not in them.

References
----------
.. [1] T. Soler and D. W. Eisemann, "Determination of look angles to geostationary
   communication satellites", Journal of Surveying Engineering 120, 115 (1994).
"""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.table import QTable
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.session import Location, LocationLike, as_location
from skyscan_lab.sphere import Angles, direction

ORBIT_RADIUS_M = 42_164_172.0
"""Distance of a geostationary satellite from the centre of the Earth, metres."""

# The equator sees 81.3° along the arc to either side, a mountain there a little more.
_FARTHEST_DEG = 83.0
_SEMI_MAJOR_M = 6_378_137.0
_FLATTENING = 1.0 / 298.257223563


def look_angles(
    longitude_deg: ArrayLike, location: LocationLike
) -> tuple[Angles, Angles, NDArray[np.float64]]:
    """Direction and distance of geostationary satellites from a site on WGS-84 [1]_.

    Parameters
    ----------
    longitude_deg : array_like
        Longitudes of the satellites, degrees east; negative or above 180 is west.
    location : Location, EarthLocation or (latitude, longitude[, height])
        The site, degrees and metres.

    Returns
    -------
    azimuth_deg, elevation_deg, distance_m : ndarray
        Elevation is negative for satellites below the horizon.

    Examples
    --------
    >>> azimuth, elevation, _ = look_angles(19.2, (47.37, 8.54))
    >>> round(float(azimuth), 2), round(float(elevation), 2)
    (165.64, 34.6)
    """
    site = as_location(location)
    longitude = np.radians(np.asarray(longitude_deg, dtype=float) - site.longitude_deg)
    latitude = np.radians(site.latitude_deg)
    # Earth-centred, with the x axis on the site's meridian.
    radial, polar = _meridian_position(site)
    x = ORBIT_RADIUS_M * np.cos(longitude) - radial
    y = ORBIT_RADIUS_M * np.sin(longitude)
    z = -polar
    north = -np.sin(latitude) * x + np.cos(latitude) * z
    up = np.cos(latitude) * x + np.sin(latitude) * z
    azimuth, elevation = direction(np.stack([north, y, up], axis=-1))
    return azimuth, elevation, np.asarray(np.sqrt(x**2 + y**2 + z**2))


def arc(location: LocationLike, step_deg: float = 1.0) -> QTable:
    """Draw the visible part of the geostationary arc.

    Parameters
    ----------
    location : Location, EarthLocation or (latitude, longitude[, height])
        The site.
    step_deg : float
        Step in longitude, degrees.

    Returns
    -------
    QTable
        Columns ``longitude``, ``azimuth``, ``elevation``, ``distance``; from east to west,
        above the horizon only: without a row from where none is visible.

    Examples
    --------
    >>> visible = arc((47.37, 8.54), step_deg=10)
    >>> len(visible), bool((visible["elevation"].value > 0).all())
    (15, True)
    """
    site = as_location(location)
    reach = np.arange(0.0, _FARTHEST_DEG, step_deg)
    longitude = site.longitude_deg + np.concatenate([reach[:0:-1], -reach])
    azimuth, elevation, distance = look_angles(longitude, site)
    visible = elevation > 0.0
    return QTable(
        {
            "longitude": (np.mod(longitude + 180.0, 360.0) - 180.0)[visible] * u.deg,
            "azimuth": azimuth[visible] * u.deg,
            "elevation": elevation[visible] * u.deg,
            "distance": distance[visible] * u.m,
        }
    )


def _meridian_position(site: Location) -> tuple[float, float]:
    """Distance of a site from the Earth's axis and above its equator, metres, on WGS-84."""
    latitude = np.radians(site.latitude_deg)
    eccentricity2 = _FLATTENING * (2.0 - _FLATTENING)
    normal = _SEMI_MAJOR_M / np.sqrt(1.0 - eccentricity2 * np.sin(latitude) ** 2)
    return (
        float((normal + site.height_m) * np.cos(latitude)),
        float((normal * (1.0 - eccentricity2) + site.height_m) * np.sin(latitude)),
    )
