"""Covariance from information, where not everything may be known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST = 1e-12
# So little that it is none, and its inverse is still a number.
_LEAST_INFORMATION = 1e-100


def covariance_of(information: Floats) -> Floats:
    """Inverse of an information matrix, scaled to its own diagonal first.

    What the readings do not hold at all gets an error that is as good as infinite, and spoils none
    of the others.

    Examples
    --------
    >>> covariance_of(np.array([[4.0, 0.0], [0.0, 1e-12]])).round(3)
    array([[2.5e-01, 0.0e+00],
           [0.0e+00, 1.0e+12]])
    """
    scale = np.sqrt(np.maximum(np.diag(information), _LEAST_INFORMATION))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    inverse = (vectors / np.maximum(values, _LEAST)) @ vectors.T
    return np.asarray(inverse / np.outer(scale, scale))
