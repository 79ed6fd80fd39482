"""Which readings of a session lie next to each other on the sky.

The answer is a graph, so that what is built on it holds alike for a grid, a full circle that
closes on itself, a map with holes and a free-form session.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import ConvexHull

from skyscan_lab.session import is_gridded
from skyscan_lab.sphere import separation, unit_vector

# An edge much longer than usual spans the outside of the scanned area, or a hole in it.
_LONGEST_EDGE = 3.0
# A circle is closed when the gap at its ends is the step, up to the rounding of the axis.
_CLOSING_STEPS = 1.01


def neighbour_graph(
    ds: xr.Dataset, azimuth: NDArray[np.float64], elevation: NDArray[np.float64]
) -> csr_array:
    """Graph of neighbouring readings.

    Parameters
    ----------
    ds : Dataset
        A session.
    azimuth, elevation : ndarray, shape (n,)
        Directions of its n cells or samples, degrees, elevation-major for a grid.

    Returns
    -------
    csr_array, shape (n, n)
        Symmetric, without a diagonal. On a grid each cell has up to eight neighbours, across
        north on a full circle; samples are joined by the edges of their Delaunay
        triangulation on the sphere, the overlong ones left out.
    """
    edges = _grid_edges(ds) if is_gridded(ds) else _sample_edges(azimuth, elevation)
    both = np.concatenate([edges, edges[:, ::-1]])
    graph = csr_array(
        (np.ones(len(both), dtype=np.int8), (both[:, 0], both[:, 1])),
        shape=(azimuth.size, azimuth.size),
    )
    graph.sum_duplicates()
    return graph


def _grid_edges(ds: xr.Dataset) -> NDArray[np.intp]:
    azimuths = ds["azimuth"].values
    rows, columns = ds.sizes["elevation"], ds.sizes["azimuth"]
    cell = np.arange(rows * columns).reshape(rows, columns)
    edges = [
        _pairs(cell[:, :-1], cell[:, 1:]),
        _pairs(cell[:-1], cell[1:]),
        _pairs(cell[:-1, :-1], cell[1:, 1:]),
        _pairs(cell[:-1, 1:], cell[1:, :-1]),
    ]
    if columns > 2:
        gap = 360.0 - (azimuths[-1] - azimuths[0])
        if gap <= _CLOSING_STEPS * np.diff(azimuths).max():
            edges += [
                _pairs(cell[:, -1], cell[:, 0]),
                _pairs(cell[:-1, -1], cell[1:, 0]),
                _pairs(cell[1:, -1], cell[:-1, 0]),
            ]
    return np.concatenate(edges)


def _sample_edges(azimuth: NDArray[np.float64], elevation: NDArray[np.float64]) -> NDArray[np.intp]:
    # The convex hull of points on a sphere is their Delaunay triangulation on it. Samples
    # that repeat a direction are joined to the one that stands for it.
    vectors, first, inverse = np.unique(
        unit_vector(azimuth, elevation).round(9), axis=0, return_index=True, return_inverse=True
    )
    inverse = inverse.reshape(-1)
    repeats = np.flatnonzero(first[inverse] != np.arange(azimuth.size))
    repeated = _pairs(first[inverse[repeats]], repeats)
    if len(vectors) < 4:
        return np.concatenate([repeated, _pairs(first[:-1], first[1:])])
    # The centre of the sphere as one more vertex keeps a small patch from being flat.
    hull = ConvexHull(np.vstack([vectors, np.zeros(3)]))
    faces = hull.simplices[(hull.simplices < len(vectors)).all(axis=1)]
    edges = np.unique(np.sort(np.concatenate([faces[:, :2], faces[:, 1:], faces[:, ::2]])), axis=0)
    ends = first[edges]
    length = separation(
        azimuth[ends[:, 0]], elevation[ends[:, 0]], azimuth[ends[:, 1]], elevation[ends[:, 1]]
    )
    return np.concatenate([repeated, ends[length <= _LONGEST_EDGE * np.median(length)]])


def _pairs(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.column_stack([a.ravel(), b.ravel()])
