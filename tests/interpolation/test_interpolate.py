"""Truth: formulas for the map that was sampled, and scipy on planes where it applies."""

import numpy as np
import pytest
import xarray as xr
from scipy.interpolate import LinearNDInterpolator

import skyscan_lab as sky
from skyscan_lab.errors import GridError, InvalidInput
from skyscan_lab.interpolation import METHODS, Covariance, interpolate
from skyscan_lab.io import load_session
from skyscan_lab.session import session_from_points, validate
from skyscan_lab.sphere import from_plane
from tests.interpolation.maps import level, scan, some_sources

SMOOTH = ["linear", "cubic", "thin_plate", "kriging"]
EXACT = ["nearest", *SMOOTH]


@pytest.fixture(scope="module")
def sources():
    return some_sources(np.random.default_rng(4), 25)


@pytest.fixture(scope="module")
def ring(sources):
    return scan(np.arange(0.0, 360, 2), np.arange(20.0, 61, 2), sources)


def test_a_full_circle_closes_on_itself(ring, sources):
    fine = interpolate(ring, step=1.5, method="kriging")
    assert fine.sizes == {"elevation": 27, "azimuth": 240}
    assert np.isfinite(fine.rssi.values).all()
    seam = fine.rssi.sel(azimuth=358.5, elevation=slice(20, 53))
    truth = level(358.5, seam.elevation.values, sources)
    np.testing.assert_allclose(seam, truth, atol=0.1)
    xr.testing.assert_identical(validate(fine), fine)


@pytest.mark.parametrize("method", SMOOTH)
def test_methods_come_near_the_truth_where_there_was_no_sample(ring, sources, method):
    rng = np.random.default_rng(7)
    az, el = rng.uniform(0, 360, 300), rng.uniform(20, 60, 300)
    got = interpolate(ring, points=(az, el), method=method)
    off = got.rssi.values - level(az, el, sources)
    allowed = {"linear": 2.5, "cubic": 0.5, "thin_plate": 0.5, "kriging": 0.1}[method]
    assert np.sqrt(np.mean(off**2)) < allowed
    assert np.all(got.rssi_error.values > 0.0)


@pytest.mark.parametrize("method", EXACT)
def test_methods_pass_through_samples_without_noise(ring, method):
    at = ring.rssi.isel(azimuth=[0, 50, 179], elevation=7)
    got = interpolate(ring, points=(at.azimuth.values, [at.elevation.item()] * 3), method=method)
    np.testing.assert_allclose(got.rssi, at, atol=0.05)


@pytest.mark.parametrize("method", SMOOTH)
def test_errors_are_the_errors_that_are_made(method):
    """Over many maps, about two thirds of the truth lies within one standard error."""
    within = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sources = some_sources(rng, 40, (100, 160), (20, 60))
        ds = scan(np.arange(100.0, 161, 2), np.arange(20.0, 61, 2), sources, noise=1.0, rng=rng)
        az, el = rng.uniform(104, 156, 400), rng.uniform(24, 56, 400)
        got = interpolate(ds, points=(az, el), method=method)
        off = got.rssi.values - level(az, el, sources)
        within.append(np.abs(off) < got.rssi_error.values)
    assert 0.58 < np.mean(within) < 0.82


def test_linear_is_that_of_scipy_where_the_sky_is_flat():
    rng = np.random.default_rng(3)
    az, el = rng.uniform(-0.5, 0.5, 60), rng.uniform(-0.5, 0.5, 60)
    values = rng.normal(size=60)
    ds = session_from_points(az, el, values, units="dB")
    wanted = rng.uniform(-0.2, 0.2, (2, 50))
    got = interpolate(ds, points=wanted, method="linear")
    plane = LinearNDInterpolator(np.column_stack([az, el]), values)(*wanted)
    np.testing.assert_allclose(got.rssi, plane, atol=2e-3)


