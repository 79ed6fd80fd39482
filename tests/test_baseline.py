"""Truth: skies by formula, and astropy's secant of the zenith angle."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import AltAz

import skyscan_lab as sky
from skyscan_lab.airmass import airmass
from skyscan_lab.baseline import baseline, difference, tipping_curve, y_factor
from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.power import LogResponse
from skyscan_lab.session import session_from_points

T_RX, TAU, T_ATM, T_BG = 85.0, 0.06, 270.0, 2.725
WATT = 2e-10  # mW for a kelvin


def kelvin(elevation, tau=TAU):
    """A layer as flat as the Earth is not: so down to 15° only, where it is to 0.5 %."""
    through = np.exp(-tau * airmass(elevation))
    return T_RX + T_BG * through + T_ATM * (1.0 - through)


def scan(rng, *, noise=0.005, tau=TAU, extra=None, step=3.0, lowest=15.0):
    az, el = (
        axis.ravel() for axis in np.meshgrid(np.arange(0, 360, step), np.arange(lowest, 90, step))
    )
    power = kelvin(el, tau)
    if extra is not None:
        power = power + extra(az, el)
    power = WATT * power * (1 + noise * rng.normal(size=az.size))
    return session_from_points(az, el, 10 * np.log10(power), units="dBm")


def loads(rng, count=400):
    hot, cold = (WATT * (t + T_RX) * (1 + 0.01 * rng.normal(size=count)) for t in (290.0, 20.0))
    return 10 * np.log10(hot), 10 * np.log10(cold)


def test_airmass_is_the_secant_high_in_the_sky():
    elevation = np.array([90.0, 60.0, 45.0, 30.0])
    frame = AltAz(az=0 * u.deg, alt=elevation * u.deg)
    np.testing.assert_allclose(airmass(elevation), frame.secz, rtol=4e-3)


def test_a_calibrated_curve_gives_opacity_and_receiver_with_errors_that_hold():
    pulls = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        found = baseline(scan(rng), calibration=y_factor(*loads(rng), 290.0, 20.0)).tipping
        assert found.undetermined == ()
        pulls.append(
            (
                (found.opacity - TAU) / found.opacity_error,
                (found.receiver_k - T_RX) / found.receiver_error_k,
            )
        )
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 0.6
    assert np.all((pulls.std(axis=0) > 0.7) & (pulls.std(axis=0) < 1.4))


def test_without_a_calibration_a_thin_atmosphere_says_that_it_does_not_tell():
    found = baseline(scan(np.random.default_rng(1), noise=0.01, tau=0.01)).tipping
    assert {"gain", "receiver_k"} & set(found.undetermined)
    thick = baseline(scan(np.random.default_rng(1), noise=0.001, tau=0.2)).tipping
    assert thick.undetermined == ()
    assert thick.opacity == pytest.approx(0.2, abs=5 * thick.opacity_error)
    assert thick.gain == pytest.approx(WATT, abs=5 * thick.gain_error)


def test_sources_do_not_matter():
    rng = np.random.default_rng(2)
    places = rng.uniform((0, 15), (360, 87), (25, 2))

    def satellites(az, el):
        r2 = [((az - a) * np.cos(np.radians(el))) ** 2 + (el - e) ** 2 for a, e in places]
        return 300.0 * np.sum([2.0 ** (-4 * square / 36) for square in r2], axis=0)

    calibration = y_factor(*loads(rng), 290.0, 20.0)
    found = baseline(scan(rng, extra=satellites), calibration=calibration)
    assert found.tipping.opacity == pytest.approx(TAU, rel=0.06)
    assert found.contaminated > 0.1
    assert found.noise == pytest.approx(0.005 * 10 / np.log(10), rel=0.4)
    truth = 10 * np.log10(WATT * kelvin(found.sky.elevation.values))
    np.testing.assert_allclose(found.sky.isel(azimuth=0), truth, atol=0.02)


def test_the_horizon_is_found_and_left_out():
    rng = np.random.default_rng(3)
    skyline = lambda az: 18.0 + 12.0 * ((az > 60) & (az < 140))  # noqa: E731

    def trees(az, el):
        return np.where(el < skyline(az), 200.0, 0.0)

    calibration = y_factor(*loads(rng), 290.0, 20.0)
    found = baseline(scan(rng, extra=trees), calibration=calibration)
    assert found.tipping.opacity == pytest.approx(TAU, rel=0.06)
    edges = found.horizon
    np.testing.assert_allclose(edges.sel(azimuth=slice(63, 138)), 30.0)
    np.testing.assert_allclose(edges.sel(azimuth=slice(150, 350)), 18.0)
    truth = found.ground.elevation < xr_skyline(found.ground.azimuth, skyline)
    assert bool((found.ground == truth).mean() > 0.999)


def xr_skyline(azimuth, skyline):
    return azimuth.copy(data=skyline(azimuth.values))


def test_samples_on_the_fly_and_counts_with_a_response():
    rng = np.random.default_rng(4)
    az, el = rng.uniform(0, 360, 4000), np.degrees(np.arcsin(rng.uniform(0.26, 0.99, 4000)))
    counts = LogResponse(offset=2000.0, per_decade=165.0)
    power = WATT * kelvin(el) * (1 + 0.005 * rng.normal(size=el.size))
    ds = session_from_points(az, el, counts.to_reading(power), units="counts")
    sky.validate(ds)
    found = ds.sky.baseline(response=counts, calibration=y_factor(*loads(rng), 290.0, 20.0))
    assert found.tipping.opacity == pytest.approx(TAU, rel=0.1)
    assert found.sky.dims == ("sample",)
    np.testing.assert_allclose(found.sky, counts.to_reading(WATT * kelvin(el)), atol=1.0)
    assert not found.ground.any()
    with pytest.raises(InvalidInput, match="response"):
        baseline(ds)


def test_the_y_factor_and_its_errors():
    found = [y_factor(*loads(np.random.default_rng(seed)), 290.0, 20.0) for seed in range(60)]
    pulls = np.array([(f.receiver_k - T_RX) / f.receiver_error_k for f in found])
    assert abs(pulls.mean()) < 0.4
    assert 0.75 < pulls.std() < 1.25
    scale = np.array([(f.kelvin_per_power - 1 / WATT) / f.kelvin_per_power_error for f in found])
    assert 0.75 < scale.std() < 1.25


def test_interference_in_a_load_is_left_out():
    rng = np.random.default_rng(5)
    hot, cold = loads(rng)
    cold[::4] += 10.0
    found = y_factor(hot, cold, 290.0, 20.0)
    assert found.receiver_k == pytest.approx(T_RX, abs=4 * found.receiver_error_k)


def test_errors_of_the_loads_count():
    hot, cold = np.full(4, -70.0), np.full(4, -75.0)
    sure = y_factor(hot, cold, 290.0, 20.0)
    unsure = y_factor(hot, cold, 290.0, 20.0, hot_error_k=3.0, cold_error_k=2.0)
    y = 10**0.5
    assert sure.receiver_error_k == pytest.approx(0.0, abs=1e-9)
    assert unsure.receiver_error_k == pytest.approx(np.hypot(3.0, 2.0 * y) / (y - 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-70.0, -70], [-60.0, -60], 290.0, 20.0), "exchanged"),
        (([-60.0, -60], [-70.0, -70], 20.0, 290.0), "cold < hot"),
        (([-60.0], [-70.0, -70], 290.0, 20.0), "hot"),
    ],
)
def test_loads_that_calibrate_nothing_are_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        y_factor(*arguments)


def test_counts_of_loads_need_a_response():
    with pytest.raises(InvalidInput, match="response"):
        y_factor([500, 501], [400, 401], 290.0, 20.0, units="counts")


def test_tipping_curves_that_cannot_be_are_refused():
    el = np.arange(20.0, 60, 10)
    with pytest.raises(InvalidInput, match="at least 4"):
        tipping_curve(el[:3], np.ones(3), np.ones(3))
    with pytest.raises(InvalidInput, match="above zero"):
        tipping_curve(el, np.zeros(4), np.ones(4))
    with pytest.raises(InvalidInput, match="background"):
        tipping_curve(el, np.ones(4), np.ones(4), background_k=300.0)


def maps(rng, change=0.0, drift=0.0, size=30):
    az, el = (axis.ravel() for axis in np.meshgrid(np.arange(size) + 350.0, np.arange(20.0, 50)))
    first, second = rng.normal(-90, 0.3, (2, az.size))
    second += drift
    second[100] += change
    return [session_from_points(az, el, level, units="dBm") for level in (first, second)]


def test_nothing_changes_where_nothing_changed():
    """Half a cell a map seems to, as was asked for."""
    changed, excess = [], []
    for seed in range(50):
        before, after = maps(np.random.default_rng(seed), drift=0.7)
        found = difference(after, before, false_alarm=0.5)
        changed.append(int(found.changed.sum()))
        excess.append(found.attrs["excess"])
        assert found.attrs["level"] == pytest.approx(0.7, abs=0.06)
    assert 0.3 < np.mean(changed) < 0.8
    assert np.mean(excess) == pytest.approx(1.0, abs=0.05)


def test_a_change_is_found_with_its_sign_and_size():
    before, after = maps(np.random.default_rng(7), change=-4.0)
    found = difference(after, before)
    assert int(found.changed.sum()) == 1
    assert float(found.difference.where(found.changed).min()) == pytest.approx(-4.0, abs=1.5)
    assert float(found.significance.min()) < -6


def test_grids_that_overlap_are_compared_where_they_do():
    rng = np.random.default_rng(8)
    before, after = maps(rng)
    part = difference(after.isel(azimuth=slice(5, None)), before.isel(elevation=slice(3, 20)))
    assert dict(part.sizes) == {"elevation": 17, "azimuth": 25}
    turned = before.assign_coords(azimuth=before.azimuth - 360.0)
    assert difference(after, turned).sizes["azimuth"] == 30
    fine = [ds.sky.interpolate(step=0.5, method="linear") for ds in (before, after)]
    both = difference(*fine)
    assert both.sizes["azimuth"] == 59
    assert 0.8 < both.attrs["excess"] < 1.2


def test_errors_measured_at_each_cell_are_used():
    before, after = maps(np.random.default_rng(9))
    for ds in (before, after):
        ds["rssi_std"][...] = 0.9
        ds["rssi_reads"][...] = 9
    found = difference(after, before)
    np.testing.assert_allclose(found.difference_error, 0.3 * 2**0.5, rtol=0.1)


def test_sessions_that_cannot_be_compared_are_refused():
    before, after = maps(np.random.default_rng(10))
    with pytest.raises(InvalidInput, match="interpolate"):
        difference(after, before.assign_coords(azimuth=before.azimuth + 0.5))
    with pytest.raises(SessionError, match="rssi"):
        difference(after, session_from_points([1.0, 5.5, 2.3], [1.0, 7.2, 3.1], [1.0, 2, 3]))
    counts = after.copy()
    for name in ("rssi", "rssi_std", "rssi_last"):
        counts[name] = after[name].assign_attrs(units="counts")
    with pytest.raises(InvalidInput, match="units"):
        difference(counts, before)
    with pytest.raises(InvalidInput, match="false_alarm"):
        difference(after, before, false_alarm=1.0)


def test_too_few_elevations_are_said():
    ds = session_from_points(np.arange(20.0), np.full(20, 30.0), np.full(20, -90.0))
    with pytest.raises(InvalidInput, match="elevations"):
        baseline(ds)
