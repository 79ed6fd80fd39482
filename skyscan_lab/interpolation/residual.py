"""What a forward model leaves, as a random field: large where the sky is bright, small elsewhere.

What a model gets wrong of a beam is a share of the power that comes through it, and as smooth as
the beam; what it gets wrong of the floor, weak sources that it has not, is the same everywhere.
So the residual is the sum of two fields, one with an amplitude in proportion to the share of the
received power that is not floor, beside the noise of a reading. Amplitudes, lengths and noise are
those of the largest likelihood: of what the model's own numbers cannot take up [1]_, where these
are many for the samples; over compact blocks of samples [2]_, where there are many samples.

References
----------
.. [1] H. D. Patterson and R. Thompson, "Recovery of inter-block information when block sizes are
   unequal", Biometrika 58, 545 (1971).
.. [2] A. V. Vecchia, "Estimation and model identification for continuous spatial processes",
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

Values = NDArray[np.float64]

_MOST_AT_ONCE = 700
_BLOCK = 200
_MOST_BLOCKS = 12
_STEPS = 60
# Lengths in half-power widths, which the samples move as far as they know better.
_LENGTHS_HPBW = np.array([0.5, 0.4])
_LENGTH_DOUBT = 0.7
_LOG_RANGE = (-7.0, 4.0)
# Directions among the model's numbers that the samples do not hold at all.
_RANK = 1e-10


@dataclass(frozen=True)
class ResidualField:
    """A residual as a random field.

    Attributes
    ----------
    base, bright : float
        Standard deviation of what is the same everywhere, and of what comes to it where nothing
        is floor, in the units of the readings.
    base_length_rad, bright_length_rad : float
        Of their Gaussian correlations, ``exp(−h²/2ℓ²)``.
    noise : float
        Standard deviation of a reading about it.
    """

    base: float
    bright: float
    base_length_rad: float
    bright_length_rad: float
    noise: float

    def variance(self, share: Values) -> Values:
        """Variance at shares of power."""
        return np.asarray(self.base**2 + (self.bright * share) ** 2)

    def covariance(self, one: Values, share: Values, other: Values, other_share: Values) -> Values:
        """Covariance of places with given unit vectors and shares of power, shape (n, m)."""
        everywhere, bright = self.parts(squared_chords(one, other), share, other_share)
        return np.asarray(everywhere + bright)

    def parts(self, squares: Values, share: Values, other_share: Values) -> tuple[Values, Values]:
        """Covariances of the two fields at squared chords between places."""
        everywhere = self.base**2 * np.exp(-0.5 * squares / self.base_length_rad**2)
        bright = self.bright**2 * np.exp(-0.5 * squares / self.bright_length_rad**2)
        bright *= share[:, None] * other_share[None, :]
        return everywhere, bright


def fit_residual(
    vectors: Values,
    share: Values,
    residual: Values,
    jacobian: Values,
    hpbw_rad: float,
    least_noise: float,
) -> ResidualField:
    """Field of the largest likelihood.

    Parameters
    ----------
    vectors, share, residual : ndarray, shape (n, 3), (n,), (n,)
        Of the samples.
    jacobian : ndarray, shape (n, f)
        Derivatives of the model by its free numbers.
    hpbw_rad : float
        Width of the beam.
    least_noise : float
        What a reading has at least, that of its rounding for one.
    """
    if len(vectors) <= _MOST_AT_ONCE:
        scale = np.linalg.norm(jacobian, axis=0)
        blocks = [_Block(vectors, share, residual, jacobian[:, scale > 0.0] / scale[scale > 0.0])]
    else:
        parts = compact_blocks(vectors, _BLOCK)
        keep = np.linspace(0, len(parts) - 1, min(len(parts), _MOST_BLOCKS)).astype(int)
        blocks = [
            _Block(vectors[part], share[part], residual[part], np.empty((part.size, 0)))
            for part in (parts[place] for place in np.unique(keep))
        ]
    spread = max(float(np.std(residual)), 1e-6)
    usual = np.log(_LENGTHS_HPBW * hpbw_rad)

    def field(point: Values) -> ResidualField:
        base, bright, noise = spread * np.exp(point[[0, 1, 4]])
        lengths = np.exp(usual + point[2:4])
        return ResidualField(
            float(base),
            float(bright),
            float(lengths[0]),
            float(lengths[1]),
            float(np.hypot(least_noise, noise)),
        )

    def loss(point: Values) -> tuple[float, Values]:
        tried = field(point)
        total = 0.5 * float(np.sum((point[2:4] / _LENGTH_DOUBT) ** 2))
        slope = np.concatenate([[0.0, 0.0], point[2:4] / _LENGTH_DOUBT**2, [0.0]])
        own = tried.noise**2 - least_noise**2
        for block in blocks:
            found = block.loss(tried, own)
            if found is None:
                return 1e30, np.zeros_like(point)
            total += found[0]
            slope += found[1]
        return total, slope

    start = np.array([np.log(0.5), 0.0, 0.0, 0.0, np.log(0.5)])
    limits = [_LOG_RANGE, _LOG_RANGE, (-1.2, 1.6), (-1.2, 1.2), _LOG_RANGE]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxfun": _STEPS}
    )
    return field(found.x)


@dataclass(frozen=True, eq=False)
class _Block:
    """Samples that are taken together."""

    vectors: Values
    share: Values
    residual: Values
    jacobian: Values

    def loss(self, field: ResidualField, own_noise: float) -> tuple[float, Values] | None:
        """Half the deviance, and its slopes by the logarithms of the field's numbers."""
        squares = squared_chords(self.vectors, self.vectors)
        everywhere, bright = field.parts(squares, self.share, self.share)
        matrix = everywhere + bright
        matrix.flat[:: len(matrix) + 1] += field.noise**2
        try:
            factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            inverse = cho_solve(factor, np.eye(len(matrix)), check_finite=False)
            total = 2.0 * float(np.sum(np.log(np.diag(factor[0]))))
            if self.jacobian.shape[1]:
                through = inverse @ self.jacobian
                held = self.jacobian.T @ through
                held.flat[:: len(held) + 1] += _RANK * np.trace(held) / len(held)
                of_held = cho_factor(held, lower=True, check_finite=False)
                inverse -= through @ cho_solve(of_held, through.T, check_finite=False)
                total += 2.0 * float(np.sum(np.log(np.diag(of_held[0]))))
        except LinAlgError:
            return None
        solved = inverse @ self.residual
        total += float(self.residual @ solved)
        inverse -= np.outer(solved, solved)
        of_everywhere, of_bright = inverse * everywhere, inverse * bright
        slopes = np.array(
            [
                2.0 * of_everywhere.sum(),
                2.0 * of_bright.sum(),
                np.sum(of_everywhere * squares) / field.base_length_rad**2,
                np.sum(of_bright * squares) / field.bright_length_rad**2,
                2.0 * own_noise * np.trace(inverse),
            ]
        )
        return 0.5 * total, 0.5 * slopes
