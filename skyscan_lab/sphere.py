"""Great-circle geometry of directions on the sky.

A direction is an azimuth (clockwise from north) and an elevation, both in degrees; azimuth
and elevation take the places of longitude and latitude. All functions broadcast their
arguments, return degrees, accept any azimuth (370 is 10), and hold at the zenith and across
north.

References
----------
.. [1] T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid", Survey
   Review 23 (1975), specialised to the sphere: accurate at every separation.
.. [2] M. R. Calabretta and E. W. Greisen, "Representations of celestial coordinates in
   FITS", A&A 395, 1077 (2002): zenithal projections TAN (eq. 54) and ARC (eq. 67).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from skyscan_lab.errors import InvalidInput

Angles = NDArray[np.float64]
Projection = Literal["tan", "arc"]


def wrap_azimuth(azimuth_deg: ArrayLike) -> Angles:
    """Wrap azimuth into [0, 360).

    Parameters
    ----------
    azimuth_deg : array_like
        Azimuth in degrees, any turn.

    Returns
    -------
    ndarray
        The same directions within [0, 360).

    Examples
    --------
    >>> wrap_azimuth([-10.0, 370.0, 360.0])
    array([350.,  10.,   0.])
    """
    wrapped = np.mod(np.asarray(azimuth_deg, dtype=float), 360.0)
    # A tiny negative angle is rounded up to 360 itself, which is 0.
    return np.where(wrapped == 360.0, 0.0, wrapped)


def azimuth_difference(to_deg: ArrayLike, from_deg: ArrayLike) -> Angles:
    """Signed shortest turn in azimuth, without the factor cos(elevation).

    Parameters
    ----------
    to_deg, from_deg : array_like
        Azimuths in degrees.

    Returns
    -------
    ndarray
        ``to − from`` in degrees, within [-180, 180).

    Examples
    --------
    >>> azimuth_difference(10.0, 350.0)
    array(20.)
    """
    turn = np.asarray(to_deg, dtype=float) - np.asarray(from_deg, dtype=float)
    return np.asarray(wrap_azimuth(turn + 180.0) - 180.0)


def unit_vector(azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> NDArray[np.float64]:
    """Unit vectors (north, east, up) of directions.

    Parameters
    ----------
    azimuth_deg, elevation_deg : array_like
        Directions in degrees, broadcast against each other to a shape ``S``.

    Returns
    -------
    ndarray, shape S + (3,)
        Components along north, east and up.

    Examples
    --------
    >>> unit_vector(90.0, 0.0).round(12)
    array([0., 1., 0.])
    """
    azimuth, elevation = np.broadcast_arrays(
        np.radians(np.asarray(azimuth_deg, dtype=float)),
        np.radians(np.asarray(elevation_deg, dtype=float)),
    )
    horizontal = np.cos(elevation)
    return np.stack(
        [horizontal * np.cos(azimuth), horizontal * np.sin(azimuth), np.sin(elevation)], axis=-1
    )


def direction(vector: ArrayLike) -> tuple[Angles, Angles]:
    """Directions of vectors (north, east, up) of any length.

    Parameters
    ----------
    vector : array_like, shape (..., 3)
        Components along north, east and up.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray
        Azimuth within [0, 360); 0 at the zenith, where any would do.

    Examples
    --------
    >>> direction([0.0, -2.0, 0.0])
    (array(270.), array(0.))
    """
    north, east, up = np.moveaxis(np.asarray(vector, dtype=float), -1, 0)
    azimuth = np.degrees(np.arctan2(east, north))
    elevation = np.degrees(np.arctan2(up, np.hypot(north, east)))
    return wrap_azimuth(azimuth), np.asarray(elevation)


def separation(
    azimuth1_deg: ArrayLike,
    elevation1_deg: ArrayLike,
    azimuth2_deg: ArrayLike,
    elevation2_deg: ArrayLike,
) -> Angles:
    """Great-circle distance between directions [1]_.

    Parameters
    ----------
    azimuth1_deg, elevation1_deg, azimuth2_deg, elevation2_deg : array_like
        Directions in degrees.

    Returns
    -------
    ndarray
        Degrees within [0, 180], accurate at every separation.

    Examples
    --------
    >>> separation(0.0, 60.0, 2.0, 60.0).round(4)  # two degrees of azimuth at 60 are one
    np.float64(1.0)
    """
    across, along, dot = _legs(azimuth1_deg, elevation1_deg, azimuth2_deg, elevation2_deg)
    return np.degrees(np.arctan2(np.hypot(across, along), dot))


def position_angle(
    azimuth1_deg: ArrayLike,
    elevation1_deg: ArrayLike,
    azimuth2_deg: ArrayLike,
    elevation2_deg: ArrayLike,
) -> Angles:
    """Direction of the great circle from the first to the second direction.

    Parameters
    ----------
    azimuth1_deg, elevation1_deg, azimuth2_deg, elevation2_deg : array_like
        Directions in degrees.

    Returns
    -------
    ndarray
        Degrees within [0, 360), counted from up (towards the zenith) to increasing azimuth.

    Examples
    --------
    >>> position_angle(0.0, 0.0, [0.0, 10.0], [10.0, 0.0])
    array([ 0., 90.])
    """
    across, along, _ = _legs(azimuth1_deg, elevation1_deg, azimuth2_deg, elevation2_deg)
    return wrap_azimuth(np.degrees(np.arctan2(across, along)))


def offset(
    azimuth_deg: ArrayLike,
    elevation_deg: ArrayLike,
    position_angle_deg: ArrayLike,
    distance_deg: ArrayLike,
) -> tuple[Angles, Angles]:
    """Go a distance along a great circle.

    Parameters
    ----------
    azimuth_deg, elevation_deg : array_like
        Where to start, degrees.
    position_angle_deg : array_like
        Which way, degrees from up to increasing azimuth.
    distance_deg : array_like
        How far, degrees.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray
        Where that ends; azimuth within [0, 360).

    Examples
    --------
    >>> azimuth, elevation = offset(350.0, 0.0, 90.0, 20.0)
    >>> azimuth.round(9), elevation.round(9)
    (np.float64(10.0), np.float64(0.0))
    """
    distance = np.radians(np.asarray(distance_deg, dtype=float))
    angle = np.radians(np.asarray(position_angle_deg, dtype=float))
    return _from_local(
        azimuth_deg,
        elevation_deg,
        np.sin(distance) * np.sin(angle),
        np.sin(distance) * np.cos(angle),
        np.cos(distance),
    )


def to_plane(
    azimuth_deg: ArrayLike,
    elevation_deg: ArrayLike,
    centre_azimuth_deg: ArrayLike,
    centre_elevation_deg: ArrayLike,
    projection: Projection = "tan",
) -> tuple[Angles, Angles]:
    """Project directions onto the plane that touches the sky at a centre [2]_.

    Parameters
    ----------
    azimuth_deg, elevation_deg : array_like
        Directions in degrees.
    centre_azimuth_deg, centre_elevation_deg : array_like
        Where the plane touches, degrees.
    projection : {"tan", "arc"}
        Gnomonic, or equidistant: the distance from the centre is then the separation itself.

    Returns
    -------
    cross_elevation_deg, elevation_offset_deg : ndarray
        Plane coordinates in degrees, towards increasing azimuth and towards the zenith. NaN
        where the gnomonic plane does not reach (90° and more from the centre).

    Examples
    --------
    >>> to_plane(10.0, 0.0, 0.0, 0.0, projection="arc")
    (np.float64(10.0), np.float64(0.0))
    """
    across, along, dot = _legs(centre_azimuth_deg, centre_elevation_deg, azimuth_deg, elevation_deg)
    sine = np.hypot(across, along)
    if projection == "tan":
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(dot > 0.0, np.degrees(1.0) / dot, np.nan)
    elif projection == "arc":
        with np.errstate(divide="ignore", invalid="ignore"):
            radius = np.degrees(np.arctan2(sine, dot))
            scale = np.where(sine > 0.0, radius / sine, np.degrees(1.0))
    else:
        raise InvalidInput("projection", projection, "'tan' or 'arc'")
    return np.asarray(scale * across)[()], np.asarray(scale * along)[()]


def from_plane(
    cross_elevation_deg: ArrayLike,
    elevation_offset_deg: ArrayLike,
    centre_azimuth_deg: ArrayLike,
    centre_elevation_deg: ArrayLike,
    projection: Projection = "tan",
) -> tuple[Angles, Angles]:
    """Invert `to_plane`.

    Parameters
    ----------
    cross_elevation_deg, elevation_offset_deg : array_like
        Plane coordinates in degrees.
    centre_azimuth_deg, centre_elevation_deg : array_like
        Where the plane touches, degrees.
    projection : {"tan", "arc"}
        As for `to_plane`.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray
        Directions in degrees; azimuth within [0, 360).

    Examples
    --------
    >>> azimuth, elevation = from_plane(0.0, 30.0, 120.0, 70.0, projection="arc")
    >>> elevation.round(9)  # over the zenith and down ten degrees on the other side
    np.float64(80.0)
    """
    x = np.radians(np.asarray(cross_elevation_deg, dtype=float))
    y = np.radians(np.asarray(elevation_offset_deg, dtype=float))
    radius = np.hypot(x, y)
    if projection == "tan":
        distance = np.arctan(radius)
    elif projection == "arc":
        distance = radius
    else:
        raise InvalidInput("projection", projection, "'tan' or 'arc'")
    angle = np.arctan2(x, y)
    return _from_local(
        centre_azimuth_deg,
        centre_elevation_deg,
        np.sin(distance) * np.sin(angle),
        np.sin(distance) * np.cos(angle),
        np.cos(distance),
    )


def rotate(
    azimuth_deg: ArrayLike, elevation_deg: ArrayLike, rotation_vector_deg: ArrayLike
) -> tuple[Angles, Angles]:
    """Rotate directions about an axis.

    Parameters
    ----------
    azimuth_deg, elevation_deg : array_like
        Directions in degrees.
    rotation_vector_deg : array_like, shape (3,)
        Rotation vector on the (north, east, up) axes: its direction is the axis, its length
        the angle in degrees, right-handed in the order (north, east, up). About up alone it
        adds its angle to every azimuth.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray
        Rotated directions; azimuth within [0, 360).

    Examples
    --------
    >>> azimuth, _ = rotate(350.0, 30.0, [0.0, 0.0, 20.0])
    >>> azimuth.round(9)
    np.float64(10.0)
    """
    vector = np.asarray(rotation_vector_deg, dtype=float)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InvalidInput(
            "rotation_vector_deg", rotation_vector_deg, "three finite angles: north, east, up"
        )
    matrix = Rotation.from_rotvec(vector, degrees=True).as_matrix()
    return direction(unit_vector(azimuth_deg, elevation_deg) @ matrix.T)


def _legs(
    azimuth1_deg: ArrayLike,
    elevation1_deg: ArrayLike,
    azimuth2_deg: ArrayLike,
    elevation2_deg: ArrayLike,
) -> tuple[Angles, Angles, Angles]:
    """Second direction in the frame of the first: across, along (up), forward."""
    turn = np.radians(azimuth_difference(azimuth2_deg, azimuth1_deg))
    elevation1 = np.radians(np.asarray(elevation1_deg, dtype=float))
    elevation2 = np.radians(np.asarray(elevation2_deg, dtype=float))
    # sin(e2 − e1) plus a haversine term, instead of two products that cancel: close
    # directions keep all their digits.
    haversine = np.sin(turn / 2.0) ** 2
    across = np.cos(elevation2) * np.sin(turn)
    along = np.sin(elevation2 - elevation1) + 2.0 * haversine * np.sin(elevation1) * np.cos(
        elevation2
    )
    forward = np.cos(elevation2 - elevation1) - 2.0 * haversine * np.cos(elevation1) * np.cos(
        elevation2
    )
    return across, along, forward


def _from_local(
    azimuth_deg: ArrayLike,
    elevation_deg: ArrayLike,
    across: Angles,
    along: Angles,
    forward: Angles,
) -> tuple[Angles, Angles]:
    """Direction of a vector given in the frame (across, up, forward) of a direction."""
    azimuth = np.asarray(azimuth_deg, dtype=float)
    elevation = np.radians(np.asarray(elevation_deg, dtype=float))
    up = along * np.cos(elevation) + forward * np.sin(elevation)
    ahead = forward * np.cos(elevation) - along * np.sin(elevation)
    turned = np.degrees(np.arctan2(across, ahead))
    new_elevation = np.degrees(np.arctan2(up, np.hypot(across, ahead)))
    new_azimuth, new_elevation = np.broadcast_arrays(azimuth + turned, new_elevation)
    return wrap_azimuth(new_azimuth)[()], np.asarray(new_elevation)[()]
