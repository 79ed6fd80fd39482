"""Directions as unit vectors, with their derivatives: what the kernels compute with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.forward.tiles import Tiles


@dataclass(frozen=True, eq=False)
class Frames:
    """Boresights of some samples: three unit vectors each, in (north, east, up) of the mount.

    Attributes
    ----------
    across, along, ahead : ndarray, shape (n, 3)
        Towards increasing azimuth, towards the zenith, and along the boresight.
    """

    across: NDArray[np.float64]
    along: NDArray[np.float64]
    ahead: NDArray[np.float64]

    @classmethod
    def of(cls, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> Frames:
        """Frames of boresights given in degrees, each of shape (n,).

        Examples
        --------
        >>> frames = Frames.of([90.0], [0.0])
        >>> frames.along.round(12) + 0.0
        array([[0., 0., 1.]])
        """
        azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
        sine, cosine = np.sin(azimuth), np.cos(azimuth)
        zero = np.zeros_like(sine)
        up, flat = np.sin(elevation), np.cos(elevation)
        return cls(
            np.ascontiguousarray(np.stack([-sine, cosine, zero], axis=-1)),
            np.ascontiguousarray(np.stack([-up * cosine, -up * sine, flat], axis=-1)),
            np.ascontiguousarray(np.stack([flat * cosine, flat * sine, up], axis=-1)),
        )

    @cached_property
    def tiles(self) -> Tiles:
        """The same in blocks, near ones together; of boresights only."""
        return Tiles.near_together(self.across, self.along, self.ahead)

    @cached_property
    def columns(self) -> NDArray[np.float64]:
        """Columns of the same in the order in which they come."""
        return Tiles.as_they_are(self.across, self.along, self.ahead).columns

    @classmethod
    def around_source(cls, across_deg: ArrayLike, along_deg: ArrayLike) -> Frames:
        """Frames that see the source at azimuth 0, elevation 0 at given offsets from their axis.

        Parameters
        ----------
        across_deg, along_deg : array_like, shape (n,)
            Offsets of the source, degrees (arc projection).
        """
        x, y = np.broadcast_arrays(
            np.radians(np.asarray(across_deg, dtype=float)), np.radians(np.asarray(along_deg))
        )
        angle = np.hypot(x, y)
        shrink = np.sinc(angle / np.pi)
        # The kernels take nothing from a frame but its products with the vector of the source and
        # the derivatives of that: here those are (1, 0, 0), (0, 1, 0) and (0, 0, 1), so that the
        # derivatives by azimuth and elevation are those by the two direction cosines.
        frames = np.zeros((3, angle.size, 3))
        frames[:, :, 0] = np.reshape((shrink * x, shrink * y, np.cos(angle)), (3, -1))
        frames[0, :, 1] = frames[1, :, 2] = 1.0
        return cls(frames[0], frames[1], frames[2])


def source_vectors(
    azimuth_rad: NDArray[np.float64], elevation_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unit vectors of sources and their derivatives by azimuth and elevation.

    Returns
    -------
    ndarray, shape (s, 3, 3)
        Vector, derivative by azimuth, derivative by elevation (per radian) of each source.

    Examples
    --------
    >>> source_vectors(np.array([0.0]), np.array([0.0]))[0]
    array([[ 1.,  0.,  0.],
           [-0.,  1.,  0.],
           [-0., -0.,  1.]])
    """
    sine, cosine = np.sin(azimuth_rad), np.cos(azimuth_rad)
    up, flat = np.sin(elevation_rad), np.cos(elevation_rad)
    zero = np.zeros_like(sine)
    rows = [
        np.stack([flat * cosine, flat * sine, up], axis=-1),
        np.stack([-flat * sine, flat * cosine, zero], axis=-1),
        np.stack([-up * cosine, -up * sine, flat], axis=-1),
    ]
    return np.ascontiguousarray(np.stack(rows, axis=1))
