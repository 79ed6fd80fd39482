"""Samples that are left out: truth is the same question asked without them."""

import numpy as np
import pytest

from skyscan_lab.interpolation.calibration import error_scale
from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.kriging import kriging
from skyscan_lab.interpolation.left_out import kriging_left_out
from skyscan_lab.interpolation.residual import fit_residual
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.session import session_from_points
from skyscan_lab.sphere import unit_vector
from tests.interpolation import maps


def test_kriging_leaves_out_as_if_the_sample_were_not_there():
    rng = np.random.default_rng(3)
    az, el = rng.uniform(100.0, 130.0, 60), rng.uniform(30.0, 50.0, 60)
    level = maps.level(az, el, [(112.0, 41.0, 60.0)])
    covariance = Covariance("matern52", 4.0, 20.0, 0.5)
    every = Samples.of(session_from_points(az, el, level, units="counts"))
    places = np.array([0, 17, 59])
    found = kriging_left_out(every.vectors, every.values, places, covariance)
    for place, residual in zip(places, found, strict=True):
        kept = np.arange(60) != place
        rest = Samples.of(
            session_from_points(
                every.azimuth[kept], every.elevation[kept], every.values[kept], units="counts"
            )
        )
        there = Targets.of_points((every.azimuth[[place]], every.elevation[[place]]))
        without = kriging(rest, there, covariance=covariance)
        assert residual == pytest.approx(every.values[place] - without.values[0], rel=1e-6)


def test_errors_are_scaled_where_they_are_too_small_and_left_where_they_are_right():
    rng = np.random.default_rng(5)
    share = rng.uniform(0.0, 1.0, 6000)
    z = rng.normal(0.0, np.where(share < 0.5, 1.0, 2.0))
    low, high = error_scale(share, z, np.array([0.2, 0.8]))
    assert low == pytest.approx(1.0, abs=0.12)
    assert high == pytest.approx(2.0, abs=0.24)


def test_outliers_make_errors_no_smaller_than_either_interval_asks_for():
    rng = np.random.default_rng(6)
    z = rng.standard_t(2.5, 4000)
    scale = error_scale(np.zeros(4000), z, np.zeros(1))[0]
    assert np.mean(np.abs(z) <= scale) >= 0.68
    assert np.mean(np.abs(z) <= 1.96 * scale) >= 0.949


@pytest.mark.parametrize("side", [20, 30])
def test_a_residual_is_told_from_the_noise_and_its_length_is_found(side):
    # At once and in blocks: a field of known length by a sum of many random waves.
    rng = np.random.default_rng(7)
    az, el = (axis.ravel() for axis in np.meshgrid(np.arange(side) + 100.0, np.arange(side) + 30.0))
    vectors = unit_vector(az, el)
    length, amplitude, noise = np.radians(2.5), 0.8, 0.4
    waves = rng.normal(0.0, 1.0 / length, (3, 2000))
    phases = rng.uniform(0.0, 2.0 * np.pi, 2000)
    smooth = np.cos(vectors @ waves + phases).sum(axis=1) * amplitude * np.sqrt(2.0 / 2000.0)
    residual = smooth + rng.normal(0.0, noise, az.size)
    drift = np.column_stack([np.ones(az.size), az - az.mean()])
    found = fit_residual(vectors, np.zeros(az.size), residual, drift, np.radians(5.0), 0.1)
    assert found.noise == pytest.approx(noise, rel=0.12)
    assert found.base == pytest.approx(amplitude, rel=0.35)
    assert found.base_length_rad == pytest.approx(length, rel=0.3)
