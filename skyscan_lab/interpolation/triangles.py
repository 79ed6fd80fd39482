"""Delaunay triangles of directions.

A stereographic projection takes circles to circles [1]_, so the Delaunay triangles of the plane
are those of the sphere. It keeps angles too: a triangle high in the sky is the triangle that
it is, and not one stretched in azimuth.

References
----------
.. [1] K. Q. Brown, "Geometric transforms for fast geometric algorithms", thesis, Carnegie
   Mellon (1979).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError

from skyscan_lab.sphere import direction, to_plane, unit_vector

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

_EDGE_OF_ONE_DEG = 1.0
_TOUCHING = 1e-9


class SkyTriangles:
    """Triangles between directions, on the plane in which they are sought.

    Parameters
    ----------
    azimuth, elevation : ndarray, shape (n,)
        Degrees; each direction once.
    """

    def __init__(self, azimuth: Values, elevation: Values) -> None:
        self._azimuth, self._elevation = azimuth, elevation
        middle = unit_vector(azimuth, elevation).sum(axis=0)
        # Directions all round have no middle of their own; up is as good as any.
        self._centre = direction(middle if np.hypot(*middle[:2]) > _TOUCHING else [0.0, 0.0, 1.0])
        try:
            self._delaunay = Delaunay(self._plane(azimuth, elevation))
        except (QhullError, ValueError):  # fewer than three, or all of them on one line
            self._delaunay = None

    def _plane(self, azimuth: Values, elevation: Values) -> Values:
        x, y = to_plane(azimuth, elevation, *self._centre, "arc")
        distance = np.radians(np.hypot(x, y))
        # arc to stereographic: 2 tan(θ/2) for θ. The point opposite the centre is far away.
        scale = np.where(distance > 0.0, np.tan(np.minimum(distance, 3.14) / 2.0), 0.5)
        scale = np.where(distance > 0.0, 2.0 * scale / np.where(distance > 0.0, distance, 1.0), 1.0)
        return np.stack([x * scale, y * scale], axis=-1)

    @cached_property
    def edges_deg(self) -> Values:
        """Lengths of the sides of each triangle, degrees, shape (triangles, 3), increasing."""
        if self._delaunay is None:
            return np.zeros((0, 3))
        corners = unit_vector(self._azimuth, self._elevation)[self._delaunay.simplices]
        chord = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
        return np.sort(np.degrees(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0))), axis=1)

    @cached_property
    def typical_edge_deg(self) -> float:
        """How far it is from one line of samples to the next, degrees: a triangle's middle side."""
        if len(self.edges_deg):
            # By area: a scan on the fly has slivers along its lines, which cover next to nothing.
            sides = self.edges_deg
            half = sides.sum(axis=1) / 2.0
            squared = half * np.prod(half[:, None] - sides, axis=1)  # Heron
            area = np.sqrt(np.maximum(squared, 0.0))
            order = np.argsort(sides[:, 1])
            share = np.cumsum(area[order])
            middle = order[np.searchsorted(share, share[-1] / 2.0)]
            return float(sides[middle, 1])
        vectors = unit_vector(self._azimuth, self._elevation)
        chord = np.linalg.norm(np.diff(vectors, axis=0), axis=-1)
        return float(np.degrees(np.median(chord))) if chord.size else _EDGE_OF_ONE_DEG

    def find(self, azimuth: Values, elevation: Values) -> tuple[Indices, Indices, Values]:
        """Triangle, corners and weights of the corners at directions.

        Returns
        -------
        triangle : ndarray of int, shape (m,)
            -1 outside of all.
        corners : ndarray of int, shape (m, 3)
            Samples at its corners.
        weights : ndarray, shape (m, 3)
            What a plane through the corners takes of each; they sum to 1.
        """
        count = azimuth.size
        if self._delaunay is None:
            empty = np.zeros((count, 3))
            return np.full(count, -1, dtype=np.intp), empty.astype(np.intp), empty
        wanted = self._plane(azimuth, elevation)
        triangle = self._delaunay.find_simplex(wanted, tol=_TOUCHING)
        within = np.maximum(triangle, 0)
        affine = self._delaunay.transform[within]
        first = np.einsum("mij,mj->mi", affine[:, :2], wanted - affine[:, 2])
        weights = np.column_stack([first, 1.0 - first.sum(axis=1)])
        return triangle.astype(np.intp), self._delaunay.simplices[within].astype(np.intp), weights
