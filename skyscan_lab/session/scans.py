"""The scans of a session: runs of samples along one line of the sky."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.session.views import is_gridded, samples_of
from skyscan_lab.sphere import separation, unit_vector

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

# A scan ends where the way turns by more than this, or leaps by so many of its usual steps.
_TURN_COSINE = 0.5
_LEAP_STEPS = 3.0


def scans_of(ds: xr.Dataset) -> list[Indices]:
    """Samples of each scan, in the order of measurement.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.

    Returns
    -------
    list of ndarray of int
        Indices into ``samples_of(ds)``; every sample is in one scan.
    """
    flat = samples_of(ds)
    vectors = unit_vector(flat["azimuth_measured"].values, flat["elevation_measured"].values)
    count = len(vectors)
    if count < 3:
        return [np.arange(count)]
    if is_gridded(ds):
        return _lines(ds)
    step = np.diff(vectors, axis=0)
    length = np.linalg.norm(step, axis=1)
    moving = np.maximum(length, np.finfo(float).tiny)
    ahead = np.einsum("ni,ni->n", step[1:], step[:-1]) / (moving[1:] * moving[:-1])
    turns = np.flatnonzero(ahead < _TURN_COSINE) + 2
    leaps = np.flatnonzero(length > _LEAP_STEPS * np.median(length)) + 1
    # The step to the next line is a turn at both of its ends: the sample between joins none.
    breaks = np.unique(np.concatenate([turns, leaps]))
    return [part for part in np.split(np.arange(count), breaks) if part.size]


def _lines(ds: xr.Dataset) -> list[Indices]:
    """Rows or columns of a grid, whichever was scanned along."""
    sequence = ds["sequence"].where(np.isfinite(ds["rssi"]), -1).values
    order = np.sort(sequence[sequence >= 0])
    along_row = np.mean(np.abs(np.diff(sequence, axis=1)) == 1) if sequence.shape[1] > 1 else 0.0
    along_column = np.mean(np.abs(np.diff(sequence, axis=0)) == 1) if len(sequence) > 1 else 0.0
    lines = sequence if along_row >= along_column else sequence.T
    kept = [np.sort(line[line >= 0]) for line in lines]
    return [np.searchsorted(order, line) for line in kept if line.size]


def distance_along(azimuth: Values, elevation: Values) -> Values:
    """Way along a scan, degrees, from its first sample.

    Parameters
    ----------
    azimuth, elevation : ndarray, shape (n,)
        Directions of its samples, degrees.
    """
    legs = separation(azimuth[:-1], elevation[:-1], azimuth[1:], elevation[1:])
    return np.concatenate([[0.0], np.cumsum(legs)])
