"""Truth: the real recording's own lines, and files broken in known ways."""

import numpy as np
import pytest

from skyscan_lab.datasets import fetch
from skyscan_lab.errors import FileError, SkyscanWarning
from skyscan_lab.io import load_session
from skyscan_lab.io.winegard import read_winegard
from skyscan_lab.session import Flag, validate

GOOD = "110.0 18.0 409\n110.0 19.0 407\n111.0 18.0 411\n111.0 19.0 408\n"


def read(tmp_path, text):
    path = tmp_path / "scan.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return validate(read_winegard(path))


@pytest.mark.recording
def test_the_real_recording_line_by_line():
    path = fetch("winegard-g2")["scan_data.txt"]
    ds = read_winegard(path)
    table = np.loadtxt(path)
    assert dict(ds.sizes) == {"elevation": 41, "azimuth": 131}
    order = np.argsort(ds["sequence"].values.ravel())
    for name, column in {"azimuth_measured": 0, "elevation_measured": 1, "rssi": 2}.items():
        np.testing.assert_array_equal(ds[name].values.ravel()[order], table[:, column])
    assert ds["rssi"].attrs["units"] == "counts"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.replace(" ", "\t"),
        "# from the roof\n\n" + GOOD,
        GOOD.replace(" ", "   ").replace("110", "  110"),
    ],
)
def test_the_same_points_however_they_are_written(text, tmp_path):
    np.testing.assert_array_equal(read(tmp_path, text)["rssi"], [[409, 411], [407, 408]])


def test_no_answer_is_missing_without_a_word(tmp_path):
    ds = read(tmp_path, GOOD.replace("407", "-1"))
    assert np.isnan(ds["rssi"].values[1, 0])
    assert ds["flag"].values[1, 0] == Flag.READING_FAILED
    assert ds["sequence"].values[1, 0] == -1


@pytest.mark.parametrize("reading", ["nan", "inf", "-inf"])
def test_readings_that_are_not_finite_are_missing_and_counted(reading, tmp_path):
    with pytest.warns(SkyscanWarning, match="1 readings are not finite"):
        ds = read(tmp_path, GOOD.replace("407", reading))
    assert ds["flag"].values[1, 0] == Flag.READING_FAILED
    assert int(np.isfinite(ds["rssi"]).sum()) == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_machine_ends_them(end, tmp_path):
    (tmp_path / "scan.txt").write_bytes(GOOD.replace("\n", end).encode())
    assert int(load_session(tmp_path / "scan.txt")["rssi"].count()) == 4


@pytest.mark.parametrize("direction", ["nan 19.0", "110.0 nan", "1100 19.0", "110.0 91"])
def test_a_point_at_no_direction_is_left_out_and_said(direction, tmp_path):
    with pytest.warns(SkyscanWarning, match="line 2: left out a point at no direction"):
        ds = read(tmp_path, GOOD.replace("110.0 19.0", direction))
    assert int(ds["rssi"].count()) == 3


@pytest.mark.parametrize("end", ["111.0 19.", "111.0 19.0 4", "11", "111.0 19.0 40"])
def test_a_cut_last_line_is_left_out_and_said(end, tmp_path):
    with pytest.warns(SkyscanWarning, match="line 4: left out .*ends within this line"):
        ds = read(tmp_path, GOOD.replace("111.0 19.0 408\n", end))
    assert int(ds["rssi"].count()) == 3


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (GOOD.replace("110.0 19.0 407", "110.0,19.0,407"), 2, "not three numbers"),
        (GOOD.replace("110.0 19.0 407", "110.0 19.0"), 2, "not three numbers"),
        (GOOD.replace("110.0 19.0 407", "110.0 19.0 407 9"), 2, "not three numbers"),
        (GOOD.replace("407", "4o7"), 2, "'4o7' is not a number"),
        (GOOD.replace("407", "4_7"), 2, "'4_7' is not a number"),
        (GOOD.replace("407", "٤٠٧"), 2, "'٤٠٧' is not a number"),
        (GOOD.encode() + b"\xff\xfe\n", 5, "not UTF-8"),
        (GOOD + "\0\n", 5, "binary"),
        ("", None, "empty"),
        (" \n\n", None, "empty"),
        ("# nothing\n", None, "no points"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, line, reason, tmp_path):
    with pytest.raises(FileError, match=reason) as caught:
        read(tmp_path, text)
    assert caught.value.line == line


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        read_winegard(tmp_path / "scan.txt")
