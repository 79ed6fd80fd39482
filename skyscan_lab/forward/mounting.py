"""What the dials show for a true direction, with derivatives by every term of the mount.

The same mount as `skyscan_lab.mount.Mount`, in radians, differentiated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.mount import Mount

Floats = NDArray[np.float64]

MOUNT_NAMES = (
    "tilt_north",
    "tilt_east",
    "azimuth_zero",
    "elevation_offset",
    "collimation",
)
"""Terms of a mount, radians here, in the order of `Mount`."""

_TINY = 1e-9


def as_mount(terms: Floats) -> Mount:
    """The mount that has these terms.

    Examples
    --------
    >>> as_mount(np.radians([1.0, 0.0, -2.0, 0.0, 0.0])).azimuth_zero_deg.round(9)
    np.float64(-2.0)
    """
    degrees = dict(zip(MOUNT_NAMES, np.degrees(terms), strict=True))
    return Mount(**{f"{name}_deg": value for name, value in degrees.items()})


def terms_of(mount: Mount) -> Floats:
    """Terms of a mount, radians."""
    return np.radians([getattr(mount, f"{name}_deg") for name in MOUNT_NAMES])


def rotation_of(terms: Floats) -> Floats:
    """Rotation from the sky to the frame of the mount, shape (3, 3), on (north, east, up)."""
    return np.asarray(_turn(terms[2]) @ _rotation(np.array([terms[0], terms[1], 0.0])))


def terms_of_rotation(rotation: Floats) -> Floats:
    """Tilt about north and east, and azimuth zero, of a rotation: the inverse of `rotation_of`.

    Parameters
    ----------
    rotation : ndarray, shape (3, 3)
        From the sky to the frame of the mount.

    Examples
    --------
    >>> terms = np.radians([2.0, -1.0, 170.0])
    >>> np.degrees(terms_of_rotation(rotation_of(terms))).round(9)
    array([  2.,  -1., 170.])
    """
    # The last row is what the tilt makes of up, whatever turn follows.
    axis = np.array([rotation[2, 1], -rotation[2, 0]])
    sine = float(np.linalg.norm(axis))
    tilt = axis * (np.arctan2(sine, rotation[2, 2]) / sine if sine > _TINY else 1.0)
    turn = rotation @ _rotation(np.array([*tilt, 0.0])).T
    return np.array([*tilt, np.arctan2(turn[1, 0], turn[0, 0])])


def angle_between(one: Floats, other: Floats) -> float:
    """Angle of the rotation between two mounts, radians."""
    between = rotation_of(one) @ rotation_of(other).T
    sine = 0.5 * np.linalg.norm(
        [
            between[2, 1] - between[1, 2],
            between[0, 2] - between[2, 0],
            between[1, 0] - between[0, 1],
        ]
    )
    return float(np.arctan2(sine, (np.trace(between) - 1.0) / 2.0))


def dial_directions(vectors: Floats, terms: Floats) -> tuple[Floats, Floats, Floats]:
    """Where the dials stand when the beam is on true directions.

    Parameters
    ----------
    vectors : ndarray, shape (s, 3)
        True directions (north, east, up).
    terms : ndarray, shape (5,)
        `MOUNT_NAMES`, radians.

    Returns
    -------
    azimuth, elevation : ndarray, shape (s,)
        Radians; azimuth within [0, 2π).
    derivatives : ndarray, shape (s, 2, 5)
        Of azimuth and elevation by each term.
    """
    tilt = np.array([terms[0], terms[1], 0.0])
    tilted = vectors @ _rotation(tilt).T
    north, east, up = tilted.T
    flat = np.hypot(north, east)
    azimuth, height = np.arctan2(east, north) + terms[2], np.arctan2(up, flat)
    collimation = terms[4]
    sideways = np.arcsin(np.clip(np.sin(collimation) / np.cos(height), -1.0, 1.0))
    axis = np.arcsin(np.clip(np.sin(height) / np.cos(collimation), -1.0, 1.0))

    # A small turn δ about the axes moves a vector by δ × v; J is the left Jacobian of SO(3).
    moved = np.stack([np.cross(column, tilted) for column in _left_jacobian(tilt).T[:2]], axis=-1)
    by_azimuth = (north[:, None] * moved[:, 1] - east[:, None] * moved[:, 0]) / flat[:, None] ** 2
    by_height = moved[:, 2] / flat[:, None]

    derivatives = np.zeros((len(vectors), 2, len(MOUNT_NAMES)))
    cosine = np.cos(sideways)
    sideways_by_height = np.tan(sideways) * np.tan(height)
    derivatives[:, 0, :2] = by_azimuth - sideways_by_height[:, None] * by_height
    derivatives[:, 0, 2] = 1.0
    derivatives[:, 0, 4] = -np.cos(collimation) / (np.cos(height) * cosine)
    axis_by_height = np.cos(height) / (np.cos(collimation) * np.cos(axis))
    derivatives[:, 1, :2] = axis_by_height[:, None] * by_height
    derivatives[:, 1, 3] = 1.0
    derivatives[:, 1, 4] = np.tan(axis) * np.tan(collimation)
    return np.mod(azimuth - sideways, 2.0 * np.pi), axis + terms[3], derivatives


def _cross_matrix(vector: Floats) -> Floats:
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def _turn(angle: float) -> Floats:
    return _rotation(np.array([0.0, 0.0, angle]))


def _rotation(vector: Floats) -> Floats:
    """Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    cross = _cross_matrix(vector)
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    return np.asarray(np.eye(3) + first * cross + second * cross @ cross)


def _left_jacobian(vector: Floats) -> Floats:
    angle = float(np.linalg.norm(vector))
    cross = _cross_matrix(vector)
    first = 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    second = (1.0 - np.sinc(angle / np.pi)) / angle**2 if angle > _TINY**0.5 else 1.0 / 6.0
    return np.asarray(np.eye(3) + first * cross + second * cross @ cross)
