"""Truth: the session before it was written, and the CF checker of IOOS."""

import subprocess
import sys
from pathlib import Path

import h5py
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skyscan_lab.errors import FileError, InvalidInput, SessionError
from skyscan_lab.io.netcdf import read_netcdf, write_netcdf
from skyscan_lab.power import UNITS
from skyscan_lab.session import session_from_points


def test_round_trip_is_exact(any_session, assert_same, tmp_path):
    assert_same(any_session, read_netcdf(write_netcdf(any_session, tmp_path / "a.nc")))


@pytest.mark.parametrize("units", UNITS)
def test_units_survive(units, make_session, assert_same, tmp_path):
    ds = make_session(units)
    assert_same(ds, read_netcdf(write_netcdf(ds, tmp_path / "a.nc")))


@hypothesis.given(
    readings=hnp.arrays("float64", 6, elements=st.floats(allow_nan=True, allow_infinity=True)),
    nanoseconds=hnp.arrays("int64", 6, elements=st.integers(-(2**63), 2**63 - 1)),
)
@hypothesis.settings(
    max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_any_value_and_any_nanosecond_survive(readings, nanoseconds, tmp_path):
    ds = session_from_points(
        [1, 2, 3, 1, 2, 3], [20, 20, 20, 21, 21, 21], np.zeros(6), time=nanoseconds.view("M8[ns]")
    )
    ds["rssi"][:] = readings.reshape(2, 3)
    back = read_netcdf(write_netcdf(ds, tmp_path / "a.nc"))
    np.testing.assert_array_equal(back.rssi.values, ds.rssi.values)
    np.testing.assert_array_equal(back.time.values.view("i8"), ds.time.values.view("i8"))


def test_the_cf_checker_has_nothing_to_say(gridded, samples, channelled, tmp_path):
    paths = [
        write_netcdf(ds, tmp_path / f"{name}.nc")
        for name, ds in {"gridded": gridded, "samples": samples, "channelled": channelled}.items()
    ]
    checker = Path(sys.executable).with_name("compliance-checker")
    done = subprocess.run(
        [checker, "--test=cf:1.11", "--criteria=strict", "-v", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("All tests passed!") == 3


def test_what_is_in_the_file(gridded, tmp_path):
    write_netcdf(gridded, tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc") as file:
        assert file.attrs["Conventions"] == "CF-1.11"
        assert file["rssi"].compression == "gzip"
        assert "_FillValue" not in file["azimuth"].attrs
        assert "_FillValue" not in file["elevation"].attrs
        assert file["time"].dtype == "int64"
        assert file["time"].attrs["units"] == "nanoseconds since 1970-01-01"


def test_writing_does_not_touch_the_session(channelled, assert_same, tmp_path):
    before = channelled.copy(deep=True)
    write_netcdf(channelled, tmp_path / "a.nc")
    assert_same(before, channelled)


@pytest.mark.parametrize("value", [True, None, {"a": 1}, ["a", "b"], np.zeros(1), np.zeros((2, 2))])
def test_attributes_that_netcdf_has_not_are_named(value, gridded, tmp_path):
    gridded.attrs["odd"] = value
    with pytest.raises(InvalidInput, match="attribute odd of the session"):
        write_netcdf(gridded, tmp_path / "a.nc")
    assert not list(tmp_path.iterdir())


def test_only_sessions_are_written_and_read(gridded, tmp_path):
    with pytest.raises(SessionError, match="rssi"):
        write_netcdf(gridded.drop_vars("rssi"), tmp_path / "a.nc")
    gridded.drop_vars("flag").to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(FileError, match="flag"):
        read_netcdf(tmp_path / "a.nc")


def test_a_flipped_bit_in_the_data_is_noticed(make_session, tmp_path):
    ds = make_session(azimuths=tuple(range(100, 150)), elevations=tuple(range(10, 50)))
    path = write_netcdf(ds, tmp_path / "a.nc")
    with h5py.File(path) as file:
        where = file["rssi"].id.get_chunk_info(0).byte_offset
    damaged = bytearray(path.read_bytes())
    damaged[where + 100] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(FileError, match="damaged"):
        read_netcdf(path)
