"""Errors that are as large as what was found wrong with them.

A sample that is left out and foretold from the others says how wrong a foretelling is in units of
its own error. Where sources are bright that is another factor than where there is only floor: the
factor is a function of the share of power that comes from sources.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_GROUP = 40
_MOST_GROUPS = 12
# Quantiles of |z| for a normal z.
_ONE_SIGMA, _TWO_SIGMA, _AT_TWO_SIGMA = 0.6827, 0.95, 1.96
_LEAST, _MOST = 0.5, 5.0


def error_scale(share: Values, z: Values, wanted: Values) -> Values:
    """Factor by which errors are to be larger, as a function of the share of power.

    In groups of samples of about the same share, it is the larger one of what the 68 % and the 95 %
    quantile of ``|z|`` ask for: noise with heavy tails has no one factor for both. Between the
    groups it is linear in the share.

    Parameters
    ----------
    share, z : ndarray, shape (n,)
        Share of power of samples, and their residuals when left out, in units of their errors.
    wanted : ndarray, shape (m,)
        Shares for which the factor is asked.

    Examples
    --------
    >>> z = np.random.default_rng(1).normal(0.0, 2.0, 4000)
    >>> share = np.linspace(0.0, 1.0, 4000)
    >>> error_scale(share, z, np.array([0.5])).round(1)
    array([2.])
    """
    groups = min(max(z.size // _GROUP, 1), _MOST_GROUPS)
    places, factors = np.empty(groups), np.empty(groups)
    for number, group in enumerate(np.array_split(np.argsort(share, kind="stable"), groups)):
        one, two = np.quantile(np.abs(z[group]), (_ONE_SIGMA, _TWO_SIGMA))
        places[number] = share[group].mean()
        factors[number] = np.clip(max(one, two / _AT_TWO_SIGMA), _LEAST, _MOST)
    return np.interp(wanted, places, factors)
