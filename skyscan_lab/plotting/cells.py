"""Edges of the cells of a grid, and the missing ones among them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

Values = NDArray[np.float64]

_MISSING = {"facecolor": "0.92", "edgecolor": "0.65", "linewidth": 0.0, "hatch": "////"}


def cell_edges(centres: Values, width_of_one: float = 1.0) -> Values:
    """Edges halfway between centres; the outer cells are as wide as their neighbours.

    Parameters
    ----------
    centres : ndarray, shape (n,)
        Increasing.
    width_of_one : float
        Width of a single cell, which has no neighbour.

    Returns
    -------
    ndarray, shape (n + 1,)

    Examples
    --------
    >>> cell_edges(np.array([0.0, 2.0, 6.0]))
    array([-1.,  1.,  4.,  8.])
    """
    if centres.size == 1:
        return np.array([centres[0] - width_of_one / 2.0, centres[0] + width_of_one / 2.0])
    middles = (centres[1:] + centres[:-1]) / 2.0
    first, last = 2.0 * centres[0] - middles[0], 2.0 * centres[-1] - middles[-1]
    return np.concatenate([[first], middles, [last]])


def hatch_missing(
    ax: Axes, x_edges: Values, y_edges: Values, missing: NDArray[np.bool_]
) -> Patch | None:
    """Hatch the missing cells: no colour of the scale can be taken for them.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x_edges, y_edges : ndarray, shapes (n + 1,) and (m + 1,)
        Edges of the cells in the units of the axes.
    missing : ndarray of bool, shape (m, n)
        Which cells.

    Returns
    -------
    Patch or None
        For a legend; None when no cell is missing.
    """
    boxes = [
        _band(x_edges[first : last + 1], bottom, top)
        for row, (bottom, top) in enumerate(pairwise(y_edges))
        for first, last in _runs(missing[row])
    ]
    if not boxes:
        return None
    patch = PathPatch(Path.make_compound_path(*boxes), label="not measured", zorder=0.5, **_MISSING)
    ax.add_patch(patch)
    return patch


def _band(x: Values, bottom: float, top: float) -> Path:
    # A vertex at every edge of a cell, so that the band bends with a polar grid.
    there = np.column_stack([x, np.full(x.size, bottom)])
    back = np.column_stack([x[::-1], np.full(x.size, top)])
    return Path(np.concatenate([there, back, there[:1]]), closed=True)


def _runs(row: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last of each run: one box each, not one a cell."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(int)))
    return [(int(first), int(last)) for first, last in steps.reshape(-1, 2)]
