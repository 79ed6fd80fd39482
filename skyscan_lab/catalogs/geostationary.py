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
from astropy.time import Time
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.catalogs.catalog import Catalog
from skyscan_lab.errors import InvalidInput
from skyscan_lab.geodesy import north_east_up
from skyscan_lab.session import Location, LocationLike, as_location
from skyscan_lab.sphere import Angles, direction

ORBIT_RADIUS_M = 42_164_172.0
"""Distance of a geostationary satellite from the centre of the Earth, metres."""

# The equator sees 81.3° along the arc to either side, a mountain there a little more.
_FARTHEST_DEG = 83.0


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
    longitude = np.radians(np.asarray(longitude_deg, dtype=float))
    satellite = ORBIT_RADIUS_M * np.stack(
        [np.cos(longitude), np.sin(longitude), np.zeros_like(longitude)], axis=-1
    )
    away = north_east_up(satellite, site.latitude_deg, site.longitude_deg, site.height_m)
    azimuth, elevation = direction(away)
    return azimuth, elevation, np.linalg.norm(away, axis=-1)


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


class Geostationary(Catalog):
    """Geostationary satellites by their longitudes.

    Parameters
    ----------
    names : array_like of str, shape (n,)
        One a satellite.
    longitude_deg : array_like, shape (n,)
        Degrees east; negative or above 180 is west.

    Examples
    --------
    >>> slot = Geostationary(["ASTRA 1"], [19.2])
    >>> azimuth, elevation = slot.directions(location=(47.37, 8.54))
    >>> azimuth.round(2), elevation.round(2)
    (array([[165.64]]), array([[34.6]]))
    """

    needs_time = False

    def __init__(self, names: ArrayLike, longitude_deg: ArrayLike) -> None:
        self.names = np.asarray(names, dtype=str).reshape(-1)
        self._longitude = np.asarray(longitude_deg, dtype=float).reshape(-1)
        if len(self._longitude) != len(self.names):
            raise InvalidInput("longitude_deg", len(self._longitude), f"{len(self.names)} of them")

    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:  # noqa: ARG002 (it stands still)
        azimuth, elevation, _ = look_angles(self._longitude, site)
        return azimuth[None, :], elevation[None, :]
