"""Truth: scipy's normal distribution, sums over every reading that may be, scipy's minimizer."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2, norm

from skyscan_lab.errors import InvalidInput
from skyscan_lab.forward import (
    ApertureBeam,
    ForwardModel,
    GaussianBeam,
    Ties,
    least_squares,
    source_rows,
)
from skyscan_lab.forward.profile import rise
from skyscan_lab.forward.quantised import information_of, most_likely

RNG = np.random.default_rng(20261127)


@pytest.mark.parametrize("noise", [0.1, 0.4, 1.0, 1.4, 3.0])
def test_information_is_the_mean_of_the_squared_score(noise):
    step, levels = 2.0, np.linspace(-3.0, 3.0, 41)
    steps = step * np.arange(-40, 41)
    edges = (np.append(steps, steps[-1] + step) - step / 2 - levels[:, None]) / (noise * step)
    share = np.diff(norm.cdf(edges), axis=1)
    score = np.where(
        share > 1e-12,
        -np.diff(norm.pdf(edges), axis=1) / (noise * step) / np.maximum(share, 1e-300),
        0.0,
    )
    expected = (share * score**2).sum(axis=1)
    found = information_of(levels, noise * step, step)
    # Between the entries of a table, where little noise makes it steep.
    assert np.allclose(found, expected, rtol=2e-4 if noise < 0.3 else 1e-5)


def rounded_sky(noise, step, beam):
    azimuth, elevation = (axis.ravel() for axis in np.mgrid[175:186:1.5, 35:46:1.5])
    model = ForwardModel(azimuth, elevation, beam, "logarithmic")
    truth = model.join(
        response=[0.0, 10.0, 0.0],
        floor=[1.0],
        sources=source_rows([15.0], [180.4], [40.3]),
        beam=beam.start((5.0, 4.4)),
    )
    free = np.ones(truth.size, dtype=bool)
    free[:3] = False
    values = model.evaluate(truth).value + RNG.normal(scale=noise, size=azimuth.size)
    weights = np.full(azimuth.size, 1.0 / (noise**2 + step**2 / 12.0))
    return model, step * np.rint(values / step), weights, Ties(truth, free)


@pytest.mark.parametrize("noise", [0.3, 0.8])
def test_the_likelihood_of_rounded_readings_is_greatest_where_a_minimizer_ends(noise):
    model, readings, weights, ties = rounded_sky(noise, 1.0, GaussianBeam())
    used = np.ones(readings.size)
    used[7] = 0.0
    readings[7] = 90.0

    def deviance(numbers):
        level = model.evaluate(ties.expand(numbers)[0]).value
        share = norm.cdf((readings + 0.5 - level) / noise) - norm.cdf(
            (readings - 0.5 - level) / noise
        )
        return -2.0 * float(used @ np.log(np.maximum(share, 1e-300)))

    begin = least_squares(model, readings, weights * used, ties)
    fit = most_likely(model, readings, noise, 1.0, begin, used=used, tolerance=1e-12)
    sigma = np.sqrt(np.diag(fit.covariance()))
    scaled = minimize(
        lambda offset: deviance(fit.numbers + sigma * offset),
        np.full(sigma.size, 0.02),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-9, "maxiter": 8000, "maxfev": 8000},
    )
    assert fit.cost == pytest.approx(deviance(fit.numbers), abs=1e-8)
    assert fit.cost <= scaled.fun + 1e-6
    assert fit.cost < deviance(begin.numbers)
    assert np.abs(scaled.x).max() < 0.02


def test_with_much_noise_it_is_least_squares():
    model, readings, weights, ties = rounded_sky(0.8, 0.05, ApertureBeam())
    begin = least_squares(model, readings, weights, ties, tolerance=1e-10)
    fit = most_likely(model, readings, 0.8, 0.05, begin)
    sigma = np.sqrt(np.diag(begin.covariance()))
    assert np.all(np.abs(fit.numbers - begin.numbers) < 0.01 * sigma)
    assert np.allclose(np.diag(fit.covariance()), sigma**2, rtol=1e-3)


@pytest.mark.parametrize("rounding", [None, 1.0])
def test_the_cost_rises_as_far_as_chi_squared_says(rounding):
    noise, rises = 0.4, []
    for _ in range(150):
        model, readings, weights, ties = rounded_sky(noise, rounding or 1e-3, GaussianBeam())
        if rounding is None:
            weights = np.full(readings.size, noise**-2.0)
        fit = least_squares(model, readings, weights, ties, tolerance=1e-9)
        if rounding is not None:
            fit = most_likely(model, readings, noise, rounding, fit)
        held = {place: float(ties.start[place]) for place in (5, 6)}
        rises.append(rise(model, readings, weights, fit, held, rounding=rounding))
    inside = np.mean(np.array(rises) < chi2.ppf(0.8, 2))
    assert 0.8 - 3.5 * 0.033 < inside < 0.8 + 3.5 * 0.033
    assert min(rises) >= 0.0


def test_noise_and_rounding_are_positive():
    model, readings, weights, ties = rounded_sky(0.4, 1.0, GaussianBeam())
    fit = least_squares(model, readings, weights, ties)
    for noise, rounding in ((0.0, 1.0), (0.4, -1.0)):
        with pytest.raises(InvalidInput):
            most_likely(model, readings, noise, rounding, fit)
