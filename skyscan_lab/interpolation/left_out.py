"""Samples that kriging foretells from the others: how well it does, without another measurement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import KDTree

from skyscan_lab.interpolation.covariance import Covariance

Values = NDArray[np.float64]

_WINDOW = 96


def kriging_left_out(
    vectors: Values, values: Values, places: NDArray[np.intp], covariance: Covariance
) -> Values:
    """Residuals of samples that ordinary kriging foretells from their nearest neighbours [1]_.

    Parameters
    ----------
    vectors, values : ndarray, shape (n, 3), (n,)
        Unit vectors of the samples, and what was read.
    places : ndarray of int, shape (k,)
        Which samples are left out, each by itself.
    covariance : Covariance
        Of the map.

    Returns
    -------
    ndarray, shape (k,)
        Reading minus what was foretold.

    References
    ----------
    .. [1] O. Dubrule, "Cross validation of kriging in a unique neighborhood", Mathematical Geology
       15, 687 (1983).
    """
    size = min(_WINDOW, len(vectors))
    near = KDTree(vectors).query(vectors[places], k=size)[1].reshape(places.size, size)
    # Of samples at the same place the nearest one need not be the sample itself.
    near[:, 0] = np.where((near == places[:, None]).any(axis=1), near[:, 0], places)
    residual = np.empty(places.size)
    for number, (place, members) in enumerate(zip(places, near, strict=True)):
        matrix = covariance.between(vectors[members], vectors[members])
        matrix.flat[:: size + 1] += covariance.noise**2
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        own = (members == place).astype(np.float64)
        both = np.column_stack([own, np.ones(size)])
        row, level = cho_solve(factor, both, check_finite=False).T
        row = row - level * (level @ own) / level.sum()
        residual[number] = row @ values[members] / (row @ own)
    return residual
