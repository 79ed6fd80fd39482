"""Kriging of what a forward model leaves: large where the sky is bright, small where it is not.

What a model gets wrong of a beam is a share of the power that comes through it. So the residual is
a random field of the beam's smoothness times an amplitude ``√(a² + b² s²)``, with ``s`` the share
of the received power that is not floor, beside the noise of a reading. Amplitudes, length and noise
are those of the largest likelihood, over compact blocks of samples [1]_.

References
----------
.. [1] A. V. Vecchia, "Estimation and model identification for continuous spatial processes",
   J. R. Statist. Soc. B 50, 297 (1988); here with blocks in place of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from skyscan_lab.interpolation.covariance import squared_chords
from skyscan_lab.interpolation.likelihood import compact_blocks
from skyscan_lab.interpolation.windows import windows

Values = NDArray[np.float64]

_BLOCK = 200
_MOST_BLOCKS = 12
_WINDOW = 128
_STEPS = 160
# A length beyond these shares of the beam is no property of a beam.
_LENGTHS_HPBW = (0.15, 2.0)


@dataclass(frozen=True)
class ResidualField:
    """A residual as a random field.

    Attributes
    ----------
    base, bright : float
        Standard deviation where all is floor, and what comes to it where nothing is, in the units
        of the readings.
    length_rad : float
        Of its Gaussian correlation, ``exp(−h²/2ℓ²)``.
    noise : float
        Standard deviation of a reading about it.
    """

    base: float
    bright: float
    length_rad: float
    noise: float

    def amplitude(self, share: Values) -> Values:
        """Standard deviation at shares of power."""
        return np.hypot(self.base, self.bright * share)

    def covariance(self, one: Values, a: Values, other: Values, b: Values) -> Values:
        """Covariance of places with given unit vectors and amplitudes."""
        squares = squared_chords(one, other)
        return np.asarray(np.outer(a, b) * np.exp(-0.5 * squares / self.length_rad**2))

    def estimate(
        self, vectors: Values, share: Values, residual: Values, wanted: Values, there: Values
    ) -> tuple[Values, Values]:
        """Residual and its standard error at other directions.

        Parameters
        ----------
        vectors, share, residual : ndarray, shape (n, 3), (n,), (n,)
            Of the samples.
        wanted, there : ndarray, shape (m, 3), (m,)
            Directions asked for, and the share of power there.
        """
        amplitude, asked_for = self.amplitude(share), self.amplitude(there)
        values, variance = np.empty(len(wanted)), np.empty(len(wanted))
        size = min(_WINDOW, len(vectors))
        for members, asked in windows(vectors, wanted, size):
            near, a = vectors[members], amplitude[members]
            matrix = self.covariance(near, a, near, a)
            matrix.flat[:: members.size + 1] += self.noise**2
            factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            across = self.covariance(near, a, wanted[asked], asked_for[asked])
            weights = cho_solve(factor, across, check_finite=False)
            values[asked] = residual[members] @ weights
            variance[asked] = asked_for[asked] ** 2 - np.einsum("nm,nm->m", across, weights)
        return values, np.sqrt(np.maximum(variance, 0.0))


def fit_residual(
    vectors: Values, share: Values, residual: Values, hpbw_rad: float, least_noise: float
) -> ResidualField:
    """Field of the largest likelihood.

    Parameters
    ----------
    vectors, share, residual : ndarray, shape (n, 3), (n,), (n,)
        Of the samples.
    hpbw_rad : float
        Width of the beam.
    least_noise : float
        What a reading has at least, that of its rounding for one.
    """
    blocks = compact_blocks(vectors, _BLOCK)
    keep = np.linspace(0, len(blocks) - 1, min(len(blocks), _MOST_BLOCKS)).astype(int)
    chosen = [blocks[place] for place in np.unique(keep)]
    spread = max(float(np.std(residual)), 1e-6)
    low, high = (np.log(part * hpbw_rad) for part in _LENGTHS_HPBW)

    def field(point: Values) -> ResidualField:
        return ResidualField(
            float(np.exp(point[0])),
            float(np.exp(point[1])),
            float(np.exp(np.clip(point[2], low, high))),
            float(np.hypot(least_noise, np.exp(point[3]))),
        )

    def loss(point: Values) -> float:
        tried = field(point)
        total = 0.0
        for block in chosen:
            a = tried.amplitude(share[block])
            matrix = tried.covariance(vectors[block], a, vectors[block], a)
            matrix.flat[:: block.size + 1] += tried.noise**2
            try:
                factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            except LinAlgError:
                return float("inf")
            solved = cho_solve(factor, residual[block], check_finite=False)
            total += float(residual[block] @ solved) + 2.0 * float(
                np.sum(np.log(np.diag(factor[0])))
            )
        return 0.5 * total

    start = np.log([0.5 * spread, spread, 0.5 * hpbw_rad, 0.3 * spread + 1e-6])
    found = minimize(
        loss, start, method="Nelder-Mead", options={"maxfev": _STEPS, "xatol": 0.02, "fatol": 0.1}
    )
    return field(found.x)
