"""Truth: prominence found by labelling the map above every level, as its definition says."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import csr_array

from skyscan_lab.interference.prominence import peak_prominences

EIGHT = np.ones((3, 3))


def grid_graph(rows: int, columns: int) -> csr_array:
    row, column = np.divmod(np.arange(rows * columns), columns)
    near = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column)) == 1
    return csr_array(near.astype(np.int8))


def prominences_by_levels(heights: np.ndarray) -> dict[frozenset[int], float]:
    """The part above a level that holds a peak, and nothing higher, is lowered until it does."""
    found = {}
    finite = np.isfinite(heights)
    for level in np.unique(heights[finite])[::-1]:
        above, count = ndimage.label(finite & (heights >= level), EIGHT)
        for part in range(1, count + 1):
            cells = np.flatnonzero(above.ravel() == part)
            top = cells[heights.ravel()[cells] == heights.ravel()[cells].max()]
            if heights.ravel()[top[0]] == level:
                found[frozenset(top.tolist())] = np.nan  # a plateau of its own: a peak
    for peak in found:
        height = heights.ravel()[min(peak)]
        for level in np.unique(heights[finite])[::-1]:
            if level > height:
                continue
            above, _ = ndimage.label(finite & (heights >= level), EIGHT)
            part = above.ravel() == above.ravel()[min(peak)]
            found[peak] = height - level
            if heights.ravel()[part].max() > height:
                break
    return found


@pytest.mark.parametrize("seed", range(8))
def test_prominence_is_the_height_above_the_saddle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    heights = rng.permutation(63).astype(float).reshape(7, 9)  # no ties: the definition is unique
    heights[rng.random(heights.shape) < 0.1] = np.nan
    graph = grid_graph(*heights.shape)
    found = {frozenset(cells): rise for cells, rise in peak_prominences(heights.ravel(), graph)}
    expected = {peak: rise for peak, rise in prominences_by_levels(heights).items() if rise > 0}
    assert found == expected


@pytest.mark.parametrize("seed", range(8))
def test_plateaus_of_integers_are_one_peak_each(seed: int) -> None:
    heights = np.random.default_rng(seed).integers(0, 4, (8, 8)).astype(float)
    peaks = peak_prominences(heights.ravel(), grid_graph(8, 8))
    plateaus = set(prominences_by_levels(heights))
    cells = [cell for plateau, _ in peaks for cell in plateau]
    assert len(cells) == len(set(cells))
    assert all(frozenset(plateau) in plateaus for plateau, _ in peaks)


def test_two_peaks_of_one_height_keep_the_saddle_between_them() -> None:
    peaks = peak_prominences(np.array([0.0, 9.0, 2.0, 9.0, 1.0]), grid_graph(1, 5))
    assert sorted(rise for _, rise in peaks) == [7.0, 9.0]


def test_a_constant_map_has_no_peak() -> None:
    assert peak_prominences(np.full(12, 3.0), grid_graph(3, 4)) == []


def test_an_empty_map_has_no_peak() -> None:
    assert peak_prominences(np.full(12, np.nan), grid_graph(3, 4)) == []


def test_parts_that_holes_separate_have_their_own_highest_peak() -> None:
    peaks = peak_prominences(np.array([1.0, 5.0, np.nan, 4.0, 3.0]), grid_graph(1, 5))
    assert peaks == [([1], 4.0), ([3], 1.0)]
