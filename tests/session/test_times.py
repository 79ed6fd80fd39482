"""Truth: the same moment, written in every way there is."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from astropy.time import Time

from skyscan_lab.errors import InvalidInput
from skyscan_lab.session import session_from_points

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
        ["0001-01-01T00:00:00+23:59", None],
        np.array(["2500-01-01", "2026-01-01"], dtype="datetime64[s]"),
        Time(["2016-12-31T23:59:60", "2016-12-31T23:59:59"]),
        [Time("2026-02-14"), Time("2026-02-15")],
    ],
)
def test_what_is_no_time_is_refused(time) -> None:
    with pytest.raises(InvalidInput, match="time"):
        session_from_points([10, 11], [20, 20], [1, 2], time=time)
