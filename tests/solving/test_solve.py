"""Truth: skies made by other code (`skies`), and what was measured in a real one."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from skyscan_lab import datasets
from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.io import load_session
from skyscan_lab.session import session_from_points
from skyscan_lab.solving.buildup import build_up
from skyscan_lab.solving.samples import samples_for_fit
from skyscan_lab.solving.solve import solve
from tests.solving import skies

# Azimuths and elevations of objects on no simple curve, so that nothing slides.
LISTED = QTable(
    {
        "name": [f"object {place}" for place in range(9)],
        "azimuth": [152.0, 158.0, 163.5, 168.0, 174.0, 181.0, 186.0, 192.5, 199.0] * u.deg,
        "elevation": [31.0, 40.0, 34.0, 44.5, 38.0, 42.0, 33.0, 45.0, 36.0] * u.deg,
    }
)
MOUNT_DEG = (1.2, -0.9, 24.0)
POWER = np.array([4.0, 2.0, 0.0, 1.5, 3.0, 0.0, 2.5, 1.0, 0.8])


def make(power=POWER, seed=1, **options):
    azimuth, elevation = skies.turned(LISTED["azimuth"].value, LISTED["elevation"].value, MOUNT_DEG)
    truth = skies.Truth(azimuth, elevation, power, 4.0, 400.0, 160.0)
    return skies.session(
        truth,
        np.arange(170.0, 231.0, 1.5),
        np.arange(24.0, 52.0, 1.5),
        noise=0.4,
        step=1.0,
        seed=seed,
        **options,
    )


@pytest.fixture(scope="module")
def solved():
    return solve(make(), LISTED)


def test_the_mount_is_found_from_the_sky_alone(solved):
    assert solved.status == "unique"
    terms = dict(zip(solved.pointing["term"], solved.pointing["value"].value, strict=True))
    errors = dict(zip(solved.pointing["term"], solved.pointing["error"].value, strict=True))
    for name, truth in zip(("tilt_north", "tilt_east", "azimuth_zero"), MOUNT_DEG, strict=True):
        assert abs(terms[name] - truth) < min(4.0 * errors[name], 0.2), name


def test_residual_is_the_noise_and_the_beam_is_found(solved):
    assert solved.rms < 1.1 * np.hypot(0.4, np.sqrt(1 / 12))
    assert solved.pattern.hpbw_deg == pytest.approx((4.0, 4.0), rel=0.02)
    assert solved.residual.dims == ("elevation", "azimuth")
    assert any("slope" in text for text in solved.undetermined)


def test_silent_objects_have_an_upper_limit_and_the_others_a_power(solved):
    table = solved.sources[solved.sources["listed"]]
    order = [list(LISTED["name"]).index(name) for name in table["name"]]
    silent = POWER[order] == 0.0
    assert np.all(np.isfinite(table["upper_limit"][silent]))
    assert np.all(table["upper_limit"][silent] < 0.2)
    assert np.all(np.isnan(table["upper_limit"][~silent]))
    relative = table["power"][~silent] / POWER[order][~silent]
    # All powers hang on the slope of the response, which nothing calibrates: their ratio is known.
    assert np.std(relative / relative.mean()) < 0.1


def test_a_sky_that_is_not_in_the_list_is_not_called_unique():
    rng = np.random.default_rng(5)
    truth = skies.Truth(
        rng.uniform(175.0, 225.0, 8),
        rng.uniform(27.0, 49.0, 8),
        rng.uniform(0.8, 4.0, 8),
        4.0,
        400.0,
        160.0,
    )
    ds = skies.session(
        truth, np.arange(170.0, 231.0, 1.5), np.arange(24.0, 52.0, 1.5), noise=0.4, step=1.0
    )
    assert solve(ds, LISTED, azimuth=24.0).status != "unique"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tilt_sigma": 0.0}, "tilt_sigma"),
        ({"azimuth_sigma": 100.0}, "azimuth_sigma"),
        ({"fixed": ["roll"]}, "fixed"),
    ],
)
def test_bad_arguments_are_named(options, words):
    with pytest.raises(InvalidInput, match=words):
        solve(make(), LISTED, **options)


def test_samples_are_the_readings_and_go_back_to_where_they_lie():
    ds = make()
    ds["rssi"][3, 4] = np.nan
    samples = samples_for_fit(ds)
    assert samples.readings.size == 41 * 19 - 1
    assert np.array_equal(samples.as_map(samples.readings, ds), ds.rssi, equal_nan=True)


@pytest.mark.recording
@pytest.mark.timeout(600)
def test_a_real_sky_is_explained_to_a_count_and_a_half():
    files = datasets.fetch("winegard-g2")
    solved = solve(load_session(files["scan_data.txt"]), files["satellites.csv"])
    assert solved.status == "unique"
    assert solved.rms <= 1.45
    assert solved.parameters <= 85
    assert solved.free_rms <= 0.90
    assert solved.free_parameters <= 85
    value = dict(zip(solved.pointing["term"], solved.pointing["value"].value, strict=True))
    assert value["tilt_north"] == pytest.approx(1.69, abs=0.15)
    assert value["tilt_east"] == pytest.approx(-1.21, abs=0.15)
    assert value["azimuth_zero"] == pytest.approx(-1.36, abs=0.15)
    assert np.count_nonzero(~solved.sources["listed"]) <= 2


def test_fixed_terms_are_nothing():
    solved = solve(make(), LISTED, azimuth=24.0, fixed=("tilt_north", "tilt_east"))
    for row in solved.pointing[:2]:
        assert row["value"].value == 0.0
        assert row["status"] == "fixed"


def test_a_list_that_never_comes_into_the_map_is_a_failure():
    far = QTable({"name": ["far"], "azimuth": [20.0] * u.deg, "elevation": [30.0] * u.deg})
    solved = solve(make(), far, azimuth=0.0, azimuth_sigma=1.0, tilt_sigma=1.0)
    assert solved.status == "failed"
    assert not solved.sources["listed"].any()


def test_what_has_set_is_not_looked_for():
    down = QTable({"name": ["down"], "azimuth": [160.0] * u.deg, "elevation": [-5.0] * u.deg})
    with pytest.raises(InvalidInput, match="above it"):
        solve(make(), down)


def test_what_is_known_of_the_mount_is_kept_and_wrong_lists_are_not_believed():
    unique = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        wrong = QTable(
            {
                "name": [f"{place}" for place in range(5)],
                "azimuth": rng.uniform(150.0, 200.0, 5) * u.deg,
                "elevation": rng.uniform(28.0, 48.0, 5) * u.deg,
            }
        )
        solved = solve(make(), wrong)
        tilt = np.hypot(*solved.pointing["value"].value[:2])
        assert tilt < 4 * 3.0 or solved.status == "failed"
        unique += solved.status == "unique"
    assert unique == 0


def test_a_moving_catalogue_needs_a_session_with_a_time():
    table = QTable({"name": ["ASTRA 1"], "longitude": [19.2] * u.deg})
    with pytest.raises((SessionError, InvalidInput)):
        solve(make(), table)


def test_a_map_across_north_is_as_good_as_any_other():
    ds = make()
    az, el = np.meshgrid(ds.azimuth.values, ds.elevation.values)
    turned = (az - 200.0).ravel() % 360.0
    across = session_from_points(turned, el.ravel(), ds.rssi.values.ravel(), units="counts")
    here, there = (build_up(samples_for_fit(one), orders=()) for one in (ds, across))
    assert there.fit.rms == pytest.approx(here.fit.rms, rel=1e-3)
    predicted = there.predict(np.array([350.0, -10.0, 5.0, 365.0]), np.full(4, 40.0))
    assert predicted[0] == pytest.approx(predicted[1])
    assert predicted[2] == pytest.approx(predicted[3])
