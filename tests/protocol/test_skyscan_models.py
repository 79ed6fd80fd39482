"""Truth: the messages of the Sky Scan API's specification, field by field."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from skyscan_lab.errors import GridError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.skyscan import (
    DataPoint,
    ExportedPoint,
    ScanProgress,
    ScanRequest,
    ScanSession,
    progress_pct,
)

SESSION = {
    "id": 3,
    "rotor_id": 1,
    "status": "completed",
    "az_start": 0.0,
    "az_end": 360.0,
    "el_start": 18.0,
    "el_end": 65.0,
    "step_deg": 2.0,
    "rssi_iterations": 10,
    "total_points": 4320,
    "completed_points": 4320,
    "progress_pct": 100.0,
    "started_at": "2026-02-14T02:00:00",
    "finished_at": "2026-02-14T05:42:00",
    "notes": None,
}
PENDING = SESSION | {
    "id": 4,
    "status": "pending",
    "completed_points": 0,
    "progress_pct": 0.0,
    "started_at": None,
    "finished_at": None,
}
POINT = {
    "azimuth": 14.0,
    "elevation": 20.0,
    "rssi_reads": 10,
    "rssi_average": -88,
    "rssi_current": -87,
    "measured_at": "2026-02-14T02:05:30",
}
PROGRESS = {
    "session_id": 4,
    "status": "running",
    "point": POINT,
    "progress_pct": 12.3,
    "completed": 531,
    "total": 4320,
}


@pytest.mark.parametrize("message", [SESSION, PENDING])
def test_sessions_come_back_as_they_were(message) -> None:
    assert json.loads(ScanSession.model_validate(message).model_dump_json()) == message


def test_points_and_progress_come_back_as_they_were() -> None:
    point = json.loads(DataPoint.model_validate(POINT).model_dump_json())
    assert point == POINT
    progress = json.loads(ScanProgress.model_validate_json(json.dumps(PROGRESS)).model_dump_json())
    assert progress == PROGRESS


def test_in_a_file_a_point_says_its_units() -> None:
    point = ExportedPoint.model_validate(POINT | {"units": "counts"})
    assert POINT.items() <= json.loads(point.model_dump_json()).items()
    assert point.units == "counts"


def test_a_message_about_the_status_alone_has_no_point() -> None:
    message = ScanProgress.model_validate(PROGRESS | {"point": None})
    assert message.point is None
    assert json.loads(message.model_dump_json())["point"] is None


def test_a_request_has_the_specified_defaults() -> None:
    request = ScanRequest.model_validate_json('{"rotor_id": 1}')
    specified = {
        "rotor_id": 1,
        "az_start": 0.0,
        "az_end": 360.0,
        "el_start": 18.0,
        "el_end": 65.0,
        "step_deg": 2.0,
        "rssi_iterations": 10,
    }
    assert request.model_dump(include=set(specified)) == specified


def test_what_we_have_added_to_a_request_leaves_its_grid_as_specified() -> None:
    grid = ScanRequest(rotor_id=1).grid
    assert grid == ScanGrid(az=(0, 360), el=(18, 65), step=2.0, order="raster")


def test_a_grid_that_cannot_be_made_names_the_field_of_the_request() -> None:
    with pytest.raises(GridError, match=r"^el_end = 20\.0: must be at least"):
        _ = ScanRequest(rotor_id=1, el_start=50, el_end=20).grid


@pytest.mark.parametrize(
    ("done", "status", "percent"),
    [
        (0, "pending", 0.0),
        (531, "running", 12.3),
        (4319, "running", 99.9),
        (4320, "running", 99.9),
        (4320, "completed", 100.0),
        (531, "cancelled", 12.3),
    ],
)
def test_progress_is_whole_only_at_the_end(done, status, percent) -> None:
    assert progress_pct(done, 4320, ScanStatus(status)) == percent


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rotor_id"),
        ({"rotor_id": 1, "rssi_iterations": 0}, "rssi_iterations"),
        ({"rotor_id": 1, "az_start": float("nan")}, "az_start"),
        ({"rotor_id": 1, "step_deg": float("inf")}, "step_deg"),
        ({"rotor_id": "first"}, "rotor_id"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(body, field) -> None:
    with pytest.raises(ValidationError, match=field):
        ScanRequest.model_validate(body)


@pytest.mark.parametrize("name", ["rssi_average", "rssi_current", "rssi_reads"])
def test_readings_are_whole_numbers_here(name) -> None:
    with pytest.raises(ValidationError, match=name):
        DataPoint.model_validate(POINT | {name: -88.5})


@pytest.mark.parametrize(
    "moment",
    [
        "2026-02-14T02:05:30",
        "2026-02-14T02:05:30Z",
        "2026-02-14T03:05:30+01:00",
        "2026-02-14T02:05:30.999999",
        datetime(2026, 2, 14, 2, 5, 30, tzinfo=UTC),
        datetime(2026, 2, 13, 21, 5, 30, tzinfo=timezone(timedelta(hours=-5))),
        1771034730,
    ],
)
def test_times_are_utc_in_whole_seconds_without_a_suffix(moment) -> None:
    point = DataPoint.model_validate(POINT | {"measured_at": moment})
    assert point.measured_at is not None
    assert point.measured_at.tzinfo is None
    assert json.loads(point.model_dump_json())["measured_at"] == "2026-02-14T02:05:30"


def test_fields_that_a_newer_server_adds_do_no_harm() -> None:
    session = ScanSession.model_validate(SESSION | {"paused_by": ["lease"]})
    assert session.status is ScanStatus.COMPLETED


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(ValidationError, match="status"):
        ScanSession.model_validate(SESSION | {"status": "thinking"})


def test_a_misspelt_field_of_a_scan_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="step\n"):
        ScanRequest.model_validate({"rotor_id": 1, "step": 5.0})
