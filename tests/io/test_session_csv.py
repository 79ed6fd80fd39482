"""Truth: the session before it was written."""

import csv

import pytest

from skyscan_lab.errors import FileError, SkyscanWarning
from skyscan_lab.io.csv import read_csv, write_csv
from skyscan_lab.session import Flag, validate


def test_round_trip_is_exact(any_session, assert_same, tmp_path):
    assert_same(any_session, read_csv(write_csv(any_session, tmp_path / "a.csv")))


def test_any_csv_reader_finds_the_table(gridded, tmp_path):
    path = write_csv(gridded, tmp_path / "a.csv")
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert len(rows) == gridded["rssi"].size
    first = next(row for row in rows if row["sequence"] == "0")
    assert float(first["rssi"]) == float(gridded["rssi"].values[gridded["sequence"].values == 0][0])
    assert first["time"] == "2024-02-29T23:59:59.123456789"


def test_what_a_cut_file_lacks_is_missing_and_said(gridded, tmp_path):
    path = write_csv(gridded, tmp_path / "a.csv")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]) + lines[-3][:20])
    with pytest.warns(SkyscanWarning) as said:
        ds = validate(read_csv(path))
    assert "ends within" in str(said[0].message)
    assert "3 of 24 rows are not in it" in str(said[1].message)
    assert (ds["flag"].values.ravel()[-3:] == Flag.NOT_IN_RECORDING).all()
    assert ds.isel(elevation=slice(-1)).identical(gridded.isel(elevation=slice(-1)))


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda text: text.replace(",", ";"), "line 2: layout"),
        (lambda text: text.replace("-90.", "-9o."), "is not of type float64"),
        (lambda text: text.replace("# attributes", "# attribute"), "without attributes"),
        (lambda text: text + text.splitlines()[-1] + "\n", "announces 24"),
        (lambda text: text[: text.index("elevation,azimuth")], "no table"),
        (lambda text: text.replace("rssi_std,", "rssi_sdt,"), "'rssi_std' is not in list"),
        (lambda text: text.replace('"float64"', '"float6"'), "not a session"),
    ],
)
def test_other_damage_is_an_error(edit, reason, gridded, tmp_path):
    path = write_csv(gridded, tmp_path / "a.csv")
    path.write_text(edit(path.read_text()))
    with pytest.raises(FileError, match=reason):
        read_csv(path)


def test_a_wrong_number_is_named_with_its_line(gridded, tmp_path):
    path = write_csv(gridded, tmp_path / "a.csv")
    lines = path.read_text().splitlines(keepends=True)
    lines[9] = lines[9].replace("-", "x", 1)
    path.write_text("".join(lines))
    with pytest.raises(FileError, match="line 10"):
        read_csv(path)
