"""Errors that know of the model's own: the readings drawn anew by strips of the sky.

What a model gets wrong is as smooth as its beam, so that neighbouring readings err together and
the inverse of the information is far too small. Strips wider than the beam err by themselves: drawn
with replacement, they show how much an answer depends on which of them there are [1]_.

References
----------
.. [1] H. R. Künsch, "The jackknife and the bootstrap for general stationary observations",
   Ann. Statist. 17, 1217 (1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.lattice import unroll_azimuth
from skyscan_lab.solving.buildup import Sky

Floats = NDArray[np.float64]

_DRAWS = 400
_FEWEST = 6


@dataclass(frozen=True, eq=False)
class StripErrors:
    """Scatter of the free numbers of a fit.

    Attributes
    ----------
    covariance : ndarray, shape (f, f)
        Over the draws; never below what independent errors of the size of the residual give.
    """

    covariance: Floats


def strip_errors(sky: Sky, *, seed: int = 1) -> StripErrors:
    """Scatter of a fit over strips of azimuth.

    Each draw is one step of Gauss and Newton from the fit: what a strip adds to the normal
    equations is known, and a draw is a sum.

    Parameters
    ----------
    sky : Sky
        The fitted sky.
    seed : int
        Of the draws.
    """
    samples, fit = sky.samples, sky.fit
    found = sky.model.evaluate(fit.parameters)
    if found is None:
        raise AssertionError("a fit ends where the model has a reading")
    jacobian = found.jacobian @ fit.ties.expand(fit.numbers)[1] / samples.noise
    residual = fit.residual / samples.noise
    azimuth = unroll_azimuth(samples.azimuth_deg)
    azimuth = azimuth - azimuth.min()
    strips = max(_FEWEST, int(azimuth.max() / sky.hpbw_deg))
    strip = np.minimum((azimuth / (azimuth.max() + 1e-9) * strips).astype(int), strips - 1)
    size = fit.numbers.size
    matrices, pulls = np.zeros((strips, size, size)), np.zeros((strips, size))
    for place in range(strips):
        part = jacobian[strip == place]
        matrices[place] = part.T @ part
        pulls[place] = part.T @ residual[strip == place]
    # What priors and bounds hold is held in every draw.
    prior = fit.information - matrices.sum(axis=0)
    rest = -pulls.sum(axis=0)

    def moved(times: Floats) -> Floats:
        matrix = np.tensordot(times, matrices, axes=1) + prior
        return _solve(matrix, times @ pulls + rest * times.sum() / strips)

    rng = np.random.default_rng(seed)
    draws = rng.multinomial(strips, np.full(strips, 1.0 / strips), size=_DRAWS)
    moves = np.array([moved(times.astype(float)) for times in draws])
    # Robust against the few draws without one of the sources.
    low, high = np.percentile(moves, [15.87, 84.13], axis=0)
    formal = np.sqrt(np.diag(fit.covariance())) * fit.scatter / samples.noise
    sigma = np.maximum((high - low) / 2.0, formal)
    clipped = np.clip(moves - np.median(moves, axis=0), -4.0 * sigma, 4.0 * sigma)
    correlation = np.corrcoef(clipped.T + 1e-30 * rng.normal(size=clipped.T.shape))
    return StripErrors(correlation * np.outer(sigma, sigma))


def _solve(matrix: Floats, pull: Floats) -> Floats:
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    keep = values > 1e-9
    part = vectors[:, keep]
    return np.asarray(part @ ((part.T @ (pull / scale)) / values[keep]) / scale)