@pytest.mark.parametrize("method", ["linear", "cubic", "thin_plate", "kriging", "kernel"])
def test_nothing_is_stretched_beside_the_zenith(method):
    """The same sky, tipped from the horizon to the zenith, gives the same values."""
    rng = np.random.default_rng(5)
    cross, up = rng.uniform(-9, 9, (2, 120))
    values = rng.normal(size=cross.size)
    given = {"kernel": {"kernel_fwhm_deg": 3.0, "noise": 0.1}}
    options = given.get(method, {"covariance": Covariance("matern52", 3.0, 1.0, 0.1)})
    wanted = rng.uniform(-7, 7, (2, 60))
    found = []
    for centre in (0.0, 89.0):
        az, el = sky_at(cross, up, centre)
        ds = session_from_points(az, el, values, units="dB")
        points = sky_at(*wanted, centre)
        got = interpolate(ds, points=points, method=method, extrapolate=True, **options)
        found.append(got.rssi.values)
    np.testing.assert_allclose(*found, atol=1e-6)


def sky_at(cross, up, elevation):
    return from_plane(cross, up, 40.0, elevation, projection="arc")


def test_what_was_not_measured_is_nan_unless_asked_for():
    ds = scan(np.arange(100.0, 121, 2), np.arange(30.0, 51, 2), [(110, 40, 50.0)])
    ds["rssi"].loc[{"azimuth": slice(106, 114), "elevation": slice(36, 44)}] = np.nan
    points = ([99.0, 110.0, 105.0, 100.0, 110.0], [40.0, 28.9, 31.0, 30.0, 40.0])
    inside = [False, False, True, True, False]
    for method in METHODS:
        got = interpolate(ds, points=points, method=method)
        np.testing.assert_array_equal(np.isfinite(got.rssi), inside)
        np.testing.assert_array_equal(np.isfinite(got.rssi_error), inside)
    everywhere = interpolate(ds, points=points, method="kriging", extrapolate=True)
    assert np.isfinite(everywhere.rssi.values).all()
    assert everywhere.rssi_error[4] > everywhere.rssi_error[2]


def test_samples_on_the_fly_to_a_grid():
    rng = np.random.default_rng(8)
    sources = [(130.0, 42.0, 80.0), (141.0, 47.0, 40.0)]
    lines = np.repeat(np.arange(30.0, 56.0, 1.5), 150)
    az = 120.0 + np.abs((np.arange(lines.size) * 0.2) % 60 - 30) + rng.uniform(0, 0.1, lines.size)
    el = lines + rng.uniform(-0.1, 0.1, az.size)
    ds = session_from_points(
        az, el, level(az, el, sources) + rng.normal(0, 0.5, az.size), units="counts"
    )
    assert ds["rssi"].dims == ("sample",)
    grid = sky.ScanGrid(az=(121, 149), el=(31, 54), step=1)
    for method in ("linear", "kriging"):
        got = interpolate(ds, grid=grid, method=method)
        truth = level(got.azimuth.values, got.elevation.values[:, None], sources)
        assert np.isfinite(got.rssi.values).all()
        assert np.sqrt(np.mean((got.rssi.values - truth) ** 2)) < 0.8
    own = interpolate(ds, step=2.0, method="linear", covariance=Covariance("matern52", 5, 9, 1))
    assert own.azimuth.values[0] == pytest.approx(az.min())
    assert own.elevation.values[-1] > 53.0


def test_free_form_samples_all_round_become_a_full_circle():
    az = np.arange(0.0, 720.0, 1.7)
    el = 30.0 + az / 360.0
    ds = session_from_points(az % 360, el, 400.0 + el, units="counts")
    got = interpolate(ds, step=1.0, method="linear")
    assert got.sizes["azimuth"] == 360


def test_channels_are_interpolated_each_by_itself(ring):
    band = xr.DataArray([0.0, 7.0], dims="frequency", coords={"frequency": [1e9, 2e9]})
    ds = ring.copy()
    for name in ("rssi", "rssi_std", "rssi_last"):
        ds[name] = (ds[name] + band).transpose("frequency", ...).assign_attrs(ds[name].attrs)
    ds["rssi"][1, :, :60] = np.nan
    got = interpolate(ds, step=2.0, method="linear", covariance=Covariance("matern52", 5, 9, 1))
    assert got["rssi"].dims == ("frequency", "elevation", "azimuth")
    np.testing.assert_allclose(got.rssi[0], ring.rssi, atol=1e-6)
    assert got.rssi[1, :, 5:55].isnull().all()
    np.testing.assert_allclose(got.rssi[1, :, 60:] - got.rssi[0, :, 60:], 7.0, atol=1e-6)


