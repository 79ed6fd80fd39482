"""Truth: maps whose sources were put in by formula, and the real recording's known satellites."""

import astropy.units as u
import numpy as np
import pytest
import xarray as xr
from astropy.table import QTable

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.interference import local_maxima, nearest_in_catalog
from skyscan_lab.session import samples_of, session_from_points
from skyscan_lab.sphere import separation


def scanned(az, el, sources, *, noise=0.3, seed=1, whole=True) -> xr.Dataset:
    """Counts of Gaussian beams, 2° wide, on a floor of 400."""
    az, el = (axis.ravel() for axis in np.meshgrid(az, el))
    level = np.full(az.shape, 400.0)
    for source_az, source_el, height in sources:
        level += height * np.exp(-0.5 * (separation(az, el, source_az, source_el) / 2.0) ** 2)
    level += np.random.default_rng(seed).normal(0.0, noise, az.shape)
    return session_from_points(az, el, np.rint(level) if whole else level, units="counts")


def apart(table: QTable, row: int, az: float, el: float) -> float:
    return float(separation(table["azimuth"][row].value, table["elevation"][row].value, az, el))


def test_sources_are_found_between_the_cells_strongest_first() -> None:
    truth = [(31.3, 42.6, 150.0), (52.8, 47.2, 80.0)]
    table = local_maxima(scanned(np.arange(20.0, 61), np.arange(35.0, 56), truth))
    assert len(table) == 2
    assert apart(table, 0, *truth[0][:2]) < 0.15
    assert apart(table, 1, *truth[1][:2]) < 0.15
    assert table["snr"][0] > table["snr"][1] > 100
    assert not table["at_edge"].any()
    assert table.meta["units"] == "counts"
    assert table.meta["background"] == pytest.approx(400.0, abs=1.0)


@pytest.mark.parametrize("source_az", [0.0, 359.4, 0.7, 180.2])
def test_a_full_circle_closes_on_itself(source_az: float) -> None:
    ds = scanned(np.arange(0.0, 360, 2), np.arange(20.0, 41, 2), [(source_az, 30.2, 120.0)])
    table = local_maxima(ds)
    assert len(table) == 1
    assert apart(table, 0, source_az, 30.2) < 0.3
    assert not table["at_edge"][0]


def test_a_grid_across_north_reports_azimuths_within_the_circle() -> None:
    table = local_maxima(scanned(np.arange(340.0, 391), np.arange(20.0, 41), [(5.3, 30.4, 90.0)]))
    assert len(table) == 1
    assert table["azimuth"][0].value == pytest.approx(5.3, abs=0.2)


def test_a_source_over_the_edge_is_reported_as_at_the_edge() -> None:
    table = local_maxima(scanned(np.arange(20.0, 61), np.arange(35.0, 56), [(40.0, 34.0, 150.0)]))
    assert len(table) == 1
    assert table["at_edge"][0]
    assert table["elevation"][0] == 35.0 * u.deg


def test_a_saturated_receiver_gives_one_source_in_the_middle_of_its_plateau() -> None:
    ds = scanned(np.arange(20.0, 61), np.arange(35.0, 56), [(40.0, 45.0, 150.0)], noise=0.0)
    ds["rssi"] = ds["rssi"].clip(max=450.0)
    table = local_maxima(ds)
    assert len(table) == 1
    assert apart(table, 0, 40.0, 45.0) < 0.3


def test_missing_cells_beside_a_source_do_not_hide_it() -> None:
    ds = scanned(np.arange(20.0, 61), np.arange(35.0, 56), [(40.2, 45.0, 150.0)])
    ds["rssi"].loc[{"azimuth": 41.0}] = np.nan
    ds["rssi"].loc[{"elevation": 50.0}] = np.nan
    table = local_maxima(ds)
    assert apart(table, 0, 40.2, 45.0) < 1.0


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_is_no_source(seed: int) -> None:
    ds = scanned(np.arange(0.0, 60), np.arange(20.0, 60), [], noise=3.0, seed=seed, whole=False)
    assert len(local_maxima(ds)) == 0
    assert local_maxima(ds).meta["noise"] == pytest.approx(3.0, rel=0.1)


