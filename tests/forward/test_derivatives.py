"""Truth: central differences of the values, and the patterns and the mount of the library."""

import numpy as np
import pytest

from skyscan_lab.antenna import AiryPattern, GaussianPattern
from skyscan_lab.forward import (
    ApertureBeam,
    ForwardModel,
    GaussianBeam,
    Listed,
    Mode,
    Ties,
    fisher,
    modes_up_to,
    source_rows,
)
from skyscan_lab.forward.mounting import MOUNT_NAMES, as_mount, dial_directions, terms_of
from skyscan_lab.forward.reading import read
from skyscan_lab.mount import Mount
from skyscan_lab.sphere import unit_vector

RNG = np.random.default_rng(20261125)


def differences(function, point, scale):
    columns = []
    for place in range(point.size):
        step = np.zeros_like(point)
        step[place] = 1e-6 * scale[place]
        columns.append((function(point + step) - function(point - step)) / (2 * step[place]))
    return np.stack(columns, axis=-1)


BEAMS = {
    "gaussian": (GaussianBeam(), [30.0, 4.0, 22.0]),
    "airy": (ApertureBeam(), [37.0, -3.0, 33.0, 0.3]),
    "round airy": (ApertureBeam(), [37.0, 0.0, 37.0, 0.01]),
    "modes": (
        ApertureBeam(modes_up_to(4)),
        [37.0, 2.0, 33.0, 0.25, *(0.2 * RNG.normal(size=len(modes_up_to(4))))],
    ),
}


@pytest.mark.parametrize("kind", ["logarithmic", "linear"])
@pytest.mark.parametrize("name", BEAMS)
def test_every_derivative_is_that_of_the_value(name, kind):
    beam, own = BEAMS[name]
    azimuth = RNG.uniform(170.0, 200.0, 300)
    elevation = RNG.uniform(20.0, 60.0, 300)
    model = ForwardModel(azimuth, elevation, beam, kind, ("elevation", "azimuth", "elevation²"))
    parameters = model.join(
        response=[400.0, 165.0, 0.02],
        floor=[1.0, 0.2, -0.1, 0.05],
        sources=source_rows([3.0, 0.4], [181.0, 190.5], [41.0, 30.0]),
        beam=own,
    )
    jacobian = model.evaluate(parameters).jacobian
    expected = differences(
        lambda point: model.evaluate(point, jacobian=False).value,
        parameters,
        np.maximum(np.abs(parameters), 0.1),
    )
    size = np.abs(expected).max(axis=0)
    assert np.all(np.abs(jacobian - expected).max(axis=0) <= 2e-6 * np.maximum(size, 1e-6))
    assert model.names(2)[-len(own) :] == beam.names
    assert len(model.names(2)) == parameters.size


@pytest.mark.parametrize("name", BEAMS)
def test_gradients_are_those_of_the_gain(name):
    beam, own = BEAMS[name]
    x, y = RNG.uniform(-12.0, 12.0, (2, 200))
    x[0] = y[0] = 0.0
    gain, by_x, by_y = beam.gradient(x, y, np.array(own))
    step = 1e-5
    assert np.array_equal(gain, beam.gain(x, y, np.array(own)))
    for slope, (i, j) in ((by_x, (step, 0.0)), (by_y, (0.0, step))):
        rise = beam.gain(x + i, y + j, np.array(own)) - beam.gain(x - i, y - j, np.array(own))
        assert np.allclose(slope, rise / (2 * step), atol=2e-7)


def test_beams_without_modes_are_the_patterns_of_the_library():
    x, y = RNG.uniform(-25.0, 25.0, (2, 400))
    pairs = [
        (GaussianBeam(), GaussianPattern((5.0, 3.0)), {}),
        (ApertureBeam(), AiryPattern((5.0, 3.0), 0.3), {"blockage": 0.3}),
    ]
    for beam, pattern, options in pairs:
        ours = beam.gain(x, y, beam.start((5.0, 3.0), **options))
        assert np.allclose(ours, pattern.gain(x, y), atol=2e-9)


