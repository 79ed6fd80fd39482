"""Truth: the data model as the design states it, and CF-1.11 where it speaks."""

import inspect
from datetime import UTC, datetime, timedelta, timezone

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from astropy.coordinates import EarthLocation
from astropy.time import Time

from skyscan_lab.errors import InvalidInput, SessionError, UnitsError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.session import (
    AXES,
    CHANNEL_DIMS,
    GRID_DIMS,
    SAMPLE_DIMS,
    SCHEMA,
    Flag,
    Location,
    as_location,
    empty_session,
    is_gridded,
    location_of,
    samples_of,
    session_from_points,
    units_of,
    validate,
    variable_attributes,
)
from skyscan_lab.session.channels import band_average

NAN = float("nan")
GRID = ScanGrid(az=(350, 20), el=(20, 40), step=10)


def scanned(**given) -> xr.Dataset:
    """The grid above, serpentine, one reading failed."""
    stops = list(ScanGrid(GRID.az, GRID.el, GRID.step, "serpentine").visits())
    rssi = np.arange(float(len(stops)))
    rssi[5] = NAN
    return session_from_points(
        [stop.azimuth_deg for stop in stops], [stop.elevation_deg for stop in stops], rssi, **given
    )


def free_form(count: int = 30) -> xr.Dataset:
    turn = np.linspace(0.0, 12.0, count)
    return session_from_points(180 + turn * np.cos(turn), 45 + turn * np.sin(turn), turn)


def with_channels(ds: xr.Dataset) -> xr.Dataset:
    """Two frequencies and two polarizations of the same scan."""
    ds = ds.copy()
    for row in SCHEMA:
        if row.channels:
            wide = ds[row.name].expand_dims(frequency=[1.42e9, 1.66e9], polarization=["H", "V"])
            ds[row.name] = wide.copy()
    return ds


# --- the schema ---------------------------------------------------------------------------


def test_the_schema_is_the_design_s() -> None:
    assert [(row.name, row.dtype, row.units, row.channels) for row in SCHEMA] == [
        ("rssi", "float64", "session", True),
        ("rssi_std", "float64", "session", True),
        ("rssi_reads", "int32", "1", False),
        ("rssi_last", "float64", "session", True),
        ("azimuth_measured", "float64", "degree", False),
        ("elevation_measured", "float64", "degree", False),
        ("time", "datetime64[ns]", None, False),
        ("sequence", "int32", None, False),
        ("flag", "int8", None, False),
    ]
    assert [row.name for row in AXES] == ["elevation", "azimuth", "frequency", "polarization"]
    assert (GRID_DIMS, SAMPLE_DIMS) == (("elevation", "azimuth"), ("sample",))
    assert CHANNEL_DIMS == ("frequency", "polarization")


@pytest.mark.parametrize("build", [scanned, free_form, lambda: empty_session(GRID, units="dB")])
def test_every_session_has_every_variable_of_its_type(build) -> None:
    ds = build()
    assert list(ds.data_vars) == [row.name for row in SCHEMA]
    for row in SCHEMA:
        assert ds[row.name].dtype == row.dtype
        assert ds[row.name].attrs["long_name"] == row.long_name
    assert ds.attrs["Conventions"] == "CF-1.11"
    assert ds.attrs["skyscan_schema"] == 1


def test_flags_carry_their_meanings() -> None:
    attributes = scanned().flag.attrs
    assert attributes["flag_values"].dtype == "int8"
    meanings = attributes["flag_meanings"].split()
    assert len(meanings) == len(attributes["flag_values"]) == len(Flag)
    assert meanings[Flag.READING_FAILED] == "reading_failed"


def test_units_stand_at_every_reading_and_nowhere_else() -> None:
    for row in SCHEMA:
        attributes = variable_attributes(row, "counts")
        assert (attributes.get("units") == "counts") == (row.units == "session")


# --- construction ---------------------------------------------------------------------------


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


# --- times ------------------------------------------------------------------------------------

NOON = np.datetime64("2026-02-14T12:00:00", "ns")


