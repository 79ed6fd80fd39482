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
_LEAST_DAMPING = 1e-12
_FREEZES = 4
# A number that no reading holds may be thrown anywhere; its square is still to be one.
_FARTHEST = 1e100
# Of a source, over the floor.
_LOG_POWER = np.array([-7.0, 30.0])
_LOG_STRIDE = 2.0


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
    scatter : float
        Standard deviation of a reading about the model, from the residual of the readings that
        count and their degrees of freedom.
    """

    ties: Ties
    numbers: Floats
    parameters: Floats
    residual: Floats
    cost: float
    information: Floats
    scatter: float

    @property
    def rms(self) -> float:
        """Root mean square of the residual."""
        return float(np.sqrt(np.mean(self.residual**2)))

    def covariance(self) -> Floats:
        """Covariance of the free numbers: inverse of `information`.

        What the readings do not hold at all has an error that is as good as infinite.
        """
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
    problem = _Problem(model, readings, weights, ties)
    here = problem.at(np.clip(ties.begin if numbers is None else numbers, *problem.bounds))
    if here is None:
        raise CannotBegin("the model has no reading where a fit is to begin")
    damping = _DAMPING
    for _ in range(steps):
        gained = None
        for _ in range(_TRIES):
            there = problem.at(here.step(damping, problem.bounds, problem.stride))
            if there is not None and there.cost < here.cost:
                gained = (here.cost - there.cost) / here.cost
                here, damping = there, max(damping / _EASE, _LEAST_DAMPING)
                break
            damping *= _STIFFEN
            if damping > _MOST_DAMPING:
                break
        if gained is None or gained < tolerance:
            break
    parameters, _ = ties.expand(here.numbers)
    counted = here.residual[weights > 0.0]
    freedom = max(counted.size - here.numbers.size, 1)
    scatter = float(np.sqrt(np.sum(counted**2) / freedom))
    return Fit(ties, here.numbers, parameters, here.residual, here.cost, here.information, scatter)


@dataclass(frozen=True, eq=False)
class _Point:
    """A place that a fit has come to."""

    numbers: Floats
    residual: Floats
    cost: float
    information: Floats
    pull: Floats

    def step(self, damping: float, bounds: tuple[Floats, Floats], stride: Floats) -> Floats:
        """Where to try next, within bounds and not further than a stride."""
        scale = np.diag(self.information).copy()
        scale[scale <= 0.0] = 1.0
        matrix = self.information + damping * np.diag(scale)
        moves = np.ones(self.numbers.size, dtype=bool)
        step = np.zeros(self.numbers.size)
        least, most = bounds
        for _ in range(_FREEZES):
            part = np.flatnonzero(moves)
            step[:] = 0.0
            try:
                factor = cho_factor(matrix[np.ix_(part, part)], check_finite=False)
            except LinAlgError:
                return self.numbers
            step[part] = cho_solve(factor, self.pull[part], check_finite=False)
            # What stands at a bound and would cross it stays, and the others know.
            stuck = ((self.numbers <= least) & (step < 0.0)) | (
                (self.numbers >= most) & (step > 0.0)
            )
            if not np.any(stuck & moves):
                break
            moves &= ~stuck
        return np.clip(self.numbers + np.clip(step, -stride, stride), least, most)


class _Problem:
    """Cost and normal equations, as functions of the free numbers."""

    def __init__(self, model: ForwardModel, readings: Floats, weights: Floats, ties: Ties) -> None:
        self._model = model
        self._readings = readings
        self._weights = weights
        self._ties = ties
        least, most, self._prior, self.stride = _limits(model, ties)
        self._mean = ties.prior_mean
        self.bounds = least, most

    def at(self, numbers: Floats) -> _Point | None:
        if not np.all(np.abs(numbers) < _FARTHEST):
            return None
        parameters, spread = self._ties.expand(numbers)
        found = self._model.evaluate(parameters)
        if found is None:
            return None
        selects = self._ties.selects
        jacobian = found.jacobian @ spread if selects is None else found.jacobian[:, selects]
        residual = self._readings - found.value
        weighted = jacobian * self._weights[:, None]
        information = weighted.T @ jacobian
        information[np.diag_indices_from(information)] += self._prior
        return _Point(
            numbers,
            residual,
            float(self._weights @ residual**2 + self._prior @ (numbers - self._mean) ** 2),
            information,
            weighted.T @ residual - self._prior * (numbers - self._mean),
        )


def _limits(model: ForwardModel, ties: Ties) -> tuple[Floats, Floats, Floats, Floats]:
    """Bounds, precision of a prior at 0, and longest step of each free number."""
    blocks = model.blocks(model.count(ties.start))
    least = np.full(ties.start.size, -np.inf)
    most, sigma, stride = -least, -least, -least
    least[blocks["response"]] = [-np.inf, 1e-9, 0.0]
    if model.kind == "logarithmic":
        least[blocks["floor"].start] = 1e-6 * abs(ties.start[blocks["floor"].start])
    powers = slice(blocks["sources"].start, blocks["sources"].stop, 3)
    level = np.log(max(abs(ties.start[blocks["floor"].start]), 1e-300))
    least[powers], most[powers] = level + _LOG_POWER
    # The logarithm of a weak power would jump: where it is small, so is what holds it.
    stride[powers] = _LOG_STRIDE
    least[blocks["beam"]], most[blocks["beam"]] = model.beam.bounds
    sigma[blocks["beam"]] = model.beam.prior_sigma
    free, rest = ties.free, np.full(ties.begin.size - int(ties.free.sum()), np.inf)
    return (
        np.concatenate([least[free], -rest]),
        np.concatenate([most[free], rest]),
        np.concatenate([sigma[free], ties.mount_sigma]) ** -2.0,
        np.concatenate([stride[free], rest]),
    )
