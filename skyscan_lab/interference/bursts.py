"""Readings that no beam allows: interference that came and went while the antenna passed.

Each reading is compared with what the others around it say by kriging: with ``K`` the covariance
of the readings, the rest of reading i, the others given, is ``(K⁻¹y)_i / (K⁻¹)_ii`` and has the
variance ``1 / (K⁻¹)_ii`` [1]_. ``K`` holds whatever a beam may show, offsets of the scans, and
noise. `skyscan_lab.interpolation.impulses` does so for every reading; here it is asked only of
those that stand above their neighbours, and scans may drift.

References
----------
.. [1] O. Dubrule, "Cross validation of kriging in a unique neighborhood", Math. Geol. 15, 687
   (1983).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from skyscan_lab.sphere import unit_vector

Floats = NDArray[np.float64]

# Above its neighbours, before a reading is looked at at all; and above what all around it say.
_SUSPECT = 2.5
_BURST = 2.8
# Bursts are shorter than that, in beam widths.
_LASTING = 0.6
_AROUND = 1.2
_MOST_AROUND = 120
_HEADROOM = 3.0
_LEAST_BEND = 0.4
_MAD_TO_SIGMA = 1.4826


def bursts(
    azimuth_deg: Floats,
    elevation_deg: Floats,
    readings: Floats,
    scan: NDArray[np.intp],
    graph: csr_array,
    hpbw_deg: float,
    noise: float,
) -> NDArray[np.bool_]:
    """Which readings stand above what a beam can show.

    Parameters
    ----------
    azimuth_deg, elevation_deg, readings : ndarray, shape (n,)
        Where they were taken, degrees, and what was read.
    scan : ndarray of int, shape (n,)
        Which scan each belongs to.
    graph : csr_array, shape (n, n)
        Which of them are neighbours.
    hpbw_deg : float
        Width of the beam, degrees.
    noise : float
        Standard deviation of a reading, greater than 0.

    Returns
    -------
    ndarray of bool, shape (n,)
        None where the sampling is so coarse that nothing is known of a reading from others.
    """
    bad = np.zeros(readings.size, dtype=bool)
    count = np.maximum(graph @ np.ones(readings.size), 1.0)
    height = (readings - (graph @ readings) / count) / np.sqrt(1.0 + 1.0 / count)
    spread = _robust(height)
    suspects = np.flatnonzero(height > _SUSPECT * max(spread, noise))
    if not suspects.size:
        return bad
    vectors = unit_vector(azimuth_deg, elevation_deg)
    tree = KDTree(vectors)
    chord = 2.0 * np.sin(np.radians(_AROUND * hpbw_deg) / 2.0)
    width = np.radians(hpbw_deg)
    lasting = _LASTING * width
    for place in suspects[np.argsort(-height[suspects])].tolist():
        distance, near = tree.query(
            vectors[place], k=min(_MOST_AROUND, readings.size), distance_upper_bound=chord
        )
        near = np.atleast_1d(near)[np.isfinite(np.atleast_1d(distance))]
        # A burst may last for some readings: those beside it in its own scan do not count.
        beside = (scan[near] == scan[place]) & (distance[: near.size] < lasting)
        near = near[(~bad[near] & ~beside) | (near == place)]
        y = readings[near] - np.median(readings[near])
        same = scan[near][:, None] == scan[near][None, :]
        # What bends within the scans, and how far the scans themselves lie apart.
        level = np.array([np.median(y[row]) for row in same])
        bends = np.sqrt(max(_robust(y - level) ** 2 - noise**2, (_LEAST_BEND * noise) ** 2))
        offsets = max(_robust(y), noise)
        gram = np.clip(vectors[near] @ vectors[near].T, -1.0, 1.0)
        # The autocorrelation of a beam is √2 times as wide.
        matrix = np.exp(-4.0 * np.log(2.0) * (1.0 - gram) / width**2)
        matrix *= (_HEADROOM * bends) ** 2
        matrix += (_HEADROOM * offsets) ** 2 * (1.0 + same)
        matrix[np.diag_indices_from(matrix)] += noise**2
        inverse = np.linalg.inv(matrix)
        own = int(np.flatnonzero(near == place)[0])
        bad[place] = (inverse[own] @ y) / np.sqrt(inverse[own, own]) > _BURST
    return bad


def _robust(values: Floats) -> float:
    return _MAD_TO_SIGMA * float(np.median(np.abs(values - np.median(values))))