@pytest.mark.parametrize(
    "moment",
    [
        "2026-02-14T12:00:00",
        "2026-02-14T12:00:00Z",
        "2026-02-14 13:00:00+01:00",
        datetime(2026, 2, 14, 12),  # noqa: DTZ001 - naive times are UTC, and this is one
        datetime(2026, 2, 14, 12, tzinfo=UTC),
        datetime(2026, 2, 14, 6, 30, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
        np.datetime64("2026-02-14T12:00", "m"),
        pd.Timestamp("2026-02-14T12:00:00"),
        pd.Timestamp("2026-02-14T21:00:00", tz="Asia/Tokyo"),
    ],
)
def test_every_way_to_write_a_time_is_utc(moment) -> None:
    ds = session_from_points([10, 11], [20, 20], [1, 2], time=[moment, None])
    assert ds.time.values[0, 0] == NOON
    assert np.isnat(ds.time.values[0, 1])
    assert ds.time.dtype == "datetime64[ns]"


def test_astropy_times_are_converted_from_their_scale() -> None:
    times = Time(["2026-02-14T12:00:00", "2026-02-14T12:00:01"], scale="utc")
    for scale in (times, times.tai, times.tt):
        ds = session_from_points([10, 11], [20, 20], [1, 2], time=scale)
        assert np.abs(ds.time.values[0] - [NOON, NOON + np.timedelta64(1, "s")]).max() < (
            np.timedelta64(1, "us")
        )


def test_astropy_times_may_be_masked() -> None:
    times = Time(["2026-02-14T12:00:00", "2026-02-14T12:00:01"])
    times[1] = np.ma.masked
    ds = session_from_points([10, 11], [20, 20], [1, 2], time=times)
    assert ds.time.values[0, 0] == NOON
    assert np.isnat(ds.time.values[0, 1])


def test_every_time_that_is_nanoseconds_already_is_kept() -> None:
    ends = np.array([-(2**63) + 1, 2**63 - 1]).view("datetime64[ns]")
    ds = session_from_points([10, 11], [20, 20], [1, 2], time=ends)
    np.testing.assert_array_equal(ds.time.values[0], ends)


def test_nanoseconds_survive_in_every_container() -> None:
    exact = np.array(["2026-02-14T12:00:00.123456789", "NaT"], dtype="datetime64[ns]")
    for container in (exact, list(exact), xr.DataArray(exact), pd.DatetimeIndex(exact)):
        ds = session_from_points([10, 11], [20, 20], [1, 2], time=container)
        np.testing.assert_array_equal(ds.time.values[0], exact)


@pytest.mark.parametrize(
    "time",
    [
        ["yesterday", None],
        [1.7e9, 1.7e9],
        [20260214, 20260215],
        ["2016-12-31T23:59:60", None],
        ["1600-01-01T00:00:00", None],
        np.array(["2500-01-01", "2026-01-01"], dtype="datetime64[s]"),
        Time(["2016-12-31T23:59:60", "2016-12-31T23:59:59"]),
        [Time("2026-02-14"), Time("2026-02-15")],
    ],
)
def test_what_is_no_time_is_refused(time) -> None:
    with pytest.raises(InvalidInput, match="time"):
        session_from_points([10, 11], [20, 20], [1, 2], time=time)


# --- places -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        (47.0, 8.5, 440.0),
        [47.0, 8.5, 440.0],
        Location(47.0, 8.5, 440.0),
        EarthLocation.from_geodetic(8.5, 47.0, 440.0),
    ],
)
def test_every_way_to_write_a_place_is_wgs84(place) -> None:
    site = location_of(session_from_points([1.0], [20.0], [-90.0], location=place))
    assert site is not None
    assert (site.latitude_deg, site.longitude_deg) == pytest.approx((47.0, 8.5), abs=1e-12)
    assert site.height_m == pytest.approx(440.0, abs=1e-6)
    there = site.to_earth_location()
    assert there.lat.deg == pytest.approx(47.0)
    assert there.lon.deg == pytest.approx(8.5)


def test_a_session_without_a_site_has_none() -> None:
    assert location_of(scanned()) is None


@pytest.mark.parametrize(
    "place",
    [
        (47.0,),
        (1.0, 2.0, 3.0, 4.0),
        "47 8",
        "47",
        47.0,
        None,
        ("a", "b"),
        (47.0, NAN),
        (0.0, 361.0),
    ],
)
def test_what_is_no_place_is_refused(place) -> None:
    with pytest.raises(InvalidInput, match=r"location|deg"):
        as_location(place)


def test_a_height_is_finite() -> None:
    with pytest.raises(InvalidInput, match="height_m = inf"):
        Location(47.0, 8.0, np.inf)


# --- attributes -------------------------------------------------------------------------------


def test_provenance_is_kept_and_said() -> None:
    ds = scanned(
        units="dBFS", averaging="linear power", attrs={"receiver": "rtl_tcp", "note": None}
    )
    assert ds.attrs["receiver"] == "rtl_tcp"
    assert ds.attrs["averaging"] == "linear power"
    assert ds.attrs["source"].startswith("skyscan-lab ")
    assert "note" not in ds.attrs
    assert units_of(ds) == "dBFS"
    assert scanned().attrs["averaging"] == "unknown"


def test_attributes_of_a_session_can_go_into_the_next_one() -> None:
    first = scanned(location=(47.0, 8.5), attrs={"history": "then"})
    second = scanned(attrs=first.attrs)
    assert second.attrs == first.attrs


