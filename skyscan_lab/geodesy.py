"""Places on the Earth, on the WGS-84 ellipsoid.

Earth-centred positions are (x, y, z) in metres: x towards latitude 0, longitude 0, z towards
the north pole. All functions broadcast their arguments.

References
----------
.. [1] NGA.STND.0036, "Department of Defense World Geodetic System 1984", version 1.0.0
   (2014): the ellipsoid (table 3.1), and its transformation (eq. 4-14).
.. [2] J. P. Snyder, "Map Projections: A Working
   Manual", USGS Professional Paper 1395 (1987), eqs. 4-18 and 4-20: radii of curvature.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEMI_MAJOR_M = 6_378_137.0
"""Equatorial radius, metres."""
FLATTENING = 1.0 / 298.257223563
"""Difference of the radii over the equatorial one."""

_ECCENTRICITY2 = FLATTENING * (2.0 - FLATTENING)


def earth_centred(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_m: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Earth-centred position of a place [1]_.

    Parameters
    ----------
    latitude_deg, longitude_deg : array_like
        Geodetic, degrees; longitude east of Greenwich.
    height_m : array_like
        Above the ellipsoid, metres.

    Returns
    -------
    ndarray, shape (..., 3)
        Metres.

    Examples
    --------
    >>> earth_centred(0.0, 90.0, 100.0).round(3)
    array([      0., 6378237.,       0.])
    """
    latitude, longitude, height = np.broadcast_arrays(
        np.radians(np.asarray(latitude_deg, dtype=float)),
        np.radians(np.asarray(longitude_deg, dtype=float)),
        np.asarray(height_m, dtype=float),
    )
    normal = _normal_radius(latitude)
    across = (normal + height) * np.cos(latitude)
    return np.stack(
        [
            across * np.cos(longitude),
            across * np.sin(longitude),
            (normal * (1.0 - _ECCENTRICITY2) + height) * np.sin(latitude),
        ],
        axis=-1,
    )


def north_east_up(
    position_m: ArrayLike,
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    height_m: ArrayLike = 0.0,
) -> NDArray[np.float64]:
    """Vector from a place to a position, along north, east and up of the place.

    Parameters
    ----------
    position_m : array_like, shape (..., 3)
        Earth-centred, metres.
    latitude_deg, longitude_deg, height_m : array_like
        The place, as for `earth_centred`; broadcast against the leading axes.

    Returns
    -------
    ndarray, shape (..., 3)
        Metres; `skyscan_lab.sphere.direction` makes azimuth and elevation of it.

    Examples
    --------
    >>> above = earth_centred(47.0, 8.0, 1000.0)
    >>> north_east_up(above, 47.0, 8.0, 400.0).round(6) + 0.0
    array([  0.,   0., 600.])
    """
    away = np.asarray(position_m, dtype=float) - earth_centred(
        latitude_deg, longitude_deg, height_m
    )
    return np.asarray((axes(latitude_deg, longitude_deg) @ away[..., None])[..., 0])


def axes(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> NDArray[np.float64]:
    """North, east and up of a place, as earth-centred unit vectors.

    Parameters
    ----------
    latitude_deg, longitude_deg : array_like
        The place.

    Returns
    -------
    ndarray, shape (..., 3, 3)
        One a row: a matrix that turns earth-centred vectors into the place's own.

    Examples
    --------
    >>> axes(0.0, 0.0) + 0.0
    array([[0., 0., 1.],
           [0., 1., 0.],
           [1., 0., 0.]])
    """
    latitude, longitude = np.broadcast_arrays(np.radians(latitude_deg), np.radians(longitude_deg))
    sine, cosine = np.sin(latitude), np.cos(latitude)
    across, ahead = np.sin(longitude), np.cos(longitude)
    flat = np.zeros_like(sine)
    rows = [-sine * ahead, -sine * across, cosine, -across, ahead, flat]
    rows += [cosine * ahead, cosine * across, sine]
    return np.stack(rows, axis=-1).reshape(*sine.shape, 3, 3)


def metres_per_degree(
    latitude_deg: ArrayLike, height_m: ArrayLike = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length of a degree of latitude and of one of longitude at a place [2]_.

    Parameters
    ----------
    latitude_deg, height_m : array_like
        The place.

    Returns
    -------
    north_m, east_m : ndarray
        Metres a degree.

    Examples
    --------
    >>> north, east = metres_per_degree(0.0)
    >>> round(float(north)), round(float(east))
    (110574, 111319)
    """
    latitude = np.radians(np.asarray(latitude_deg, dtype=float))
    height = np.asarray(height_m, dtype=float)
    normal = _normal_radius(latitude)
    meridian = normal**3 * (1.0 - _ECCENTRICITY2) / SEMI_MAJOR_M**2
    return np.radians(meridian + height), np.radians((normal + height) * np.cos(latitude))


def _normal_radius(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the surface along the vertical to the Earth's axis, metres; latitude in radians."""
    return SEMI_MAJOR_M / np.sqrt(1.0 - _ECCENTRICITY2 * np.sin(latitude) ** 2)