def test_kernel_is_the_weighted_mean_of_powers():
    az, el, dbm = np.array([10.0, 11.0, 10.0]), np.array([0.0, 0.0, 1.0]), np.array([0.0, 3.0, -2])
    ds = session_from_points(az, el, dbm, units="dBm")
    got = interpolate(ds, points=([10.3], [0.2]), method="kernel", kernel_fwhm_deg=2.0, noise=0.1)
    weights = 2.0 ** (-((az - 10.3) ** 2 + (el - 0.2) ** 2))
    power = 10 ** (dbm / 10)
    mean = np.sum(weights * power) / weights.sum()
    error = np.sqrt(np.sum((weights * power * 0.1) ** 2)) / weights.sum() / mean
    assert got.rssi.item() == pytest.approx(10 * np.log10(mean), abs=1e-4)
    assert got.rssi_error.item() == pytest.approx(error, rel=1e-4)


def test_an_interpolated_map_is_a_session_like_any_other(ring, tmp_path):
    sky.validate(ring)
    fine = ring.sky.interpolate(step=2.0, method="cubic")
    again = load_session(fine.sky.to_netcdf(tmp_path / "fine.nc"))
    xr.testing.assert_identical(again, fine)
    assert fine.attrs["interpolation"] == "cubic"
    assert int(fine.rssi_reads.sum()) == 0
    fine.sky.plot()


def test_points_stay_in_the_order_in_which_they_were_asked_for(ring):
    az, el = [30.0, 0.0, 0.0, 30.0, 30.0], [30.0, 33.0, 30.0, 33.0, 30.0]
    got = interpolate(ring, points=(az, el), method="nearest")
    np.testing.assert_array_equal(got.azimuth_measured, az)
    np.testing.assert_allclose(got.rssi[[0, 4]], ring.rssi.sel(azimuth=30, elevation=30))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of the three"),
        ({"step": 1.0, "points": ([1.0], [2.0])}, "one of the three"),
        ({"step": 1.0, "method": "magic"}, "nearest, linear"),
        ({"step": 1.0, "method": "linear", "window": 5}, "option of linear"),
        ({"points": ([1.0, 2.0], [95.0, 2.0])}, r"points\[0\]"),
        ({"points": ([1.0, 2.0], [1.0, 2.0, 3.0])}, "pair"),
        ({"step": 1.0, "method": "kriging", "window": 2}, "at least 3"),
        ({"step": 1.0, "method": "kernel", "kernel_fwhm_deg": -1.0}, "kernel_fwhm_deg"),
    ],
)
def test_what_cannot_be_done_is_said(ring, options, message):
    with pytest.raises(InvalidInput, match=message):
        interpolate(ring, **options)


def test_no_grid_and_no_reading(ring):
    with pytest.raises(GridError):
        interpolate(ring, step=-1.0)
    empty = ring.copy()
    empty["rssi"] = ring.rssi.where(False)
    with pytest.raises(InvalidInput, match="at least 1"):
        interpolate(empty, step=1.0)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_few_samples_and_flat_maps(method):
    one = session_from_points([10.0], [20.0], [400.0], units="counts")
    got = interpolate(one, points=([10.0], [20.0]), method=method)
    assert got.rssi.item() == pytest.approx(400.0)
    line = session_from_points([10.0, 12, 14], [20.0, 20, 20], [4.0, 5, 6], units="counts")
    got = interpolate(line, points=([12.0], [20.0]), method=method)
    assert got.rssi.item() == pytest.approx(5.0, abs=0.5)
    flat = scan(np.arange(0.0, 20, 2), np.arange(20.0, 40, 2), [])
    got = interpolate(flat, step=1.0, method=method)
    np.testing.assert_allclose(got.rssi, 500.0)
