"""Truth: the points that were put in, cell by cell."""

import inspect

import astropy.units as u
import numpy as np
import pytest
import xarray as xr

from skyscan_lab.errors import InvalidInput, UnitsError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.session import (
    GRID_DIMS,
    SAMPLE_DIMS,
    Flag,
    empty_session,
    is_gridded,
    samples_of,
    session_from_points,
)
from tests.session.parts import GRID, NAN, free_form, scanned


def test_points_of_a_grid_become_a_grid() -> None:
    ds = scanned(time=[f"2026-02-14T02:00:{second:02}" for second in range(12)])
    assert is_gridded(ds)
    assert ds.rssi.dims == GRID_DIMS
    assert ds.azimuth.values.tolist() == [350, 360, 370, 380]
    assert ds.elevation.values.tolist() == [20, 30, 40]
    second_row = ds.sel(elevation=30)  # visited backwards
    assert second_row.rssi.values[[0, 1, 3]].tolist() == [7, 6, 4]
    assert second_row.sequence.values.tolist() == [7, 6, -1, 4]
    assert np.isnan(second_row.rssi.values[2])
    assert second_row.flag.values.tolist() == [0, 0, Flag.READING_FAILED, 0]
    assert second_row.rssi_reads.values.tolist() == [1, 1, 0, 1]
    assert second_row.azimuth_measured.values[2] == 370.0
    assert second_row.time.values[1] == np.datetime64("2026-02-14T02:00:06", "ns")


def test_points_of_no_grid_stay_samples() -> None:
    ds = free_form()
    assert not is_gridded(ds)
    assert ds.rssi.dims == SAMPLE_DIMS
    assert not ds.coords
    assert ds.sequence.values.tolist() == list(range(30))


def test_where_the_rotor_was_stays_beside_the_nominal_grid() -> None:
    rng = np.random.default_rng(1)
    stops = list(ScanGrid(az=(0, 20), el=(30, 50), step=1).visits())
    azimuth = [stop.azimuth_deg for stop in stops] + rng.uniform(-0.06, 0.06, len(stops))
    elevation = [stop.elevation_deg for stop in stops] + rng.uniform(-0.06, 0.06, len(stops))
    ds = session_from_points(azimuth, elevation, np.zeros(len(stops)))
    assert ds.azimuth.values.tolist() == list(range(21))
    assert ds.azimuth_measured.values.ravel().tolist() == azimuth.tolist()
    assert ds.elevation_measured.values.ravel().tolist() == elevation.tolist()


def test_cells_without_a_point_say_whose_omission_it_was() -> None:
    azimuth, elevation = [10, 11, 12, 10, 11], [20, 20, 20, 21, 21]
    found = session_from_points(azimuth, elevation, np.zeros(5))
    assert found.flag.sel(azimuth=12, elevation=21) == Flag.NOT_IN_RECORDING
    asked = ScanGrid(az=(10, 12), el=(20, 21), step=1)
    known = session_from_points(azimuth, elevation, np.zeros(5), grid=asked)
    assert known.flag.sel(azimuth=12, elevation=21) == Flag.NOT_VISITED
    for ds in (found, known):
        cell = ds.sel(azimuth=12, elevation=21)
        assert np.isnan([cell.rssi, cell.azimuth_measured]).all()
        assert (int(cell.sequence), int(cell.rssi_reads)) == (-1, 0)
        assert np.isnat(cell.time.values)


def test_a_known_grid_takes_points_on_any_turn() -> None:
    ring = ScanGrid(az=(0, 360), el=(30, 30), step=45)
    azimuth = [-0.4, 45.0, 450.0, -225.0, 180.2, 225.0, -90.0, 314.9]
    ds = session_from_points(azimuth, np.full(8, 30.0), np.arange(8.0), grid=ring)
    assert ds.rssi.values.tolist() == [list(range(8))]
    assert ds.azimuth_measured.values.ravel().tolist() == azimuth
    crossing = session_from_points([-10, 359.9, 370.0, 20.1], [20] * 4, range(4), grid=GRID)
    assert crossing.rssi.sel(elevation=20).values.tolist() == [0, 1, 2, 3]


def test_an_empty_grid_is_a_session_that_nobody_visited() -> None:
    ds = empty_session(GRID, units="counts", location=(47.0, 8.0), attrs={"rotor": "G2"})
    assert dict(ds.sizes) == {"elevation": 3, "azimuth": 4}
    assert (ds.flag == Flag.NOT_VISITED).all()
    assert int(ds.rssi.count()) == 0
    assert ds.attrs["rotor"] == "G2"
    assert samples_of(ds).sizes["sample"] == 0


def test_no_points_at_all_are_a_session_without_samples() -> None:
    ds = session_from_points([], [], [])
    assert ds.sizes["sample"] == 0


def test_one_point_is_a_grid_of_one_cell() -> None:
    assert dict(session_from_points([1.0], [2.0], [3.0]).sizes) == {"elevation": 1, "azimuth": 1}


