"""Truth: the records themselves, and the session schema's own validation."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

from skyscan_lab.errors import SessionError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import (
    Entry,
    MissingRecord,
    PointRecord,
    ReferenceRecord,
    StatusRecord,
)
from skyscan_lab.recording import session_of
from skyscan_lab.scanning import Recording, make_plan
from skyscan_lab.session import Flag, references_of, session_from_points, with_references

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)
GRID = ScanGrid(az=(350, 10), el=(20, 40), step=10, order="serpentine")


def point(sequence: int, azimuth: float, elevation: float, **changes: object) -> PointRecord:
    fields = {
        "sequence": sequence,
        "azimuth_deg": azimuth,
        "elevation_deg": elevation,
        "time": NOON + timedelta(seconds=sequence, microseconds=123456),
        "reads": 10,
        "mean": 500.0 + sequence,
        "std": 0.5,
        "last": 501.0,
        "domain": "native units, uncorrected",
    }
    return PointRecord.model_validate(fields | changes)


def look(visit: int, mean: float | None) -> ReferenceRecord:
    return ReferenceRecord(
        visit=visit,
        azimuth_deg=5.0,
        elevation_deg=60.0,
        time=NOON + timedelta(minutes=visit),
        reads=0 if mean is None else 10,
        mean=mean,
        std=None,
        last=mean,
        domain=None if mean is None else "native units, uncorrected",
    )


def recording(*records: object, **fields: object) -> Recording:
    plan = make_plan(GRID, session="s", units="counts", **fields)
    running = StatusRecord(status=ScanStatus.RUNNING, time=NOON)
    return Recording(
        plan,
        tuple(Entry(number, record) for number, record in enumerate((running, *records), 1)),
    )


def test_each_point_is_in_the_cell_it_was_measured_for() -> None:
    # The rotor was on its own turn, and farther off than half a step in the last point.
    ds = session_of(
        recording(
            point(0, -10.02, 20.1),
            point(1, 0.01, 20.0),
            MissingRecord(sequence=2, reason="reading_failed", words="", time=NOON),
            point(3, 370.0, 30.0),
            MissingRecord(sequence=4, reason="out_of_limits", words="", time=NOON),
            point(5, -4.0, 30.0),
            location={"latitude_deg": 47.0, "longitude_deg": 8.0},
            rotor="roof",
            frequency_hz=12.2e9,
            attrs={"observer": "me"},
        )
    )
    assert ds.azimuth.values.tolist() == [350.0, 360.0, 370.0]
    assert ds.sequence.values.tolist() == [[0, 1, -1], [5, -1, 3], [-1, -1, -1]]
    assert ds.flag.values.tolist() == [
        [Flag.MEASURED, Flag.MEASURED, Flag.READING_FAILED],
        [Flag.MEASURED, Flag.OUT_OF_LIMITS, Flag.MEASURED],
        [Flag.NOT_VISITED] * 3,
    ]
    np.testing.assert_allclose(
        ds.azimuth_measured.values[:2], [[349.98, 360.01, np.nan], [356.0, np.nan, 370.0]]
    )
    assert float(ds.rssi.sel(azimuth=370, elevation=30)) == 503.0
    assert ds.time.values[0, 0] == np.datetime64("2026-02-14T12:00:00.123456", "ns")
    assert ds.rssi.attrs["units"] == "counts"
    assert ds.attrs["averaging"] == "native units, uncorrected"
    assert ds.attrs["site_latitude_deg"] == 47.0
    assert (ds.attrs["rotor"], ds.attrs["frequency_hz"], ds.attrs["observer"]) == (
        "roof",
        12.2e9,
        "me",
    )
    assert "receiver" not in ds.attrs
    assert ds.attrs["scan_status"] == "running"


def test_nothing_measured_yet_is_an_empty_session() -> None:
    ds = session_of(Recording(make_plan(GRID, session="s"), ()))
    assert int(ds.rssi.count()) == 0
    assert ds.attrs["scan_status"] == "pending"


def test_the_same_records_give_the_same_session_to_the_last_bit() -> None:
    records = recording(point(0, 350.0, 20.0), look(0, 480.125))
    xr.testing.assert_identical(session_of(records), session_of(records))


def test_references_come_out_as_a_session_of_their_own() -> None:
    ds = session_of(
        recording(look(0, 480.125), point(0, 350.0, 20.0), look(1, None), look(2, 479.5))
    )
    looks = references_of(ds)
    assert looks is not None
    assert looks.rssi.dims == ("sample",)
    assert looks.rssi.values.tolist() == [480.125, 479.5]
    assert looks.time.values.tolist() == [
        np.datetime64("2026-02-14T12:00:00", "ns").item(),
        np.datetime64("2026-02-14T12:02:00", "ns").item(),
    ]
    assert looks.rssi_reads.values.tolist() == [10, 10]
    assert np.isnan(looks.rssi_std.values).all()
    assert looks.rssi.attrs["units"] == "counts"


def test_a_single_look_is_no_grid() -> None:
    looks = references_of(session_of(recording(look(0, 480.0))))
    assert looks is not None
    assert looks.rssi.dims == ("sample",)


def test_without_a_reference_there_is_none() -> None:
    assert references_of(session_of(recording(point(0, 350.0, 20.0)))) is None


def test_references_in_other_units_are_refused() -> None:
    ds = session_from_points([1.0, 2.0], [20.0, 20.0], [-90.0, -91.0])
    looks = session_from_points([1.0, 1.0], [60.0, 60.0], [480.0, 481.0], units="counts")
    with pytest.raises(SessionError, match="units of references"):
        with_references(ds, looks)
    with pytest.raises(SessionError, match="dims of references"):
        with_references(ds, ds)


@pytest.mark.parametrize("text", ["", "[]", '{"az": [1]}', '{"az": "x"}'])
def test_a_damaged_attribute_is_named(text: str) -> None:
    ds = session_from_points([1.0, 2.0], [20.0, 20.0], [-90.0, -91.0])
    with pytest.raises(SessionError, match="reference_readings"):
        references_of(ds.assign_attrs(reference_readings=text))
