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

from skyscan_lab.errors import InvalidInput

Angles = NDArray[np.float64]
Projection = Literal["tan", "arc"]

# At 90° from the centre the cosine is rounding alone.
_HORIZON_COSINE = 1e-15


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
    return np.asarray(np.where(wrapped == 360.0, 0.0, wrapped))[()]


def azimuth_difference(to_deg: ArrayLike, from_deg: ArrayLike) -> Angles:
    """Signed shortest turn in azimuth, without the factor cos(elevation).

    Parameters
    ----------
    to_deg, from_deg : array_like
        Azimuths in degrees.

    Returns
    -------
    ndarray
        ``to − from`` in degrees, within [-180, 180); small differences keep all their digits.

    Examples
    --------
    >>> azimuth_difference(10.0, 350.0)
    np.float64(20.0)
    """
    turn = np.asarray(to_deg, dtype=float) - np.asarray(from_deg, dtype=float)
    # Whole turns are taken away, never half a turn added and taken away again: that would
    # round a billionth of a degree to its fourth digit.
    turn = turn - 360.0 * np.rint(turn / 360.0)
    turn = np.where(turn >= 180.0, turn - 360.0, turn)
    return np.asarray(np.where(turn < -180.0, turn + 360.0, turn))[()]


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
        np.radians(np.asarray(azimuth_deg, dtype=float)), np.asarray(elevation_deg, dtype=float)
    )
    sine, cosine = _sine_cosine(elevation)
    return np.stack([cosine * np.cos(azimuth), cosine * np.sin(azimuth), sine], axis=-1)


def direction(vector: ArrayLike) -> tuple[Angles, Angles]:
    """Directions of vectors (north, east, up) of any length but 0.

    Parameters
    ----------
    vector : array_like, shape (..., 3)
        Components along north, east and up.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray
        Azimuth within [0, 360); 0 at the zenith, where any would do.

    Raises
    ------
    InvalidInput
        For vectors that do not have three components.

    Examples
    --------
    >>> direction([0.0, -2.0, 0.0])
    (np.float64(270.0), np.float64(0.0))
    """
    vectors = np.asarray(vector, dtype=float)
    if vectors.shape[-1:] != (3,):
        raise InvalidInput("shape of vector", vectors.shape, "(..., 3): north, east, up")
    north, east, up = np.moveaxis(vectors, -1, 0)
    azimuth = np.degrees(np.arctan2(east, north))
    return wrap_azimuth(azimuth), np.degrees(np.arctan2(up, np.hypot(north, east)))


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
        Degrees within [0, 360), counted from up (towards the zenith) to increasing azimuth; 0
        where the directions are the same. At the zenith itself, where every way is down, up
        continues the meridian of the given azimuth.

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

    Raises
    ------
    InvalidInput
        For an unknown projection.

    Examples
    --------
    >>> to_plane(10.0, 0.0, 0.0, 0.0, projection="arc")
    (np.float64(10.0), np.float64(0.0))
    """
    across, along, forward = _legs(
        centre_azimuth_deg, centre_elevation_deg, azimuth_deg, elevation_deg
    )
    sine = np.hypot(across, along)
    if projection == "tan":
        reached = forward > _HORIZON_COSINE
        radius = np.where(reached, sine / np.where(reached, forward, 1.0), np.nan)
    elif projection == "arc":
        radius = np.arctan2(sine, forward)
    else:
        raise InvalidInput("projection", projection, "'tan' or 'arc'")
    # Opposite the centre every way is as good, and up is taken.
    aside = sine > 0.0
    length = np.where(aside, sine, 1.0)
    cross_elevation = np.degrees(radius * across / length)
    elevation_offset = np.degrees(radius * np.where(aside, along / length, 1.0))
    return cross_elevation[()], elevation_offset[()]


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

    Raises
    ------
    InvalidInput
        For an unknown projection.

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

    Raises
    ------
    InvalidInput
        For a rotation vector that is not three finite angles.

    Examples
    --------
    >>> azimuth, _ = rotate(350.0, 30.0, [0.0, 0.0, 20.0])
    >>> azimuth.round(9)
    np.float64(10.0)
    """
    from scipy.spatial.transform import Rotation  # late: all else here does without scipy

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
    sine1, cosine1 = _sine_cosine(elevation1_deg)
    _, cosine2 = _sine_cosine(elevation2_deg)
    # Differences are taken in degrees, where they are exact, and a haversine stands for the
    # two products that would cancel: close directions keep all their digits.
    rise = np.radians(
        np.asarray(elevation2_deg, dtype=float) - np.asarray(elevation1_deg, dtype=float)
    )
    haversine = np.sin(turn / 2.0) ** 2
    across = cosine2 * np.sin(turn)
    along = np.sin(rise) + 2.0 * haversine * sine1 * cosine2
    forward = np.cos(rise) - 2.0 * haversine * cosine1 * cosine2
    return across, along, forward


def _from_local(
    azimuth_deg: ArrayLike,
    elevation_deg: ArrayLike,
    across: Angles,
    along: Angles,
    forward: Angles,
) -> tuple[Angles, Angles]:
    """Direction of a vector given in the frame (across, up, forward) of a direction."""
    sine, cosine = _sine_cosine(elevation_deg)
    up = along * cosine + forward * sine
    ahead = forward * cosine - along * sine
    turned = np.degrees(np.arctan2(across, ahead))
    new_elevation = np.degrees(np.arctan2(up, np.hypot(across, ahead)))
    new_azimuth, new_elevation = np.broadcast_arrays(
        np.asarray(azimuth_deg, dtype=float) + turned, new_elevation
    )
    return wrap_azimuth(new_azimuth), np.array(new_elevation)[()]


def _sine_cosine(elevation_deg: ArrayLike) -> tuple[Angles, Angles]:
    """Sine and cosine of an elevation; the cosine of 90° is 0, as π/2 in binary is not."""
    elevation = np.asarray(elevation_deg, dtype=float)
    return np.sin(np.radians(elevation)), np.sin(np.radians(90.0 - np.abs(elevation)))
