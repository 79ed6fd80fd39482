"""Noise of a map, from the map itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

# Of a normal variate, standard deviation over median absolute deviation.
_MAD_TO_SIGMA = 1.4826


def noise_from_neighbours(values: NDArray[np.float64], graph: csr_array) -> float:
    """Robust standard deviation of one reading.

    The residual of a reading from the mean of its k neighbours has the variance
    ``σ² (1 + 1/k)`` and is blind to a slope; its median absolute deviation is blind to the few
    places where a source bends the map more than that. Readings that were rounded cannot tell
    a noise below ``q/√12``, the rounding's own.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings; NaN where missing.
    graph : csr_array, shape (n, n)
        Which of them are neighbours.

    Returns
    -------
    float
        In the units of the values; NaN where no reading has two neighbours.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> chain = csr_array(diags_array([1.0, 1.0], offsets=[-1, 1], shape=(10_000, 10_000)))
    >>> rng = np.random.default_rng(1)
    >>> round(noise_from_neighbours(np.arange(10_000) + rng.normal(0, 2.0, 10_000), chain), 1)
    2.0
    """
    finite = np.isfinite(values)
    count = graph @ finite.astype(float)
    usable = finite & (count >= 2)
    if not usable.any():
        return float("nan")
    mean = (graph @ np.where(finite, values, 0.0))[usable] / count[usable]
    residual = (values[usable] - mean) / np.sqrt(1.0 + 1.0 / count[usable])
    residual -= np.median(residual)
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(residual)))
    return max(sigma, _rounding_step(values[finite]) / float(np.sqrt(12.0)))


def _rounding_step(values: NDArray[np.float64]) -> float:
    distinct = np.unique(values)
    return float(np.diff(distinct).min()) if distinct.size > 1 else 0.0
