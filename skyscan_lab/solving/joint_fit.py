"""Sources, floor and response fitted at once to readings whose noise is correlated along scans.

`skyscan_lab.forward.least_squares` takes readings that are independent. Where a drift ties those of
a scan together the cost is ``rᵀ C⁻¹ r``, and so are the errors: generalized least squares, by
Levenberg and Marquardt's steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from skyscan_lab.forward import ForwardModel
from skyscan_lab.forward.inverse import covariance_of
from skyscan_lab.interference.scan_noise import Precision

Floats = NDArray[np.float64]

_DAMPING = 1e-3
_MOST_DAMPING = 1e8
_LOG_STRIDE = 1.5


@dataclass(frozen=True, eq=False)
class Prior:
    """What is taken to be true beforehand of each parameter: mean, and one over the variance."""

    mean: Floats
    weight: Floats


@dataclass(frozen=True, eq=False)
class JointFit:
    """A fit, or a place on the way to one.

    Attributes
    ----------
    parameters : ndarray, shape (p,)
        Of the model.
    free : ndarray of bool, shape (p,)
        Which of them were fitted.
    residual : ndarray, shape (n,)
        Readings minus model.
    cost : float
        Twice the negative log likelihood, prior included, up to a constant.
    jacobian, weighted : ndarray, shape (n, f)
        Derivatives by the free parameters, and ``C⁻¹`` times them.
    information : ndarray, shape (f, f)
        ``JᵀC⁻¹J``, prior included.
    pull : ndarray, shape (f,)
        Half of how fast the cost falls with each free parameter.
    """

    parameters: Floats
    free: NDArray[np.bool_]
    residual: Floats
    cost: float
    jacobian: Floats
    weighted: Floats
    information: Floats
    pull: Floats

    def covariance(self) -> Floats:
        """Of the free parameters; what nothing holds has an error that is as good as infinite."""
        return covariance_of(self.information)


def fit_jointly(
    model: ForwardModel,
    readings: Floats,
    precision: Precision,
    prior: Prior,
    start: Floats,
    free: NDArray[np.bool_],
    *,
    steps: int = 40,
    enough: float = 1e-3,
    same: tuple[int, int] | None = None,
) -> JointFit | None:
    """Fit a model to correlated readings.

    Parameters
    ----------
    model : ForwardModel
        The model.
    readings : ndarray, shape (n,)
        What was read.
    precision : Precision
        Inverse covariance of the readings.
    prior : Prior
        Of all parameters.
    start : ndarray, shape (p,)
        Parameters to begin with; what is not free stays.
    free : ndarray of bool, shape (p,)
        Which are free.
    steps : int
        Most steps.
    enough : float
        Decrease of the cost below which a step is the last.
    same : (int, int), optional
        A parameter that is free, and one that is kept equal to it.

    Returns
    -------
    JointFit or None
        None where the model has no value at the start.
    """
    if same is not None:
        start, free = start.copy(), free.copy()
        start[same[1]], free[same[1]] = start[same[0]], False
    here = _at(model, readings, precision, prior, start, free, same)
    if here is None:
        return None
    stride = np.full(start.size, np.inf)
    blocks = model.blocks(model.count(start))
    stride[blocks["sources"].start : blocks["sources"].stop : 3] = _LOG_STRIDE
    # Nothing moves farther than a radian or so on the sky in one step, nor does a width explode.
    stride[blocks["beam"]] = 0.2
    least, most = np.full(start.size, -np.inf), np.full(start.size, np.inf)
    least[blocks["beam"]], most[blocks["beam"]] = model.beam.bounds
    least[blocks["response"]] = [-np.inf, 1e-9, 0.0]
    damping = _DAMPING
    for _ in range(steps):
        gained = 0.0
        while damping < _MOST_DAMPING:
            step = np.zeros(start.size)
            scale = np.maximum(np.diag(here.information), 1e-300)
            try:
                factor = cho_factor(here.information + damping * np.diag(scale), check_finite=False)
                step[free] = cho_solve(factor, here.pull, check_finite=False)
            except LinAlgError:
                damping *= 10.0
                continue
            wanted = here.parameters + np.clip(step, -stride, stride)
            wanted = np.clip(wanted, least, most)
            if same is not None:
                wanted[same[1]] = wanted[same[0]]
            there = _at(model, readings, precision, prior, wanted, free, same)
            if there is not None and there.cost < here.cost:
                gained = here.cost - there.cost
                here, damping = there, max(damping / 10.0, 1e-12)
                break
            damping *= 6.0
        if gained < enough:
            break
    return here


def _at(
    model: ForwardModel,
    readings: Floats,
    precision: Precision,
    prior: Prior,
    parameters: Floats,
    free: NDArray[np.bool_],
    same: tuple[int, int] | None,
) -> JointFit | None:
    found = model.evaluate(parameters)
    if found is None or not np.isfinite(found.value).all():
        return None
    residual = readings - found.value
    jacobian = found.jacobian
    if same is not None:
        jacobian[:, same[0]] += jacobian[:, same[1]]
    jacobian = jacobian[:, free]
    weighted = precision.times(jacobian)
    away = parameters - prior.mean
    information = jacobian.T @ weighted
    information[np.diag_indices_from(information)] += prior.weight[free]
    return JointFit(
        parameters,
        free,
        residual,
        float(residual @ precision.times(residual) + prior.weight @ away**2),
        jacobian,
        weighted,
        information,
        weighted.T @ residual - prior.weight[free] * away[free],
    )