# --- samples ----------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [False, True])
def test_samples_come_in_the_order_of_measurement_and_only_those_measured(channels) -> None:
    ds = with_channels(scanned(units="dB")) if channels else scanned(units="dB")
    samples = samples_of(ds)
    order = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert samples.sequence.values.tolist() == order
    assert samples.rssi.values.reshape(-1, 11).tolist() == [order] * (4 if channels else 1)
    assert samples.rssi.dims[-1] == "sample"
    assert set(samples.coords) == (set(CHANNEL_DIMS) if channels else set())
    assert units_of(samples) == "dB"
    assert validate(samples) is samples


def test_samples_leave_out_what_was_masked_by_hand() -> None:
    ds = scanned()
    ds["rssi"] = ds.rssi.where(ds.rssi < 4)
    assert validate(ds) is ds
    assert samples_of(ds).sequence.values.tolist() == [0, 1, 2, 3]


def test_samples_of_samples_are_the_same() -> None:
    ds = free_form()
    xr.testing.assert_identical(samples_of(ds), ds)


# --- channels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("units", "mean"), [("dB", 7.404), ("counts", 5.0)])
def test_a_band_is_averaged_as_power_where_the_units_say_how(units, mean) -> None:
    ds = with_channels(scanned(units=units)).isel(polarization=0, drop=True)
    for name in ("rssi", "rssi_last"):
        ds[name].values[:] = np.where(np.isnan(ds[name]), NAN, [[[0.0]], [[10.0]]])
    ds.rssi.values[0, 0, 1] = NAN  # one channel of one cell was not read
    band = validate(band_average(ds))
    assert band.rssi.dims == GRID_DIMS
    assert band.rssi.values[0, :2] == pytest.approx([mean, 10.0], abs=1e-3)
    assert np.isnan(band.rssi.sel(azimuth=370, elevation=30))
    assert np.isnan(band.rssi_std).all()
    assert units_of(band) == units


def test_a_session_without_channels_is_its_own_average() -> None:
    ds = scanned()
    assert band_average(ds) is ds


# --- validation -------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [scanned, free_form, lambda: with_channels(scanned()),
                                   lambda: with_channels(free_form())])  # fmt: skip
def test_sessions_are_valid(build) -> None:
    ds = build()
    assert validate(ds) is ds
    assert validate(ds.isel({dim: slice(0, 2) for dim in ds.dims}))


def test_one_channel_dimension_alone_is_valid() -> None:
    ds = with_channels(scanned())
    assert validate(ds.isel(polarization=0, drop=True))
    assert validate(ds.isel(frequency=0, drop=True))


def put(ds: xr.Dataset, name: str, value, cell=(0, 0)) -> xr.Dataset:
    ds[name].values[cell] = value
    return ds


def renamed_units(ds: xr.Dataset, name: str, units) -> xr.Dataset:
    ds[name].attrs["units"] = units
    return ds