def test_noise_below_the_rounding_is_that_of_the_rounding() -> None:
    ds = scanned(np.arange(0.0, 60), np.arange(20.0, 60), [(30.0, 40.0, 50.0)], noise=0.01)
    assert local_maxima(ds).meta["noise"] == pytest.approx(1 / np.sqrt(12))


def test_prominence_can_be_asked_for() -> None:
    ds = scanned(
        np.arange(20.0, 61), np.arange(35.0, 56), [(31.0, 45.0, 150.0), (52.0, 45.0, 20.0)]
    )
    assert len(local_maxima(ds)) == 2
    assert len(local_maxima(ds, prominence=50.0)) == 1
    assert len(local_maxima(ds, threshold_sigma=200.0)) == 1


def test_free_form_samples_are_searched_too() -> None:
    rng = np.random.default_rng(3)
    az, el = rng.uniform(20, 60, 1500), rng.uniform(35, 55, 1500)
    level = 400 + 150 * np.exp(-0.5 * (separation(az, el, 38.3, 44.1) / 2.0) ** 2)
    ds = session_from_points(az, el, level + rng.normal(0, 0.3, az.size), units="counts")
    assert ds.rssi.dims == ("sample",)
    table = local_maxima(ds)
    assert len(table) == 1
    assert apart(table, 0, 38.3, 44.1) < 0.6  # the samples are that far apart


@pytest.mark.parametrize("points", [1, 2, 3, 5])
def test_a_handful_of_points_has_no_sources_and_no_error(points: int) -> None:
    az = np.arange(points) * 3.7
    ds = session_from_points(az, 20 + az**2 / 30, np.arange(points) * 5.0, units="dBm")
    assert len(local_maxima(samples_of(ds))) == 0
    assert local_maxima(ds).colnames[:2] == ["azimuth", "elevation"]


def test_an_empty_map_has_no_sources() -> None:
    ds = scanned([1.0, 2.0, 3.0], [5.0, 6.0, 7.0], [])
    ds["rssi"][:] = np.nan
    assert len(local_maxima(ds)) == 0


def test_what_cannot_be_searched_is_refused() -> None:
    ds = scanned([1.0, 2.0, 3.0], [5.0, 6.0, 7.0], [])
    with pytest.raises(InvalidInput, match="threshold_sigma = -1"):
        local_maxima(ds, threshold_sigma=-1)
    with pytest.raises(InvalidInput, match="prominence = nan"):
        local_maxima(ds, prominence=float("nan"))
    with pytest.raises(SessionError):
        local_maxima(ds.drop_vars("rssi"))
    channels = ds.copy()
    for name in ("rssi", "rssi_std", "rssi_last"):
        channels[name] = ds[name].expand_dims(frequency=[1e9, 2e9])
    with pytest.raises(SessionError, match="one channel"):
        local_maxima(channels)


def test_the_nearest_listed_object_is_nearest_on_the_sky() -> None:
    sources = QTable({"azimuth": [0.5, 120.0] * u.deg, "elevation": [80.0, 30.0] * u.deg})
    catalog = QTable(
        {
            "name": ["across north", "same azimuth", "far"],
            "azimuth": [350.0, 0.5, 125.0] * u.deg,
            "elevation": [80.0, 78.0, 30.0] * u.deg,
        }
    )
    named = nearest_in_catalog(sources, catalog)
    assert list(named["nearest"]) == ["across north", "far"]
    assert named["separation"][0].to_value(u.deg) == pytest.approx(1.8208, abs=1e-4)
    assert "nearest" not in sources.colnames


def test_an_empty_catalogue_is_refused_and_an_empty_source_list_is_not() -> None:
    catalog = QTable({"name": ["A"], "azimuth": [1.0] * u.deg, "elevation": [2.0] * u.deg})
    sources = QTable({"azimuth": [1.0] * u.deg, "elevation": [2.0] * u.deg})
    with pytest.raises(InvalidInput, match="rows of the catalogue = 0"):
        nearest_in_catalog(sources, catalog[:0])
    assert len(nearest_in_catalog(sources[:0], catalog)) == 0
