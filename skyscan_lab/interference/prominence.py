"""How far each peak of a landscape rises above the saddle to a higher one.

The landscape is flooded from the top [1]_: cells are taken from the highest down, a cell
without a taken neighbour is a new peak, and where two peaks meet the lower one ends, its
prominence being its height above that meeting point. A plateau meets itself at its own height,
so equal values, the rule for a receiver that counts in integers, make one peak and not many.

References
----------
.. [1] H. Edelsbrunner, D. Letscher and A. Zomorodian, "Topological persistence and
   simplification", Discrete Comput. Geom. 28, 511 (2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def peak_prominences(
    heights: NDArray[np.float64], graph: csr_array
) -> list[tuple[list[int], float]]:
    """Peaks of a landscape, highest first.

    Parameters
    ----------
    heights : ndarray, shape (n,)
        Height of each cell; NaN cells are holes.
    graph : csr_array, shape (n, n)
        Which cells are neighbours.

    Returns
    -------
    list of (cells, prominence)
        The cells of the peak, more than one on a plateau, and its prominence in the units of
        the heights. The highest peak of each connected part rises above its lowest cell.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> chain = csr_array(diags_array([1.0, 1.0], offsets=[-1, 1], shape=(6, 6)))
    >>> peak_prominences(np.array([0.0, 5.0, 5.0, 1.0, 3.0, 2.0]), chain)
    [([1, 2], 5.0), ([4], 2.0)]
    """
    start, neighbour = graph.indptr.tolist(), graph.indices.tolist()
    height = heights.tolist()
    order = np.argsort(-heights, kind="stable")
    order = order[np.isfinite(heights[order])].tolist()
    parent = [-1] * len(height)
    summit: dict[int, int] = {}  # root of each part → its highest cell
    lowest: dict[int, float] = {}  # highest cell of each part → lowest height taken so far
    prominence: dict[int, float] = {}

    def root_of(cell: int) -> int:
        while parent[cell] != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for cell in order:
        parent[cell] = cell
        summit[cell] = cell
        for other in neighbour[start[cell] : start[cell + 1]]:
            if parent[other] < 0:
                continue
            one, two = root_of(cell), root_of(other)
            if one == two:
                continue
            higher, lower = (one, two) if height[summit[one]] > height[summit[two]] else (two, one)
            prominence[summit[lower]] = height[summit[lower]] - height[cell]
            parent[lower] = higher
        lowest[summit[root_of(cell)]] = height[cell]
    for cell in order:
        if parent[cell] == cell:
            prominence[summit[cell]] = height[summit[cell]] - lowest[summit[cell]]

    peaks = [(cell, rise) for cell, rise in prominence.items() if rise > 0.0]
    peaks.sort(key=lambda peak: (-height[peak[0]], peak[0]))
    return [(_plateau(cell, height, start, neighbour), rise) for cell, rise in peaks]


def _plateau(cell: int, height: list[float], start: list[int], neighbour: list[int]) -> list[int]:
    found, edge = {cell}, [cell]
    while edge:
        here = edge.pop()
        for other in neighbour[start[here] : start[here + 1]]:
            if height[other] == height[cell] and other not in found:
                found.add(other)
                edge.append(other)
    return sorted(found)
