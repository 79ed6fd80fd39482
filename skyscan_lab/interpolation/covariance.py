"""Covariance of a map between two directions.

It is a function of the chord between them, the straight distance through the sphere: whatever is
a covariance in space is then one on the sphere, which a function of the angle need not be [1]_.

References
----------
.. [1] T. Gneiting, "Strictly and non-strictly positive definite functions on spheres",
   Bernoulli 19, 1327 (2013): the Gaussian of the angle is none, that of the chord is one.
.. [2] C. E. Rasmussen and C. K. I. Williams, *Gaussian Processes for Machine Learning* (2006),
   eqs. 4.9, 4.17.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput

Values = NDArray[np.float64]

Family = Literal["gaussian", "matern52", "matern32", "exponential"]

# HPBW of a Gaussian over its standard deviation.
_HPBW = float(np.sqrt(8.0 * np.log(2.0)))


@dataclass(frozen=True)
class Covariance:
    """``amplitude² ρ(chord / length)``, and the noise of a reading on top [2]_.

    ``ρ`` is ``exp(−h²/2)`` for ``gaussian``, ``(1 + h + h²/3) e^−h`` with ``h`` times √5 for
    ``matern52``, ``(1 + h) e^−h`` with ``h`` times √3 for ``matern32``, ``e^−h`` for
    ``exponential``: from smooth to rough.

    Parameters
    ----------
    family : {"gaussian", "matern52", "matern32", "exponential"}
        The function.
    length_deg : float
        Its length, degrees, greater than 0.
    amplitude : float
        Standard deviation of the map about its mean, in the units of the session.
    noise : float
        Standard deviation of a reading about the map, rounding included, in the same units.

    Raises
    ------
    InvalidInput
        For values out of range.
    """

    family: Family
    length_deg: float
    amplitude: float
    noise: float

    def __post_init__(self) -> None:
        if self.family not in get_args(Family):
            raise InvalidInput("family", self.family, f"one of {', '.join(get_args(Family))}")
        for name in ("length_deg", "amplitude", "noise"):
            value = getattr(self, name)
            if not 0.0 < value < np.inf:
                raise InvalidInput(name, value, "finite and greater than 0")

    @classmethod
    def of_beam(cls, hpbw_deg: float, amplitude: float, noise: float) -> Covariance:
        """Covariance of a sky of many sources, each with the same Gaussian beam around it.

        It is the beam's autocorrelation: a Gaussian, √2 wider than the beam.

        Parameters
        ----------
        hpbw_deg : float
            Full width of the beam at half power, degrees.
        amplitude, noise : float
            As for the class.

        Examples
        --------
        >>> round(Covariance.of_beam(5.0, 20.0, 0.3).length_deg, 3)
        3.003
        """
        return cls("gaussian", float(np.sqrt(2.0)) * hpbw_deg / _HPBW, amplitude, noise)

    @property
    def hpbw_deg(self) -> float:
        """Full width at half power of the beam whose autocorrelation this is, degrees."""
        return self.length_deg * _HPBW / float(np.sqrt(2.0))

    def at(self, chord2: Values) -> Values:
        """Covariance of the map at squared chords; consumes its argument as work space.

        Parameters
        ----------
        chord2 : ndarray
            Squared distances between unit vectors.
        """
        h2 = np.multiply(chord2, np.radians(self.length_deg) ** -2.0, out=chord2)
        return np.multiply(_FAMILIES[self.family](h2), self.amplitude**2)

    def between(self, vectors1: Values, vectors2: Values) -> Values:
        """Covariance of the map between unit vectors, shape (..., n, m)."""
        return self.at(squared_chords(vectors1, vectors2))


def squared_chords(vectors1: Values, vectors2: Values) -> Values:
    """Squared distances between unit vectors, shape (..., n, m)."""
    # Differences, not 2 − 2 cos: that would leave eight digits of a small distance.
    out = np.zeros((*vectors1.shape[:-1], vectors2.shape[-2]))
    for axis in range(3):
        gap = vectors1[..., :, None, axis] - vectors2[..., None, :, axis]
        out += gap * gap
    return out


def _gaussian(h2: Values) -> Values:
    h2 *= -0.5
    return np.exp(h2, out=h2)


def _matern52(h2: Values) -> Values:
    h = np.sqrt(5.0 * h2)
    return np.asarray((1.0 + h + h2 * (5.0 / 3.0)) * np.exp(-h))


def _matern32(h2: Values) -> Values:
    h = np.sqrt(3.0 * h2)
    return np.asarray((1.0 + h) * np.exp(-h))


def _exponential(h2: Values) -> Values:
    return np.exp(-np.sqrt(h2))


_FAMILIES: dict[Family, Callable[[Values], Values]] = {
    "gaussian": _gaussian,
    "matern52": _matern52,
    "matern32": _matern32,
    "exponential": _exponential,
}
