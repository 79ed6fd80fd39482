"""Samples around targets, in windows that many targets share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

Indices = NDArray[np.intp]


def windows(
    vectors: NDArray[np.float64], wanted: NDArray[np.float64], size: int
) -> Iterator[tuple[Indices, Indices]]:
    """Neighbours of each sample that is the nearest one to some target.

    Targets with the same nearest sample share a window, so that its equations are solved once.

    Parameters
    ----------
    vectors : ndarray, shape (n, 3)
        Unit vectors of the samples.
    wanted : ndarray, shape (m, 3)
        Unit vectors of the targets.
    size : int
        How many samples a window has; all where there are fewer.

    Yields
    ------
    members : ndarray of int
        Samples, the nearest one first.
    asked : ndarray of int
        Targets.
    """
    tree = KDTree(vectors)
    nearest = tree.query(wanted)[1]
    order = np.argsort(nearest, kind="stable")
    used, begin = np.unique(nearest[order], return_index=True)
    members = tree.query(vectors[used], k=min(size, len(vectors)))[1].reshape(used.size, -1)
    yield from zip(members, np.split(order, begin[1:]), strict=True)
