"""From received power to a reading: what a receiver shows, with derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Kind = Literal["logarithmic", "linear"]
"""``offset + per_decade log10 Q`` or ``offset + slope Q``, with ``Q = P/(1 + κP)``."""

NAMES = ("offset", "slope", "compression")
"""Parameters of a response: reading at unit power or at none, rise for a decade or for one unit of
power, and κ, the share by which unit power is compressed."""

_LN10 = float(np.log(10.0))


@dataclass(frozen=True)
class Reading:
    """What samples read, and its derivatives.

    Attributes
    ----------
    value : ndarray, shape (n,)
        In the receiver's units.
    by_power : ndarray, shape (n,)
        Derivative by the power.
    by_response : ndarray, shape (n, 3)
        Derivatives by offset, slope and compression.
    """

    value: Floats
    by_power: Floats
    by_response: Floats


def read(kind: Kind, power: Floats, response: Floats) -> Reading | None:
    """Readings of powers; None where a logarithm has nothing to show.

    Parameters
    ----------
    kind : {"logarithmic", "linear"}
        How the receiver responds.
    power : ndarray, shape (n,)
        Received power.
    response : ndarray, shape (3,)
        Offset, slope and compression.

    Examples
    --------
    >>> result = read("logarithmic", np.array([1.0, 100.0]), np.array([5.0, 10.0, 0.0]))
    >>> result.value
    array([ 5., 25.])
    >>> read("logarithmic", np.array([-1.0]), np.array([5.0, 10.0, 0.0])) is None
    True
    """
    offset, slope, compression = response
    squeeze = 1.0 + compression * power
    if np.any(squeeze <= 0.0):
        return None
    shown = power / squeeze
    by_response = np.empty((power.size, 3))
    by_response[:, 0] = 1.0
    if kind == "linear":
        by_response[:, 1] = shown
        by_response[:, 2] = -slope * shown**2
        return Reading(offset + slope * shown, slope / squeeze**2, by_response)
    if np.any(shown <= 0.0):
        return None
    by_response[:, 1] = np.log10(shown)
    by_response[:, 2] = -slope / _LN10 * shown
    return Reading(
        offset + slope * by_response[:, 1], slope / (_LN10 * power * squeeze), by_response
    )
