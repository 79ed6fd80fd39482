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

from skyscan_lab.errors import SkyscanError
from skyscan_lab.forward.descent import DAMPING, FARTHEST, next_damping, step
from skyscan_lab.forward.inverse import covariance_of
from skyscan_lab.forward.model import ForwardModel
from skyscan_lab.forward.normal import KINDS, descend, is_ellipse
from skyscan_lab.forward.ties import Ties

Floats = NDArray[np.float64]

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
        return covariance_of(self.information)


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
    begin = np.clip(ties.begin if numbers is None else numbers, *problem.bounds)
    here = problem.fitted(begin, steps, tolerance)
    if here is None:
        raise CannotBegin("the model has no reading where a fit is to begin")
    parameters, _ = ties.expand(here.numbers)
    counted = weights > 0.0
    freedom = max(int(np.count_nonzero(counted)) - here.numbers.size, 1)
    squares = np.dot(here.residual * counted, here.residual)
    scatter = float(np.sqrt(squares / freedom))
    return Fit(ties, here.numbers, parameters, here.residual, here.cost, here.information, scatter)


@dataclass(frozen=True, eq=False)
class _Point:
    """A place that a fit has come to."""

    numbers: Floats
    residual: Floats
    cost: float
    information: Floats
    pull: Floats


class _Problem:
    """Cost and normal equations, as functions of the free numbers."""

    def __init__(self, model: ForwardModel, readings: Floats, weights: Floats, ties: Ties) -> None:
        self._model = model
        self._ties = ties
        self._readings = readings
        self._weights = weights
        least, most, self._prior, self.stride = limits(model, ties)
        self._mean = ties.prior_mean
        self.bounds = least, most

    def fitted(self, begin: Floats, steps: int, tolerance: float) -> _Point | None:
        """Where the fit ends; None where the model has no value at the start."""
        selects = self._ties.selects
        if self._model.beam.compiled is None or selects is None:
            return self._fitted_step_by_step(begin, steps, tolerance)
        start = self._ties.start.astype(float)
        start[selects] = begin
        tiles = self._model.frames.tiles
        cost, numbers, residual, information = descend(
            tiles.columns,
            tiles.centres,
            tiles.radii,
            self._model.arranged_floor,
            KINDS[self._model.kind],
            *self._model.beam.compiled,
            len(self._model.beam.names),
            start,
            selects,
            tiles.arranged(self._readings),
            tiles.arranged(self._weights, 0.0),
            self._prior,
            *self.bounds,
            self.stride,
            steps,
            tolerance,
        )
        if np.isnan(cost):
            return None
        rest = tiles.put_back(residual)
        return _Point(numbers, rest, cost, information, np.zeros(numbers.size))

    def _fitted_step_by_step(self, begin: Floats, steps: int, tolerance: float) -> _Point | None:
        """As `descend`, where numbers are tied, or the beam is not compiled."""
        here = self.at(begin)
        if here is None:
            return None
        damping, tries, done = DAMPING, 0, 0
        while done < steps:
            there = self._tried(
                step(here.numbers, here.information, here.pull, damping, *self.bounds, self.stride)
            )
            better = there is not None and there.cost < here.cost
            damping, tries = next_damping(damping, tries, better)
            if there is not None and better:
                gained = (here.cost - there.cost) / here.cost
                here, done = there, done + 1
                if gained < tolerance:
                    break
            elif tries < 0:
                break
        return here

    def _tried(self, numbers: Floats) -> _Point | None:
        if self._model.beam.compiled is not None:
            parameters, _ = self._ties.expand(numbers)
            if not is_ellipse(parameters[-len(self._model.beam.names) :]):
                return None
        return self.at(numbers)

    def at(self, numbers: Floats) -> _Point | None:
        if not np.all(np.abs(numbers) < FARTHEST):
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
        off = numbers - self._mean
        return _Point(
            numbers,
            residual,
            float(self._weights @ residual**2 + self._prior @ off**2),
            information,
            weighted.T @ residual - self._prior * off,
        )


def limits(model: ForwardModel, ties: Ties) -> tuple[Floats, Floats, Floats, Floats]:
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
