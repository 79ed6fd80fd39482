"""Triangles between readings: what was looked at, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import ConvexHull, QhullError

from skyscan_lab.sphere import unit_vector

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# A triangle with an edge much longer than usual spans the outside of the map, or a hole in it.
_LONGEST_EDGE = 2.6


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangulation of some directions.

    Attributes
    ----------
    triangles : ndarray of int, shape (t, 3)
        Their corners.
    rim : ndarray of int, shape (e, 2)
        Edges that belong to one triangle alone.
    euler : int
        Corners less edges plus triangles: 1 for a patch, less by 1 with every hole.
    """

    triangles: Indices
    rim: Indices
    euler: int

    def graph(self, size: int) -> csr_array:
        """Which of so many directions are joined by an edge, shape (size, size)."""
        a, b, c = self.triangles.T
        start, end = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
        joined = csr_array((np.ones(start.size, np.int32), (start, end)), shape=(size, size))
        joined.sum_duplicates()
        joined.data[:] = 1
        return joined


def mesh_of(azimuth_deg: Floats, elevation_deg: Floats) -> Mesh:
    """Triangulate directions on the sphere.

    Parameters
    ----------
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Directions, degrees.

    Returns
    -------
    Mesh
        Without triangles where there are fewer than three directions, or all are in a line.

    Examples
    --------
    >>> az, el = (axis.ravel() for axis in np.meshgrid(np.arange(4.0), np.arange(3.0)))
    >>> mesh = mesh_of(az, el)
    >>> mesh.rim.shape[0], mesh.euler
    (8, 1)
    """
    vectors = unit_vector(azimuth_deg, elevation_deg)
    places = np.unique(vectors.round(9), axis=0, return_index=True)[1]
    nothing = Mesh(np.zeros((0, 3), np.intp), np.zeros((0, 2), np.intp), min(places.size, 1))
    if places.size < 3:
        return nothing
    # The convex hull of points on a sphere is their Delaunay triangulation on it; its centre as
    # one more corner keeps a small patch from being flat.
    try:
        hull = ConvexHull(np.vstack([vectors[places], np.zeros(3)]))
    except QhullError:
        return nothing
    faces = hull.simplices[(hull.simplices < places.size).all(axis=1)]
    if not faces.size:
        return nothing
    faces = places[faces]
    corners = vectors[faces]
    length = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    faces = faces[length.max(axis=1) <= _LONGEST_EDGE * np.median(length)]
    edges = np.sort(np.concatenate([faces[:, :2], faces[:, 1:], faces[:, ::2]]), axis=1)
    distinct, count = np.unique(edges, axis=0, return_counts=True)
    euler = np.unique(faces).size - len(distinct) + len(faces)
    return Mesh(faces, distinct[count == 1], int(euler))
