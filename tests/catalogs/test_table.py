"""Truth: catalogue files written out in the test, good and broken, and the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from skyscan_lab.catalogs import read_catalog
from skyscan_lab.errors import FileError


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "satellites.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        "A,10.5,20\nB B,350,41\n",
        "name,azimuth,elevation\nA,10.5,20\nB B,350,41",
        "\ufeffName, Azimuth, Elevation\r\nA, 10.5, 20\r\n\r\n# a remark\r\nB B ,350,41\r\n",
        '"A",10.5,20\n"B B",350,41\n',
    ],
)
def test_every_usual_way_to_write_it(tmp_path: Path, content: str) -> None:
    table = read_catalog(write(tmp_path, content))
    assert list(table["name"]) == ["A", "B B"]
    np.testing.assert_array_equal(table["azimuth"], [10.5, 350.0] * u.deg)
    np.testing.assert_array_equal(table["elevation"], [20.0, 41.0] * u.deg)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("A,10,20\nB,x,30\n", 2, "azimuth 'x' is not a number"),
        ("A,10,20\n\nB,30\n", 3, "2 fields"),
        ("A,10,20,5\n", 1, "4 fields"),
        ("A,10,91\n", 1, "elevation 91 is not within"),
        ("A,nan,20\n", 1, "azimuth nan is not within"),
        ("A,721,20\n", 1, "azimuth 721 is not within"),
        (",10,20\n", 1, "no name"),
        ("A,10,20\nname,azimuth,elevation\n", 2, "azimuth 'azimuth'"),
        ("A;10;20\n", 1, "1 fields"),
        ("A,10,20\n" + "B" * 200_000 + ",10,20\n", 2, "not CSV"),
    ],
)
def test_names_the_line_that_is_wrong(tmp_path: Path, content: str, line: int, reason: str) -> None:
    with pytest.raises(FileError, match=reason) as caught:
        read_catalog(write(tmp_path, content))
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no source"),
        ("name,azimuth,elevation\n", "no source"),
        (b"\x89PNG\xff\x00", "not text"),
    ],
)
def test_refuses_what_is_no_catalogue(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        read_catalog(write(tmp_path, content))


def test_a_missing_file_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read_catalog(tmp_path / "absent.csv")
