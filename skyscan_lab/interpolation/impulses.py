"""Interference that a beam cannot have seen: readings that stand above all around them.

A source is as wide as the beam, in every direction. What is narrower came through no beam from
the sky: it came and went while the antenna passed. Martin et al. [1]_ fit a model narrower than
the beam around every reading and reject what stands above it. Here each reading is compared with
what the others say about it, by kriging with the beam's autocorrelation: with ``K`` the covariance
of the readings, the rest of reading i, the others given, is ``(K⁻¹y)_i / (K⁻¹)_ii`` and has the
variance ``1 / (K⁻¹)_ii`` [2]_. The highest of its surroundings is rejected, and the rest compared
anew.

References
----------
.. [1] J. R. Martin et al., "Skynet algorithm for single-dish radio mapping I", ApJS 240, 12
   (2019), 3.6.
.. [2] O. Dubrule, "Cross validation of kriging in a unique neighborhood", Math. Geol. 15, 687
   (1983).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.stats import norm

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.interference.neighbours import neighbour_graph
from skyscan_lab.interference.noise import noise_from_neighbours
from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.likelihood import compact_blocks
from skyscan_lab.session import Flag, samples_of, validate
from skyscan_lab.sphere import unit_vector

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

_BLOCK = 200
# Readings beyond this many beam widths say next to nothing about one.
_MARGIN = 1.0
# A reading is rejected before its neighbours within half a beam: they may be high for its sake.
_RIVALS = 0.5
# Sources may be so much stronger than the map is on the whole.
_HEADROOM = 3.0


def reject_impulses(
    ds: xr.Dataset, hpbw_deg: float, false_alarm: float = 0.01, noise: float | None = None
) -> xr.Dataset:
    """Reject readings that stand above what the beam allows.

    Parameters
    ----------
    ds : Dataset
        A session of one channel, sampled at least twice a beam width: where it is coarser,
        nothing is known about a reading from the others, and nothing is rejected.
    hpbw_deg : float
        Width of the beam at half power, degrees.
    false_alarm : float
        How many good readings of the whole map may be rejected, in the mean; within (0, 1).
    noise : float, optional
        Standard deviation of a reading; by default from each reading and its neighbours.

    Returns
    -------
    Dataset
        The session, with NaN and `Flag.REJECTED` in place of interference.

    Raises
    ------
    InvalidInput
        For arguments out of range.
    SessionError
        For a Dataset that is not a session of one channel.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> az, el = (axis.ravel() for axis in np.meshgrid(np.arange(0.0, 20), np.arange(0.0, 20)))
    >>> level = 500 + 90 * 2.0 ** (-4 * ((az - 7) ** 2 + (el - 8) ** 2) / 25)
    >>> level += np.random.default_rng(1).normal(0, 1, az.size)
    >>> level[215] += 12
    >>> clean = reject_impulses(session_from_points(az, el, level, units="counts"), 5.0)
    >>> np.argwhere(clean.flag.values == Flag.REJECTED)
    array([[10, 15]])
    """
    if not 0.0 < hpbw_deg <= 90.0:
        raise InvalidInput("hpbw_deg", hpbw_deg, "within (0°, 90°]")
    if not 0.0 < false_alarm < 1.0:
        raise InvalidInput("false_alarm", false_alarm, "within (0, 1)")
    validate(ds)
    if ds["rssi"].ndim != ds["flag"].ndim:
        raise SessionError("dims of rssi", ds["rssi"].dims, "one channel")
    flat = samples_of(ds)
    readings = flat["rssi"].values
    if readings.size < 3:
        return ds
    azimuth, elevation = flat["azimuth_measured"].values, flat["elevation_measured"].values
    if noise is None:
        noise = noise_from_neighbours(readings, neighbour_graph(flat, azimuth, elevation))
    spread = float(np.std(readings))
    if not noise > 0.0 or spread == 0.0:
        return ds
    covariance = Covariance.of_beam(hpbw_deg, max(_HEADROOM * spread, noise), noise)
    vectors = unit_vector(azimuth, elevation)
    threshold = float(norm.isf(false_alarm / readings.size))
    bad = np.zeros(readings.size, dtype=bool)
    tree = KDTree(vectors)
    margin = 2.0 * np.sin(np.radians(min(_MARGIN * hpbw_deg, 180.0)) / 2.0)
    rivals = 2.0 * np.sin(np.radians(_RIVALS * hpbw_deg) / 2.0)
    for block in compact_blocks(vectors, _BLOCK):
        around = tree.query_ball_point(vectors[block], margin)
        members = np.unique(np.concatenate([block, *map(np.asarray, around)])).astype(np.intp)
        wrong = _outliers(readings[members], vectors[members], covariance, threshold, rivals)
        # What lies in the margin is judged with its own block, where it has all its neighbours.
        bad[np.intersect1d(members[wrong], block)] = True
    return _rejected(ds, flat["sequence"].values[bad])


def _outliers(
    readings: Values, vectors: Values, covariance: Covariance, threshold: float, rivals: float
) -> Indices:
    """Which readings stand above the others, one after the other.

    One that lies below is set aside as well, because all around would seem high beside it.
    """
    matrix = covariance.between(vectors, vectors)
    matrix.flat[:: readings.size + 1] += covariance.noise**2
    inverse = np.linalg.inv(matrix)
    y = readings - np.median(readings)
    kept = np.ones(readings.size, dtype=bool)
    above = np.zeros(readings.size, dtype=bool)
    while kept.sum() > 2:
        diagonal = np.where(kept, np.diagonal(inverse), 1.0)
        solved = inverse @ np.where(kept, y, 0.0)
        ones = inverse @ kept.astype(float)
        solved -= ones * (solved.sum() / ones.sum())
        height = np.where(kept, solved / np.sqrt(diagonal), 0.0)
        high = np.flatnonzero(np.abs(height) > threshold)
        high = high[np.argsort(-np.abs(height[high]))]
        taken: list[int] = []
        for index in high.tolist():
            if all(np.linalg.norm(vectors[index] - vectors[other]) > rivals for other in taken):
                taken.append(index)
        if not taken:
            break
        for index in taken:
            # The inverse without one reading, from the inverse with it.
            column = inverse[:, index].copy()
            inverse -= np.outer(column, column) / column[index]
            inverse[index, :] = inverse[:, index] = 0.0
            kept[index], above[index] = False, height[index] > 0.0
    return np.flatnonzero(above)


def _rejected(ds: xr.Dataset, sequence: NDArray[np.int32]) -> xr.Dataset:
    bad = np.isin(ds["sequence"].values, sequence) & (ds["sequence"].values >= 0)
    result = ds.copy()
    for name in ("rssi", "rssi_std", "rssi_last"):
        result[name] = ds[name].where(~bad)
    flag = np.where(bad, np.int8(Flag.REJECTED), ds["flag"].values).astype("int8")
    result["flag"] = (ds["flag"].dims, flag, ds["flag"].attrs)
    return validate(result)
