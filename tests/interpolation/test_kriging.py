"""Truth: kriging by dense matrices written out here, and scikit's formula of a normal density."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from skyscan_lab.errors import InvalidInput
from skyscan_lab.interpolation import Covariance, interpolate
from skyscan_lab.interpolation.likelihood import compact_blocks, fit_covariance
from skyscan_lab.interpolation.ring import RingSolver
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.session import session_from_points
from tests.interpolation.maps import angle_deg, scan, some_sources


def rho(family, az1, el1, az2, el2, length_deg):
    """Correlation, from the chord as the sine of half the angle."""
    chord = 2 * np.sin(np.radians(angle_deg(az1, el1, az2, el2)) / 2) / np.radians(length_deg)
    h = chord * {"matern52": 5**0.5, "matern32": 3**0.5}.get(family, 1.0)
    return {
        "gaussian": np.exp(-(chord**2) / 2),
        "matern52": (1 + h + h**2 / 3) * np.exp(-h),
        "matern32": (1 + h) * np.exp(-h),
        "exponential": np.exp(-h),
    }[family]


def by_hand(ds, az, el, c):
    """Ordinary kriging as the linear system with a multiplier that textbooks have."""
    s = Samples.of(ds)
    n = s.values.size
    pairs = rho(
        c.family, s.azimuth[:, None], s.elevation[:, None], s.azimuth, s.elevation, c.length_deg
    )
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = c.amplitude**2 * pairs + c.noise**2 * np.eye(n)
    system[n, n] = 0.0
    right = np.ones((n + 1, az.size))
    right[:n] = c.amplitude**2 * rho(
        c.family, s.azimuth[:, None], s.elevation[:, None], az, el, c.length_deg
    )
    weights = np.linalg.solve(system, right)
    variance = c.amplitude**2 - np.einsum("nm,nm->m", weights, right)
    return s.values @ weights[:n], np.sqrt(variance)


@pytest.mark.parametrize("family", ["gaussian", "matern52", "matern32", "exponential"])
@pytest.mark.parametrize("drop", [0.0, 0.1])
@pytest.mark.parametrize("columns", [36, 45])  # an even and an odd number of frequencies
def test_a_ring_is_kriged_exactly(family, drop, columns):
    rng = np.random.default_rng(2)
    azimuths = 5.0 + np.arange(columns) * 360.0 / columns
    ds = scan(
        azimuths, np.arange(20.0, 61, 8), some_sources(rng, 20), noise=0.5, rng=rng, drop=drop
    )
    c = Covariance(family, 9.0, 20.0, 0.5)
    az, el = rng.uniform(0, 360, 80), rng.uniform(20, 60, 80)
    got = interpolate(ds, method="kriging", points=(az, el), covariance=c, extrapolate=True)
    assert Samples.of(ds).ring is not None
    mean, error = by_hand(ds, az, el, c)
    np.testing.assert_allclose(got.rssi, mean, atol=1e-9)
    np.testing.assert_allclose(got.rssi_error, error, atol=1e-9)


def test_other_samples_are_kriged_exactly():
    rng = np.random.default_rng(3)
    az, el = rng.uniform(0, 80, 150), rng.uniform(10, 85, 150)
    ds = session_from_points(az, el, rng.normal(size=150), units="dB")
    c = Covariance("matern32", 12.0, 1.0, 0.2)
    wanted = rng.uniform(10, 70, (2, 40))
    got = interpolate(ds, method="kriging", points=wanted, covariance=c, extrapolate=True)
    mean, error = by_hand(ds, *wanted, c)
    np.testing.assert_allclose(got.rssi, mean, atol=1e-9)
    np.testing.assert_allclose(got.rssi_error, error, atol=1e-9)


def test_windows_come_near_and_their_errors_are_larger():
    rng = np.random.default_rng(4)
    ds = scan(
        np.arange(0.0, 61, 2),
        np.arange(20.0, 61, 2),
        some_sources(rng, 20, (0, 60)),
        noise=0.5,
        rng=rng,
    )
    wanted = rng.uniform(22, 58, (2, 60))
    c = Covariance("matern52", 8.0, 20.0, 0.5)
    exact = interpolate(ds, method="kriging", points=wanted, covariance=c)
    near = interpolate(ds, method="kriging", points=wanted, covariance=c, window=96)
    assert np.all(np.abs(exact.rssi - near.rssi).values < exact.rssi_error.values)
    assert np.all(near.rssi_error.values >= exact.rssi_error.values - 1e-9)


@pytest.mark.parametrize("drop", [0.0, 0.15])
def test_the_likelihood_of_a_ring_is_that_of_a_normal_density(drop):
    rng = np.random.default_rng(6)
    ds = scan(
        np.arange(0.0, 360, 20),
        np.arange(20.0, 61, 10),
        some_sources(rng, 9),
        noise=1.0,
        rng=rng,
        drop=drop,
    )
    s = Samples.of(ds)
    c = Covariance("gaussian", 15.0, 12.0, 1.0)
    solver = RingSolver(s.ring, c)
    y = s.values - 500.0
    square = y @ solver.solve(y)[s.ring.row, s.ring.column]
    ours = -0.5 * (square + solver.log_determinant + y.size * np.log(2 * np.pi))
    pairs = rho("gaussian", s.azimuth[:, None], s.elevation[:, None], s.azimuth, s.elevation, 15.0)
    dense = c.amplitude**2 * pairs + c.noise**2 * np.eye(y.size)
    assert ours == pytest.approx(multivariate_normal(cov=dense).logpdf(y), rel=1e-9)


@pytest.mark.parametrize("whole", [True, False])
def test_length_amplitude_and_noise_are_found(whole):
    """Sources all over the sky through a beam: the length is that of its autocorrelation."""
    rng = np.random.default_rng(9)
    sources = some_sources(rng, 600)
    azimuths = np.arange(0.0, 360, 3) if whole else np.arange(0.0, 200, 3)
    ds = scan(azimuths, np.arange(20.0, 63, 2), sources, noise=1.0, rng=rng)
    fit = fit_covariance(Samples.of(ds))
    beam = Covariance.of_beam(5.0, 1.0, 1.0)
    assert fit.family == "gaussian"
    assert fit.length_deg == pytest.approx(beam.length_deg, rel=0.06)
    assert fit.noise == pytest.approx(1.0, rel=0.1)
    assert fit.amplitude == pytest.approx(float(ds.rssi.std()), rel=0.25)


def test_noise_is_never_below_rounding_and_scatter():
    rng = np.random.default_rng(10)
    ds = scan(np.arange(0.0, 40, 2), np.arange(20.0, 60, 2), some_sources(rng, 30, (0, 40)))
    ds["rssi"] = np.rint(ds["rssi"]).assign_attrs(ds.rssi.attrs)
    assert Samples.of(ds).rounding == 1.0
    assert fit_covariance(Samples.of(ds)).noise >= 12**-0.5 * 0.999
    ds["rssi_std"][...] = 3.0
    ds["rssi_reads"][...] = 9
    assert fit_covariance(Samples.of(ds)).noise >= (1.0 + 1 / 12) ** 0.5 * 0.999


def test_a_known_beam_gives_the_length():
    rng = np.random.default_rng(11)
    ds = scan(
        np.arange(0.0, 40, 2),
        np.arange(20.0, 60, 2),
        some_sources(rng, 30, (0, 40)),
        noise=0.3,
        rng=rng,
    )
    c = fit_covariance(Samples.of(ds), ("gaussian",), Covariance.of_beam(5.0, 1, 1).length_deg)
    assert c.length_deg == pytest.approx(2**0.5 * 5.0 / (8 * np.log(2)) ** 0.5)
    got = interpolate(ds, method="kriging", step=1.0, hpbw_deg=5.0)
    assert np.isfinite(got.rssi.values).all()


def test_blocks_hold_each_sample_once_and_hang_together():
    rng = np.random.default_rng(12)
    vectors = rng.normal(size=(1000, 3))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    blocks = compact_blocks(vectors, 100)
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(1000))
    assert max(block.size for block in blocks) <= 100
    spread = np.mean([np.ptp(vectors[block], axis=0).max() for block in blocks])
    assert spread < 1.2  # of 2


@pytest.mark.parametrize("name", ["length_deg", "amplitude", "noise"])
def test_a_covariance_out_of_range_is_refused(name):
    values = {"length_deg": 1.0, "amplitude": 1.0, "noise": 1.0, name: 0.0}
    with pytest.raises(InvalidInput, match=name):
        Covariance("gaussian", **values)
    with pytest.raises(InvalidInput, match="family"):
        Covariance("box", 1.0, 1.0, 1.0)
