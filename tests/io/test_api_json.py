"""Truth: the example in the specification of the Sky Scan API."""

import json

import numpy as np
import pytest

from skyscan_lab.errors import ExportRefused, FileError
from skyscan_lab.io.api_json import exported_points, read_json, write_json
from skyscan_lab.session import session_from_points, validate

SPECIFICATION = """[
  { "azimuth": 0.0, "elevation": 18.0, "rssi_reads": 10, "rssi_average": -92,
    "rssi_current": -91, "measured_at": "2026-02-14T02:00:15" },
  { "azimuth": 2.0, "elevation": 18.0, "rssi_reads": 10, "rssi_average": -94,
    "rssi_current": -95, "measured_at": "2026-02-14T02:00:22" }
]"""


def test_the_specifications_example(tmp_path):
    (tmp_path / "a.json").write_text(SPECIFICATION)
    ds = validate(read_json(tmp_path / "a.json"))
    np.testing.assert_array_equal(ds["rssi"], [[-92.0, -94.0]])
    np.testing.assert_array_equal(ds["rssi_last"], [[-91.0, -95.0]])
    np.testing.assert_array_equal(ds["rssi_reads"], [[10, 10]])
    assert ds["time"].values[0, 1] == np.datetime64("2026-02-14T02:00:22")
    assert ds["rssi"].attrs["units"] == "dBm"
    points = json.loads(write_json(ds, tmp_path / "b.json").read_text())
    theirs = json.loads(SPECIFICATION)
    assert [{name: point[name] for name in theirs[0]} for point in points] == theirs
    assert {point["units"] for point in points} == {"dBm"}


def test_readings_are_rounded_beside_the_exact_ones_and_missing_points_are_null(tmp_path):
    ds = session_from_points(
        [370.0, 371.0, 372.0, 373.0],
        [20.0] * 4,
        [-91.6, np.nan, 500.4, 3.0],
        reads=[4, 0, 4, 4],
        std=[0.5, np.nan, np.nan, 0.25],
        last=[-90.2, np.nan, 501.0, 3.5],
        units="counts",
    )
    points = exported_points(ds)
    assert [point.azimuth for point in points] == [10.0, 12.0, 13.0, 11.0]
    assert [point.rssi_average for point in points] == [-92, 500, 3, None]
    assert [point.rssi_current for point in points] == [-90, 501, 4, None]
    assert [point.rssi_mean for point in points] == [-91.6, 500.4, 3.0, None]
    assert [point.rssi_std for point in points] == [0.5, None, 0.25, None]
    assert [point.rssi_last for point in points] == [-90.2, 501.0, 3.5, None]
    assert [point.rssi_reads for point in points] == [4, 4, 4, 0]
    assert [point.missing for point in points] == [None, None, None, "reading_failed"]
    assert {point.units for point in points} == {"counts"}
    assert points[0].measured_at is None
    path = write_json(ds, tmp_path / "a.json")
    assert "NaN" not in path.read_text()
    again = read_json(path)
    for name in ("rssi", "rssi_std", "rssi_last", "rssi_reads"):
        np.testing.assert_array_equal(again[name], ds[name])


def test_points_are_in_the_order_of_measurement():
    ds = session_from_points([2, 1, 2, 1], [20, 20, 10, 10], [1.0, 2.0, 3.0, 4.0])
    assert [point.rssi_average for point in exported_points(ds)] == [1, 2, 3, 4]


def test_a_session_with_channels_is_refused(channelled, tmp_path):
    with pytest.raises(ExportRefused, match="holds one channel"):
        write_json(channelled, tmp_path / "a.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SPECIFICATION[:-30], "line 5: not JSON"),
        ("[]", "no points"),
        ('{"azimuth": 1}', "top level"),
        (SPECIFICATION.replace("-94", "NaN"), "1.rssi_average"),
        (SPECIFICATION.replace('"azimuth": 2.0', '"azimuth": "x"'), "1.azimuth"),
        (SPECIFICATION.replace('"azimuth": 2.0', '"azimuth": 2000'), "az"),
        (SPECIFICATION.replace('"rssi_reads"', '"units": "dB", "rssi_reads"', 1), "dB, dBm"),
        (SPECIFICATION.replace('"rssi_reads"', '"units": "W", "rssi_reads"'), "'W'"),
        (SPECIFICATION.replace("02:00:22", "02:00:99"), "1.measured_at"),
        ("[" * 100_000, "nested|not JSON"),
    ],
)
def test_what_is_wrong_is_said(text, reason, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileError, match=reason):
        read_json(tmp_path / "a.json")