def test_readings_keep_their_number_scatter_and_last_value() -> None:
    ds = session_from_points(
        [10, 11, 12], [20] * 3, [500.0, NAN, 510.0], reads=[10, 3, 1], units="counts",
        std=[2.0, NAN, NAN], last=[501.0, NAN, 510.0],
    )  # fmt: skip
    assert ds.rssi_reads.values.tolist() == [[10, 0, 1]]
    assert ds.rssi_std.values[0, 0] == 2.0
    assert ds.rssi_last.values[0, [0, 2]].tolist() == [501.0, 510.0]


def test_one_reading_is_its_own_last_and_of_more_the_last_is_unknown() -> None:
    ds = session_from_points([10, 11, 12], [20] * 3, [1.0, 2.0, NAN], reads=[1, 5, 1])
    np.testing.assert_array_equal(ds.rssi_last.values, [[1.0, NAN, NAN]])


@pytest.mark.parametrize("failed", [NAN, np.inf, -np.inf])
def test_what_is_not_a_level_is_missing(failed) -> None:
    ds = session_from_points([10, 11], [20, 20], [failed, -90.0])
    assert np.isnan(ds.rssi.values[0, 0])
    assert ds.flag.values[0, 0] == Flag.READING_FAILED


def test_a_session_does_not_change_with_the_arrays_it_was_made_from() -> None:
    columns = [np.array([10.0, 11.0, 11.3]), np.array([20.0, 20.0, 21.0]), np.ones(3)]
    times = np.array(["2026-02-14"] * 3, dtype="datetime64[ns]")
    ds = session_from_points(*columns, time=times, std=columns[2], last=columns[2])
    assert not is_gridded(ds)
    before = ds.copy(deep=True)
    for column in (*columns, times.view("int64")):
        column += 1
    xr.testing.assert_identical(ds, before)


def test_masked_readings_are_missing() -> None:
    ds = session_from_points([10, 11], [20, 20], np.ma.masked_array([1.0, 2.0], [True, False]))
    assert int(ds.rssi.count()) == 1


def test_angles_may_carry_their_unit() -> None:
    ds = session_from_points([10, 11] * u.deg, np.radians([20, 20]) * u.rad, [1.0, 2.0])
    assert ds.azimuth.values.tolist() == [10, 11]
    assert ds.elevation_measured.values == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"az": [10.0, NAN]}, "az[1]", "[-720°, 720°]"),
        ({"az": [721.0, 10.0]}, "az[0]", "[-720°, 720°]"),
        ({"el": [20.0, 90.5]}, "el[1]", "[-90°, 90°]"),
        ({"el": [20.0, np.inf]}, "el[1]", "[-90°, 90°]"),
        ({"az": ["north", "east"]}, "az", "numbers"),
        ({"az": [[1.0, 2.0]]}, "shape of az", "one value a point"),
        ({"az": 1.0}, "shape of az", "one value a point"),
        ({"el": [20.0]}, "length of el", "as many as az (2)"),
        ({"rssi": [1.0, 2.0, 3.0]}, "length of rssi", "as many as az (2)"),
        ({"rssi": [1.0, 2.0] * u.mW}, "rssi", "units of the session"),
        ({"std": [1.0]}, "length of std", "as many as az (2)"),
        ({"last": ["x", "y"]}, "last", "numbers"),
        ({"reads": [1, -1]}, "reads[1]", "whole number"),
        ({"reads": [1.5, 1]}, "reads[0]", "whole number"),
        ({"reads": [1, NAN]}, "reads[1]", "whole number"),
        ({"reads": [1, 2**40]}, "reads[1]", "whole number"),
        ({"units": "dbm"}, "units", "dBm"),
        ({"attrs": {"units": "dBm"}}, "attrs['units']", "argument units"),
        ({"averaging": "median"}, "averaging", "linear power"),
        ({"location": (91.0, 8.0)}, "latitude_deg", "[-90, 90]"),
        ({"time": ["2026-02-14"]}, "shape of time", "one time a point"),
        ({"grid": GRID}, "point 1", "half a step"),
        ({"grid": ScanGrid(az=(10, 40), el=(20, 20), step=10)}, "point 1", "only point"),
    ],
)
def test_what_cannot_be_used_is_named(change, field, says) -> None:
    arguments = {"az": [10.0, 11.0], "el": [20.0, 20.0], "rssi": [1.0, 2.0]}
    if "grid" in change and change["grid"] is GRID:
        arguments["el"] = [20.0, 12.0]
    with pytest.raises(InvalidInput) as refusal:
        session_from_points(**arguments | change)
    assert refusal.value.field == field
    assert says in str(refusal.value)


def test_unknown_units_are_a_units_error() -> None:
    with pytest.raises(UnitsError):
        session_from_points([1.0], [20.0], [-90.0], units="V")


def test_the_public_signature_is_the_design_s() -> None:
    names = list(inspect.signature(session_from_points).parameters)
    assert names[:7] == ["az", "el", "rssi", "time", "reads", "units", "location"]
