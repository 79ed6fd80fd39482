"""Radial functions of an aperture's far field, tabulated once.

The far field of the Zernike mode ``R_n^m(ρ) cos mφ`` of a round aperture is, apart from a power
of i, ``2 J_{n+1}(u)/u · cos mψ`` [1]_, with ``u`` the distance from the axis in units of
wavelength over circumference. Written as ``h(u) · Re (U + iV)^m`` with ``h = 2 J_{n+1}(u)/u^{m+1}``
it is smooth on the axis, too.

References
----------
.. [1] M. Born and E. Wolf, *Principles of Optics* (7th ed.), 9.2.1 eq. (11) and 9.4.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import jv

STEP = 0.02
"""Distance of the table's entries in u; with cubics between them it is exact to 1e-9."""

_FURTHEST = 400.0
# Below, the power series has no cancellation and the ratio has.
_SERIES = 0.3
_TERMS = 8


@lru_cache(maxsize=64)
def radial_table(n: int, m: int) -> NDArray[np.float64]:
    """Values and derivatives of ``2 J_{n+1}(u)/u^{m+1}``.

    Parameters
    ----------
    n, m : int
        Order of the mode: m ≤ n, and n − m even.

    Returns
    -------
    ndarray, shape (k, 2)
        At u = 0, `STEP`, … up to beyond anything that a beam wider than half a degree has.

    Examples
    --------
    >>> radial_table(0, 0)[0]  # the field on the axis of a uniformly lit aperture
    array([1., 0.])
    """
    u = np.arange(0.0, _FURTHEST, STEP)
    table = np.empty((u.size, 2))
    near = u < _SERIES
    table[near] = _by_series(n, m, u[near])
    far = u[~near]
    table[~near, 0] = 2.0 * jv(n + 1, far) / far ** (m + 1)
    # (J_{n+1} u^{−m−1})′ = (n − m) J_{n+1} u^{−m−2} − J_{n+2} u^{−m−1}
    table[~near, 1] = (n - m) * table[~near, 0] / far - 2.0 * jv(n + 2, far) / far ** (m + 1)
    table.setflags(write=False)
    return table


def _by_series(n: int, m: int, u: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.zeros((u.size, 2))
    for k in range(_TERMS):
        coefficient = (
            2.0
            * (-1) ** k
            / (math.factorial(k) * math.factorial(n + 1 + k) * 2.0 ** (2 * k + n + 1))
        )
        power = 2 * k + n - m
        sums[:, 0] += coefficient * u**power
        if power > 0:
            sums[:, 1] += coefficient * power * u ** (power - 1)
    return sums
