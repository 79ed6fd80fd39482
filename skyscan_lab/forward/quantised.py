"""Likelihood of readings that were rounded: what a reading says is that it lay within half a step.

Where the noise is not much larger than the step, the squares of the residuals are not what the
readings say: a reading that stays the same over half a beam holds its level to a fraction of the
step at best, one that changes holds it much better. The probability of a reading is
``Φ((r + q/2 − m)/σ) − Φ((r − q/2 − m)/σ)``; its maximum is found by Fisher's scoring, with the
derivatives of the model and the information of a rounded reading in place of one over a variance.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from skyscan_lab.errors import InvalidInput
from skyscan_lab.forward.descent import DAMPING, FARTHEST, next_damping, step
from skyscan_lab.forward.fitting import Fit, limits
from skyscan_lab.forward.model import ForwardModel

Floats = NDArray[np.float64]

_LOG_ROOT_2PI = 0.5 * float(np.log(2.0 * np.pi))
_REACH = 6.0
_LEAST = 1e-12
_WITHIN = np.linspace(0.0, 1.0, 2049)
# Beyond, rounding is a little more noise: the information of a reading is that to 1e-6.
_FINE = 1.5


def information_of(model: Floats, noise: float, rounding: float) -> Floats:
    """Fisher information of a rounded reading about its expectation, one over units squared.

    Parameters
    ----------
    model : ndarray
        Expected reading before it was rounded.
    noise : float
        Standard deviation of the reading before it was rounded.
    rounding : float
        Step to whose multiples it was rounded.

    Examples
    --------
    Half way between two steps a reading with little noise says most:

    >>> information_of(np.array([0.0, 0.5]), 0.2, 1.0).round(3)
    array([ 2.474, 15.916])
    """
    if noise > _FINE * rounding:
        return np.full(np.shape(model), 1.0 / (noise**2 + rounding**2 / 12.0))
    place = np.asarray(model, dtype=float) / rounding
    table = _information_table(noise / rounding)
    return np.asarray(np.interp(place - np.floor(place), _WITHIN, table) / rounding**2)


@lru_cache(maxsize=64)
def _information_table(noise: float) -> Floats:
    """Information at the places within a step, in units of the step."""
    most = int(np.ceil(_REACH * noise)) + 2
    scaled = (np.arange(-most, most + 2) - 0.5 - _WITHIN[:, None]) / noise
    probability = np.diff(ndtr(scaled), axis=-1)
    slopes = np.diff(np.exp(-0.5 * scaled**2 - _LOG_ROOT_2PI), axis=-1) / noise
    # What hardly happens says hardly anything, and its probability is lost in the last digits.
    known = np.where(probability > _LEAST, slopes**2 / np.maximum(probability, _LEAST), 0.0)
    table = np.asarray(known.sum(axis=-1))
    table.setflags(write=False)
    return table


def most_likely(
    model: ForwardModel,
    readings: Floats,
    noise: float,
    rounding: float,
    fit: Fit,
    *,
    used: Floats | None = None,
    steps: int = 60,
    tolerance: float = 1e-8,
) -> Fit:
    """Fit a model to rounded readings, by maximum likelihood.

    Parameters
    ----------
    model : ForwardModel
        The model.
    readings : ndarray, shape (n,)
        What was read, each a multiple of `rounding`.
    noise : float
        Standard deviation of a reading before it was rounded.
    rounding : float
        The step.
    fit : Fit
        Where to begin: a fit of the same model by least squares. What was free there is free here.
    used : ndarray, shape (n,), optional
        Weight of each reading: 1, or 0 to leave it out.
    steps : int
        Most steps.
    tolerance : float
        Decrease of the cost, for each reading, below which a step is the last.

    Returns
    -------
    Fit
        ``cost`` is −2 times the logarithm of the likelihood, ``information`` that of Fisher.

    Raises
    ------
    InvalidInput
        For a noise or a rounding that is not positive.
    """
    for name, value in (("noise", noise), ("rounding", rounding)):
        if not value > 0.0:
            raise InvalidInput(name, value, "greater than 0")
    weight = np.ones(readings.size) if used is None else used
    least, most, prior, stride = limits(model, fit.ties)
    enough = tolerance * readings.size
    here = _at(fit, model, readings, weight, noise, rounding, prior)
    if here is None:
        return fit
    damping, tries, done = DAMPING, 0, 0
    while done < steps and tries >= 0:
        now, pull = here
        numbers = step(now.numbers, now.information, pull, damping, least, most, stride)
        there = _at(replace(fit, numbers=numbers), model, readings, weight, noise, rounding, prior)
        better = there is not None and there[0].cost < now.cost
        damping, tries = next_damping(damping, tries, better)
        if there is not None and better:
            gained = now.cost - there[0].cost
            here, done = there, done + 1
            if gained < enough:
                break
    return here[0]


def _at(
    fit: Fit,
    model: ForwardModel,
    readings: Floats,
    weight: Floats,
    noise: float,
    rounding: float,
    prior: Floats,
) -> tuple[Fit, Floats] | None:
    """The fit that has some numbers, and the pull on them."""
    if not np.all(np.abs(fit.numbers) < FARTHEST):
        return None
    parameters, spread = fit.ties.expand(fit.numbers)
    found = model.evaluate(parameters)
    if found is None:
        return None
    selects = fit.ties.selects
    jacobian = found.jacobian @ spread if selects is None else found.jacobian[:, selects]
    low = (readings - 0.5 * rounding - found.value) / noise
    high = low + rounding / noise
    log_probability = _log_between(low, high)
    # Derivative of the logarithm of a probability: densities at its ends, over it.
    score = (
        np.exp(-0.5 * low**2 - _LOG_ROOT_2PI - log_probability)
        - np.exp(-0.5 * high**2 - _LOG_ROOT_2PI - log_probability)
    ) / noise
    known = weight * information_of(found.value, noise, rounding)
    information = jacobian.T @ (known[:, None] * jacobian)
    information[np.diag_indices_from(information)] += prior
    off = fit.numbers - fit.ties.prior_mean
    there = replace(
        fit,
        parameters=parameters,
        residual=readings - found.value,
        cost=float(-2.0 * weight @ log_probability + prior @ off**2),
        information=information,
    )
    return there, jacobian.T @ (weight * score) - prior * off


def _log_between(low: Floats, high: Floats) -> Floats:
    """Logarithm of the normal probability between two numbers, however far out they lie."""
    # Of two tails the left one is computed without cancellation.
    right = low + high > 0.0
    one, other = np.where(right, -high, low), np.where(right, -low, high)
    upper = log_ndtr(other)
    return np.asarray(upper + np.log1p(-np.exp(np.minimum(log_ndtr(one) - upper, -1e-16))))
