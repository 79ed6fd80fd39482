"""Level of readings of which some have something positive on top: a source, or interference.

What is on top is taken for a mixture of exponentials, each three times as broad as the one before,
from what the noise just shows to the strongest reading: so it may be anything that falls off. A
reading is then normal about its level, or normal plus exponential. The level, as a sum of given
functions for each group of readings, and the noise and the shares of the mixture, for all groups
alike, are found together by expectation maximization [1]_.

References
----------
.. [1] A. P. Dempster, N. M. Laird and D. B. Rubin, "Maximum likelihood from incomplete data via
   the EM algorithm", J. R. Stat. Soc. B 39, 1 (1977).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

Values = NDArray[np.float64]

_LOG_ROOT_2PI = 0.5 * float(np.log(2.0 * np.pi))
_MAD_TO_SIGMA = 1.4826
_STEPS = 400
_SETTLED = 1e-3
# What is on top has a mean of at least so many σ, and is in at most this share of the readings:
# less cannot be told from a level that is a little higher.
_LEAST_MEAN = 2.5
_MOST_SHARE = 0.8
_BROADER = 3.0


class Contamination(NamedTuple):
    """What is common to all readings.

    Attributes
    ----------
    noise : float
        Standard deviation of a reading about its level.
    shares, means : ndarray, shape (k,)
        Share of the readings that have each exponential on top, and its mean over the noise.
    """

    noise: float
    shares: Values
    means: Values


def fit_contaminated(
    readings: list[Values], bases: list[Values]
) -> tuple[list[Values], list[Values], Contamination]:
    """Level under readings of which some have something positive on top.

    Parameters
    ----------
    readings : list of ndarray, shape (n,)
        Of each group: a scan, an elevation.
    bases : list of ndarray, shape (n, k)
        Functions that add up to its level.

    Returns
    -------
    level, error : list of ndarray, shape (n,)
        Of each group.
    contamination : Contamination
        What is common to all groups.
    """
    inverses = [np.linalg.pinv(basis) for basis in bases]
    jumps = np.concatenate([np.diff(values) for values in readings])
    noise = (
        _MAD_TO_SIGMA * float(np.median(np.abs(jumps))) / float(np.sqrt(2.0)) if jumps.size else 0.0
    )
    every = np.concatenate(readings)
    # Readings that hardly differ are at most rounded: their last digits are no noise.
    noise = max(noise, 1e-9 * float(np.abs(every).max()), np.finfo(float).tiny)
    ends = np.cumsum([values.size for values in readings])[:-1]
    level = np.concatenate([np.full(v.size, np.quantile(v, 0.3)) for v in readings])
    highest = max(float((every - level).max()) / noise, _LEAST_MEAN)
    kinds = int(np.ceil(np.log(highest / _LEAST_MEAN) / np.log(_BROADER))) + 1
    means: Values = np.asarray(_LEAST_MEAN * _BROADER ** np.arange(kinds), dtype=np.float64)
    state = Contamination(noise, np.full(kinds, 0.3 / kinds), means)
    free = max(every.size - sum(basis.shape[1] for basis in bases), 1)
    for _ in range(_STEPS):
        first, second, shares, _ = _expected(every - level, state)
        wanted = np.split(every - first, ends)
        new = np.concatenate(
            [
                basis @ (inverse @ part)
                for basis, inverse, part in zip(bases, inverses, wanted, strict=True)
            ]
        )
        left = (every - first - new) ** 2 + second - first**2
        noise = max(float(np.sqrt(left.sum() / free)), np.finfo(float).tiny)
        shares = np.maximum(shares * min(1.0, _MOST_SHARE / shares.sum()), 1e-9)
        state = Contamination(noise, shares, means)
        moved = float(np.abs(new - level).max())
        level = new
        if moved < _SETTLED * noise:
            break
    # The information of a reading is the mean square of its score; 1/σ² without contamination.
    score = _expected(every - level, state)[3]
    variance = 1.0 / max(float(np.mean(score**2)), np.finfo(float).tiny)
    errors = [
        np.sqrt(variance * np.einsum("nk,kn->n", basis, inverse))
        for basis, inverse in zip(bases, inverses, strict=True)
    ]
    return np.split(level, ends), errors, state


def _expected(residual: Values, state: Contamination) -> tuple[Values, Values, Values, Values]:
    """Expectation of what is on top, of its square, shares of the mixture, and the score."""
    noise, shares, means = state
    scaled = residual / noise
    normal = np.log1p(-shares.sum()) - 0.5 * scaled**2 - _LOG_ROOT_2PI
    above = scaled - 1.0 / means[:, None]
    tail = log_ndtr(above)
    lifted = np.log(shares / means)[:, None] - scaled / means[:, None] + tail
    lifted += 0.5 / means[:, None] ** 2
    every = np.vstack([normal, lifted])
    every -= every.max(axis=0)
    weights = np.exp(every)
    weights /= weights.sum(axis=0)
    lifted = weights[1:]
    # A normal variate cut off below zero: its mean, and that of its square.
    hazard = np.exp(-0.5 * above**2 - _LOG_ROOT_2PI - tail)
    mean = np.maximum(above + hazard, 0.0)
    square = np.maximum(1.0 + above * mean, mean**2)
    score = weights[0] * scaled + (lifted * (1.0 / means[:, None] - hazard)).sum(axis=0)
    return (
        noise * (lifted * mean).sum(axis=0),
        noise**2 * (lifted * square).sum(axis=0),
        lifted.mean(axis=1),
        score / noise,
    )
