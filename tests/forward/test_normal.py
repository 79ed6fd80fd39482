"""Truth: the derivatives of the model and numpy's products of them; scipy's least squares."""

import numpy as np
import pytest
from scipy.optimize import least_squares as scipy_least_squares

from skyscan_lab.forward import (
    ApertureBeam,
    CannotBegin,
    ForwardModel,
    GaussianBeam,
    Ties,
    least_squares,
    modes_up_to,
    source_rows,
)
from skyscan_lab.forward.normal import KINDS, normal_equations
from skyscan_lab.forward.tiles import BLOCK, Tiles

RNG = np.random.default_rng(20261126)
BEAMS = {
    "narrow gaussian": (GaussianBeam(), [60.0, 4.0, 45.0]),
    "wide gaussian": (GaussianBeam(), [2.0, 0.3, 3.0]),
    "airy": (ApertureBeam(), [37.0, -3.0, 33.0, 0.3]),
    "modes": (ApertureBeam(modes_up_to(2)), [37.0, 2.0, 33.0, 0.2, *np.full(6, 0.1)]),
}


def sky(name, kind, samples=700):
    """All round, so that most sources are far from most samples, and some behind them."""
    beam, own = BEAMS[name]
    near = [centre + RNG.uniform(-2.0, 2.0, (60, 2)) for centre in ((10, 41), (190, 30), (200, 60))]
    directions = RNG.uniform([0.0, -5.0], [360.0, 80.0], (samples - 180, 2))
    azimuth, elevation = np.concatenate([*near, directions]).T
    model = ForwardModel(azimuth, elevation, beam, kind, ("elevation", "azimuth"))
    parameters = model.join(
        response=[400.0, 165.0, 0.02],
        floor=[1.0, 0.2, -0.1],
        sources=source_rows([30.0, 4.0, 9.0], [10.0, 190.5, 200.0], [41.0, 30.0, 60.0]),
        beam=own,
    )
    return model, parameters


@pytest.mark.parametrize("kind", ["logarithmic", "linear"])
@pytest.mark.parametrize("name", BEAMS)
def test_normal_equations_are_the_products_of_the_derivatives(name, kind):
    model, parameters = sky(name, kind)
    readings = RNG.normal(400.0, 50.0, model.azimuth_deg.size)
    weights = RNG.uniform(0.0, 2.0, readings.size)
    found = model.evaluate(parameters)
    rest = readings - found.value
    tiles, wanted = model.frames.tiles, np.arange(parameters.size)[::-1].copy()
    jacobian = found.jacobian[:, wanted]
    residual = np.empty(len(tiles.columns) * BLOCK)
    information, pull = np.empty((wanted.size, wanted.size)), np.empty(wanted.size)
    cost = normal_equations(
        tiles.columns,
        tiles.centres,
        tiles.radii,
        model.arranged_floor,
        KINDS[kind],
        *model.beam.compiled,
        len(model.beam.names),
        parameters,
        wanted,
        tiles.arranged(readings),
        tiles.arranged(weights, 0.0),
        residual,
        information,
        pull,
    )
    assert np.allclose(tiles.put_back(residual), rest, rtol=0.0, atol=1e-9)
    assert cost == pytest.approx(float(weights @ rest**2), rel=1e-12)
    expected = jacobian.T @ (weights[:, None] * jacobian)
    scale = np.sqrt(np.diag(expected))
    assert np.all(scale > 0.1)
    assert np.abs((information - expected) / np.outer(scale, scale)).max() < 1e-11
    assert np.allclose(pull, jacobian.T @ (weights * rest), rtol=1e-9, atol=1e-9 * scale.max())


@pytest.mark.parametrize("kind", ["logarithmic", "linear"])
@pytest.mark.parametrize("name", ["narrow gaussian", "airy"])
def test_a_fit_ends_where_scipy_ends(name, kind):
    beam, own = BEAMS[name]
    azimuth, elevation = (axis.ravel() for axis in np.mgrid[170:190:0.8, 30:50:0.8])
    model = ForwardModel(azimuth, elevation, beam, kind)
    truth = model.join(
        response=[0.0, 10.0, 0.0],
        floor=[2.0],
        sources=source_rows([30.0, 9.0], [178.0, 183.0], [38.0, 42.0]),
        beam=own,
    )
    free = np.ones(truth.size, dtype=bool)
    free[:3] = False
    readings = model.evaluate(truth).value + RNG.normal(scale=0.1, size=azimuth.size)
    weights = np.where(RNG.random(azimuth.size) < 0.1, 0.0, 100.0)
    start = truth.copy()
    start[free] += RNG.normal(scale=[0.2, *[0.2, 0.01, 0.01] * 2, *0.05 * np.abs(own)])
    names = model.names(2)
    same = {names.index("beam_yy"): names.index("beam_xx")}
    apart = free.copy()
    apart[names.index("beam_yy")] = False
    for ties in (Ties(start, free), Ties(start, apart, same)):
        # Steps of one parameter by another go step by step, others in one compiled call.
        fit = least_squares(model, readings, weights, ties, tolerance=1e-12)

        def misfit(numbers, ties=ties):
            return np.sqrt(weights) * (model.evaluate(ties.expand(numbers)[0]).value - readings)

        expected = scipy_least_squares(misfit, fit.numbers, x_scale="jac", xtol=1e-14, ftol=1e-14)
        sigma = np.sqrt(np.diag(fit.covariance()))
        assert np.all(np.abs(fit.numbers - expected.x) < 1e-3 * sigma)
        assert fit.cost == pytest.approx(2.0 * expected.cost, rel=1e-9)
        assert np.allclose(fit.residual * np.sqrt(weights), -expected.fun, atol=1e-2)


@pytest.mark.parametrize("name", ["narrow gaussian", "airy"])
def test_there_is_no_fit_where_no_receiver_shows_the_power(name):
    model, parameters = sky(name, "logarithmic")
    parameters[model.blocks(3)["floor"].start] = -1.0
    free = np.zeros(parameters.size, dtype=bool)
    free[model.blocks(3)["sources"]] = True
    readings = np.zeros(model.azimuth_deg.size)
    with pytest.raises(CannotBegin):
        least_squares(model, readings, np.ones(readings.size), Ties(parameters, free))


def test_tiles_hold_every_sample_once_within_their_radius():
    model, _ = sky("airy", "linear", samples=5 * BLOCK + 3)
    tiles = model.frames.tiles
    assert np.array_equal(np.sort(tiles.order), np.arange(5 * BLOCK + 3))
    numbers = RNG.normal(size=tiles.order.size)
    assert np.array_equal(tiles.put_back(tiles.arranged(numbers)), numbers)
    assert np.all(tiles.arranged(numbers, 0.0)[numbers.size :] == 0.0)
    ahead = tiles.columns[:, 6:].transpose(0, 2, 1)
    angle = np.arccos(np.clip(np.einsum("bkj,bj->bk", ahead, tiles.centres), -1.0, 1.0))
    assert np.all(angle.max(axis=1) <= tiles.radii + 1e-7)
    assert np.all(tiles.radii < np.radians(120.0))
    plain = Tiles.as_they_are(model.frames.across, model.frames.along, model.frames.ahead)
    ahead = plain.columns[:, 6:].transpose(0, 2, 1).reshape(-1, 3)
    assert np.array_equal(ahead[: numbers.size], model.frames.ahead)