BROKEN = {
    "a variable is missing": (lambda ds: ds.drop_vars("rssi_last"), "rssi_last"),
    "another dim": (lambda ds: ds.expand_dims(beam=2), "dims of rssi"),
    "a dim that only others have": (lambda ds: ds.assign(x=("beam", [1, 2])), "dim"),
    "transposed": (lambda ds: ds.transpose("azimuth", "elevation"), "dims of rssi"),
    "samples and a grid": (lambda ds: ds.assign(x=("sample", [1])), "dim"),
    "only one axis": (lambda ds: ds.isel(azimuth=0), "dims of rssi"),
    "channels where none belong": (
        lambda ds: ds.assign(flag=ds.flag.expand_dims(frequency=[1e9])),
        "dims of flag",
    ),
    "an axis without values": (lambda ds: ds.drop_vars("azimuth"), "coordinate azimuth"),
    "a falling axis": (lambda ds: ds.isel(azimuth=slice(None, None, -1)), "coordinate azimuth"),
    "an axis with a hole": (lambda ds: ds.assign_coords(elevation=[20, NAN, 40]),
                            "coordinate elevation"),
    "an axis of words": (lambda ds: ds.assign_coords(elevation=["a", "b", "c"]),
                         "coordinate elevation"),
    "below the ground": (lambda ds: ds.assign_coords(elevation=[-100, 0, 40]),
                         "coordinate elevation"),
    "beyond every cable": (lambda ds: ds.assign_coords(azimuth=[700, 710, 715, 721]),
                           "coordinate azimuth"),
    "more than a turn": (lambda ds: ds.assign_coords(azimuth=[0, 100, 200, 360]),
                         "span of azimuth"),
    "whole numbers for levels": (lambda ds: ds.assign(rssi=ds.rssi.fillna(0).astype(int)),
                                 "type of rssi"),
    "nothing on an axis": (lambda ds: ds.isel(azimuth=slice(0)), "coordinate azimuth"),
    "levels of another byte order": (
        lambda ds: ds.assign(rssi=ds.rssi.astype(">f8", keep_attrs=True)),
        "type of rssi",
    ),
    "an axis of another byte order": (
        lambda ds: ds.assign_coords(azimuth=ds.azimuth.astype(">f8")),
        "type of coordinate azimuth",
    ),
    "times in other units": (lambda ds: ds.assign(time=ds.time.astype("datetime64[us]")),
                             "type of time"),
    "times as text": (lambda ds: ds.assign(time=ds.time.astype(str)), "type of time"),
    "floats for flags": (lambda ds: ds.assign(flag=ds.flag.astype(float)), "type of flag"),
    "no units": (lambda ds: renamed_units(ds, "rssi", None), "units of rssi"),
    "unknown units": (lambda ds: renamed_units(ds, "rssi", "V"), "units of rssi"),
    "mixed units": (lambda ds: renamed_units(ds, "rssi_std", "counts"), "units of rssi_std"),
    "mixed units of the last": (lambda ds: renamed_units(ds, "rssi_last", "dBFS"),
                                "units of rssi_last"),
    "an unknown flag": (lambda ds: put(ds, "flag", 77), "flag"),
    "a level where none was measured": (lambda ds: put(ds, "flag", Flag.REJECTED), "rssi"),
    "a place in the order for what was not": (lambda ds: put(ds, "sequence", 5, (1, 2)),
                                              "sequence"),
    "no place in the order": (lambda ds: put(ds, "sequence", -1), "sequence"),
    "below every order": (lambda ds: put(ds, "sequence", -7, (1, 2)), "sequence"),
    "two first points": (lambda ds: put(ds, "sequence", 1), "sequence"),
    "measured nowhere": (lambda ds: put(ds, "azimuth_measured", NAN), "azimuth_measured"),
    "measured at no height": (lambda ds: put(ds, "elevation_measured", np.inf),
                              "elevation_measured"),
    "a negative number of readings": (lambda ds: put(ds, "rssi_reads", -1), "rssi_reads"),
    "averaged over something": (lambda ds: ds.assign_attrs(averaging="mode"), "averaging"),
    "half a place": (lambda ds: ds.assign_attrs(site_latitude_deg=47.0), "site"),
    "a place in words": (
        lambda ds: ds.assign_attrs(site_latitude_deg="Bern", site_longitude_deg="?"),
        "site",
    ),
    "a place off the Earth": (
        lambda ds: ds.assign_attrs(site_latitude_deg=97.0, site_longitude_deg=8.0),
        "site",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_no_session_is_refused_by_the_name_of_its_fault(fault) -> None:
    spoil, field = BROKEN[fault]
    with pytest.raises(SessionError) as refusal:
        validate(spoil(scanned()))
    assert refusal.value.field == field
    assert isinstance(refusal.value, ValueError)


def test_any_dataset_is_not_a_session() -> None:
    with pytest.raises(SessionError, match="rssi"):
        validate(xr.Dataset({"x": 1}))


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda ds: ds.drop_vars("frequency"), "coordinate frequency"),
        (lambda ds: renamed_units(ds, "frequency", "MHz"), "units of frequency"),
        (lambda ds: ds.assign_coords(frequency=[2e9, 1e9]), "coordinate frequency"),
        (lambda ds: ds.assign_coords(frequency=[0.0, 1e9]), "coordinate frequency"),
        (lambda ds: ds.assign_coords(polarization=["H", "H"]), "coordinate polarization"),
        (lambda ds: ds.transpose("polarization", "frequency", ...), "dims of rssi"),
    ],
)
def test_channels_have_their_rules_too(spoil, field) -> None:
    with pytest.raises(SessionError) as refusal:
        validate(spoil(with_channels(scanned())))
    assert refusal.value.field == field


def test_a_refusal_names_the_cell() -> None:
    with pytest.raises(SessionError, match=r"elevation 20.0, azimuth 350.0"):
        validate(put(scanned(), "azimuth_measured", NAN))
    with pytest.raises(SessionError, match="sample 3"):
        validate(put(free_form(), "azimuth_measured", NAN, 3))


def test_what_was_rejected_keeps_its_place_in_the_order() -> None:
    ds = put(put(scanned(), "flag", Flag.REJECTED), "rssi", NAN)
    assert validate(ds).sequence.values[0, 0] == 0


def test_units_are_asked_for_by_name() -> None:
    assert units_of(scanned(units="counts")) == "counts"
    with pytest.raises(UnitsError):
        units_of(renamed_units(scanned(), "rssi", "dBW"))
