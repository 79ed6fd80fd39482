"""Least squares of a forward model: Levenberg and Marquardt on the free numbers.

The damping of each number is relative to its own curvature (Marquardt's scaling), steps are kept
within bounds, and a prior is one more reading of a parameter.

References
----------
.. [1] K. Madsen, H. B. Nielsen and O. Tingleff, *Methods for Non-Linear Least Squares Problems*
   (2004), 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from skyscan_lab.errors import SkyscanError
from skyscan_lab.forward.model import ForwardModel
from skyscan_lab.forward.ties import Ties

Floats = NDArray[np.float64]

_DAMPING = 1e-2
_EASE = 8.0
_STIFFEN = 5.0
_MOST_DAMPING = 1e9
_TRIES = 14
_NO_READING = "the model has no reading at the parameters that a fit is to begin with"


class CannotBegin(SkyscanError):
    """The parameters at the start give no readings at all."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A least-squares fit.

    Attributes
    ----------
    ties : Ties
        What was free.
    numbers : ndarray, shape (f,)
        The free numbers.
    parameters : ndarray, shape (p,)
        Parameters of the model.
    residual : ndarray, shape (n,)
        Readings minus model, in the session's units.
    cost : float
        Sum of squares of the weighted residual, prior included.
    information : ndarray, shape (f, f)
        ``Jᵀ W J`` of the free numbers, prior included.
    converged : bool
        Whether it ended at a minimum and not at the last of its steps.
    """

    ties: Ties
    numbers: Floats
    parameters: Floats
    residual: Floats
    cost: float
    information: Floats
    converged: bool

    @property
    def rms(self) -> float:
        """Root mean square of the residual."""
        return float(np.sqrt(np.mean(self.residual**2)))

    def covariance(self) -> Floats:
        """Covariance of the free numbers: inverse of `information`; infinite where singular."""
        scale = np.sqrt(np.maximum(np.diag(self.information), 1e-300))
        values, vectors = np.linalg.eigh(self.information / np.outer(scale, scale))
        inverse = (vectors / np.maximum(values, 1e-12)) @ vectors.T
        return np.asarray(inverse / np.outer(scale, scale))


def least_squares(
    model: ForwardModel,
    readings: Floats,
    weights: Floats,
    ties: Ties,
    *,
    numbers: Floats | None = None,
    steps: int = 60,
    tolerance: float = 1e-6,
) -> Fit:
    """Fit a model to readings.

    Parameters
    ----------
    model : ForwardModel
        The model.
    readings : ndarray, shape (n,)
        What was read.
    weights : ndarray, shape (n,)
        Of each reading: one over its variance; 0 leaves it out.
    ties : Ties
        What is free.
    numbers : ndarray, optional
        Free numbers to begin with; by default those of the ties.
    steps : int
        Most steps.
    tolerance : float
        Relative decrease of the cost below which a step is the last.

    Returns
    -------
    Fit
        At the smallest cost that was found.

    Raises
    ------
    CannotBegin
        Where the model has no value at the start.
    """
    here = ties.begin if numbers is None else numbers
    least, most, prior = _limits(model, ties, here.size)
    here = np.clip(here, least, most)

    def cost_at(point: Floats, parameters: Floats) -> float:
        found = model.evaluate(parameters, jacobian=False)
        if found is None:
            return float("inf")
        residual = readings - found.value
        return float(weights @ residual**2 + prior @ point**2)

    parameters, spread = ties.expand(here)
    cost = cost_at(here, parameters)
    if not np.isfinite(cost):
        raise CannotBegin(_NO_READING)
    damping = _DAMPING
    converged = False
    for _ in range(steps):
        information, pull, _ = _normal_equations(
            model, readings, weights, parameters, spread, prior, here
        )
        scale = np.diag(information).copy()
        scale[scale <= 0.0] = 1.0
        gained = None
        for _ in range(_TRIES):
            try:
                factor = cho_factor(information + damping * np.diag(scale), check_finite=False)
                step = cho_solve(factor, pull, check_finite=False)
            except LinAlgError:
                damping *= _STIFFEN
                continue
            there = np.clip(here + step, least, most)
            new_parameters, new_spread = ties.expand(there)
            new_cost = cost_at(there, new_parameters)
            if new_cost < cost:
                gained = (cost - new_cost) / cost
                here, parameters, spread, cost = there, new_parameters, new_spread, new_cost
                damping = max(damping / _EASE, 1e-12)
                break
            if damping > _MOST_DAMPING:
                break
            damping *= _STIFFEN
        if gained is None or gained < tolerance:
            converged = True
            break
    information, _, residual = _normal_equations(
        model, readings, weights, parameters, spread, prior, here
    )
    return Fit(ties, here, parameters, residual, cost, information, converged)


def _normal_equations(
    model: ForwardModel,
    readings: Floats,
    weights: Floats,
    parameters: Floats,
    spread: Floats,
    prior: Floats,
    here: Floats,
) -> tuple[Floats, Floats, Floats]:
    found = model.evaluate(parameters)
    if found is None:
        raise CannotBegin(_NO_READING)
    residual = readings - found.value
    jacobian = found.jacobian @ spread
    weighted = jacobian * weights[:, None]
    information = weighted.T @ jacobian
    information[np.diag_indices_from(information)] += prior
    return information, weighted.T @ residual - prior * here, residual


_LOG_POWER = (-14.0, 14.0)


def _limits(model: ForwardModel, ties: Ties, size: int) -> tuple[Floats, Floats, Floats]:
    """Bounds, and the precision of a prior at 0, of each free number."""
    sources = model.count(ties.start)
    blocks = model.blocks(sources)
    least = np.full(ties.start.size, -np.inf)
    most = np.full(ties.start.size, np.inf)
    sigma = np.full(ties.start.size, np.inf)
    least[blocks["response"]] = [-np.inf, 1e-9, 0.0]
    powers = slice(blocks["sources"].start, blocks["sources"].stop, 3)
    least[powers], most[powers] = _LOG_POWER
    least[blocks["beam"]], most[blocks["beam"]] = model.beam.bounds
    sigma[blocks["beam"]] = model.beam.prior_sigma
    rest = np.full(size - int(ties.free.sum()), np.inf)
    return (
        np.concatenate([least[ties.free], -rest]),
        np.concatenate([most[ties.free], rest]),
        np.concatenate([sigma[ties.free], rest]) ** -2.0,
    )
