"""Error of an estimate that is a weighted sum of a few readings.

Under a covariance ``c`` of the map and a noise σ, a sum of readings with weights w of sum 1 is off
by ``c₀ − 2 wᵀk + wᵀC w + σ² wᵀw`` in the mean square: what a method smooths away or makes up
counts as well as the noise that it lets through.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.interpolation.covariance import Covariance, squared_chords

Values = NDArray[np.float64]


def error_of_sums(
    covariance: Covariance, weights: Values, corners: Values, wanted: Values
) -> Values:
    """Standard error of weighted sums.

    Parameters
    ----------
    covariance : Covariance
        Of the map, and the noise of a reading.
    weights : ndarray, shape (m, k)
        Of the readings in each sum.
    corners : ndarray, shape (m, k, 3)
        Unit vectors of those readings.
    wanted : ndarray, shape (m, 3)
        Unit vectors of the targets.
    """
    between = covariance.at(squared_chords(corners, corners))
    across = covariance.at(squared_chords(corners, wanted[:, None, :]))[..., 0]
    variance = (
        covariance.amplitude**2
        - 2.0 * np.einsum("mk,mk->m", weights, across)
        + np.einsum("mk,mkl,ml->m", weights, between, weights, optimize=True)
        + covariance.noise**2 * np.einsum("mk,mk->m", weights, weights)
    )
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