def test_modes_are_the_transform_of_the_aperture():
    # The aperture's field, integrated point by point over a disc.
    modes = (Mode(2, 0), Mode(2, 2, sine=True), Mode(3, 1))
    strengths = [0.3, 0.2, -0.15]
    beam = ApertureBeam(modes)
    parameters = beam.start(5.0)
    parameters[4:] = strengths
    scale = parameters[0]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    radius = (nodes + 1) / 2
    angle = np.arange(128) * 2 * np.pi / 128
    r, phi = np.meshgrid(radius, angle, indexing="ij")
    area = (weights / 2 * radius)[:, None] * np.full_like(phi, 2 * np.pi / 128) / np.pi
    # The far field of R_n^m has a factor (−1)^((n−m)/2) i^m, which is taken out of each mode:
    # here −1 for the taper and for astigmatic amplitude, and −i for coma, a phase.
    field = (
        1.0
        - strengths[0] * (2 * r**2 - 1)
        - strengths[1] * r**2 * np.sin(2 * phi)
        + 1j * strengths[2] * (3 * r**3 - 2 * r) * np.cos(phi)
    )
    x = np.array([0.0, 1.0, -2.5, 4.0, 6.0])
    y = np.array([0.0, 2.0, 0.5, -3.0, 5.0])
    angle_deg = np.hypot(x, y)
    sine = np.sin(np.radians(angle_deg)) / np.where(angle_deg > 0, angle_deg, 1.0)
    u, v = scale * x * sine, scale * y * sine
    waves = np.exp(1j * (u[:, None, None] * r * np.cos(phi) + v[:, None, None] * r * np.sin(phi)))
    expected = np.abs((waves * field * area).sum(axis=(1, 2))) ** 2
    assert np.allclose(beam.gain(x, y, parameters), expected, atol=1e-8)


def test_the_dials_and_their_derivatives_are_those_of_the_mount():
    azimuth, elevation = RNG.uniform(0.0, 360.0, 50), RNG.uniform(-5.0, 70.0, 50)
    vectors = unit_vector(azimuth, elevation)
    for terms in (np.radians([1.7, -1.2, 165.0, 0.6, -0.8]), np.zeros(5)):
        mount = as_mount(terms)
        assert isinstance(mount, Mount)
        assert np.allclose(terms_of(mount), terms)
        ours = dial_directions(vectors, terms)
        dial_azimuth, dial_elevation = mount.to_dial(azimuth, elevation)
        turn = np.angle(np.exp(1j * (ours[0] - np.radians(dial_azimuth))))
        assert np.abs(turn).max() < 1e-12
        assert np.allclose(ours[1], np.radians(dial_elevation), atol=1e-12)
        for which in (0, 1):
            expected = differences(
                lambda point, which=which, ours=ours: np.unwrap(
                    np.stack([ours[which], dial_directions(vectors, point)[which]]), axis=0
                )[1],
                terms,
                np.ones(5),
            )
            assert np.allclose(ours[2][:, which], expected, atol=1e-7)


def test_ties_pass_on_every_derivative():
    model = ForwardModel(np.array([180.0, 181.0]), np.array([40.0, 41.0]), GaussianBeam())
    start = model.join(
        response=[0.0, 10.0, 0.0],
        floor=[1.0],
        sources=source_rows([2.0, 3.0], [180.0, 185.0], [40.0, 42.0]),
        beam=model.beam.start(4.0),
    )
    names = model.names(2)
    free = np.zeros(start.size, dtype=bool)
    for name in ("log_power[0]", "azimuth[0]", "beam_xx"):
        free[names.index(name)] = True
    listed = Listed(
        np.array([names.index("azimuth[1]")]),
        np.array([names.index("elevation[1]")]),
        unit_vector([186.0], [43.0]),
        free=MOUNT_NAMES,
    )
    same = {names.index("beam_yy"): names.index("beam_xx")}
    ties = Ties(start, free, same, listed, np.radians([0.5, 0.1, -1.0, 0.2, 0.1]))
    numbers = ties.begin
    parameters, spread = ties.expand(numbers)
    expected = differences(lambda point: ties.expand(point)[0], numbers, np.ones(numbers.size))
    assert np.allclose(spread, expected, atol=1e-7)
    assert parameters[names.index("beam_yy")] == parameters[names.index("beam_xx")]
    assert ties.names(names) == ("log_power[0]", "azimuth[0]", "beam_xx", *MOUNT_NAMES)


def test_fisher_is_the_inverse_of_the_scatter_of_a_straight_line():
    x = np.linspace(0.0, 1.0, 50)
    design = np.stack([np.ones_like(x), x], axis=1)
    noise = RNG.normal(scale=0.3, size=(20_000, x.size))
    estimates = np.linalg.lstsq(design, noise.T, rcond=None)[0]
    assert np.allclose(np.linalg.inv(fisher(design, 0.3)), np.cov(estimates), rtol=0.05)


def test_compression_bends_the_response_and_too_much_has_no_reading():
    power = np.array([1.0, 10.0])
    plain = read("linear", power, np.array([0.0, 2.0, 0.0]))
    bent = read("linear", power, np.array([0.0, 2.0, 0.1]))
    assert np.allclose(plain.value, [2.0, 20.0])
    assert np.allclose(bent.value, [2.0 / 1.1, 10.0])
    assert read("linear", power, np.array([0.0, 2.0, -0.2])) is None
