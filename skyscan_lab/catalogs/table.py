"""A list of sources from a file: ``name,azimuth,elevation`` in degrees, one a line.

A first line with these words is a header, and may be left out. Empty lines, and lines that
start with ``#``, are skipped.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from astropy import units as u
from astropy.table import QTable

from skyscan_lab.errors import FileError

_COLUMNS = ("name", "azimuth", "elevation")


def read_catalog(path: str | Path) -> QTable:
    """Read a catalogue of directions.

    Parameters
    ----------
    path : str or Path
        A CSV file.

    Returns
    -------
    QTable
        Columns ``name``, ``azimuth`` and ``elevation`` (degrees), in the order of the file.

    Raises
    ------
    FileError
        For a file that cannot be read, or naming the first line that is not a source.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "satellites.csv"
    ...     _ = file.write_text("ASTRA 1KR,165.64,34.60")
    ...     table = read_catalog(file)
    >>> str(table["name"][0]), table["azimuth"][0]
    ('ASTRA 1KR', <Quantity 165.64 deg>)
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise FileError(path, "not text (UTF-8), so not a catalogue") from error

    names: list[str] = []
    azimuths: list[float] = []
    elevations: list[float] = []
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    header_allowed = True
    try:
        for row in rows:
            fields = [field.strip() for field in row]
            if not any(fields) or fields[0].startswith("#"):
                continue
            if header_allowed and [field.lower() for field in fields] == list(_COLUMNS):
                header_allowed = False
                continue
            header_allowed = False
            name, azimuth, elevation = _source(path, rows.line_num, fields)
            names.append(name)
            azimuths.append(azimuth)
            elevations.append(elevation)
    except csv.Error as error:
        raise FileError(path, f"not CSV: {error}", rows.line_num) from error
    if not names:
        raise FileError(path, "holds no source: expected lines of name,azimuth,elevation")
    return QTable(
        [names, azimuths * u.deg, elevations * u.deg], names=_COLUMNS, meta={"source": str(path)}
    )


def _source(path: str | Path, line: int, fields: list[str]) -> tuple[str, float, float]:
    if len(fields) != len(_COLUMNS):
        raise FileError(
            path, f"{len(fields)} fields, expected {len(_COLUMNS)}: {','.join(_COLUMNS)}", line
        )
    if not fields[0]:
        raise FileError(path, "the source has no name", line)
    azimuth = _angle(path, line, "azimuth", fields[1], -360.0, 720.0)
    elevation = _angle(path, line, "elevation", fields[2], -90.0, 90.0)
    return fields[0], azimuth, elevation


def _angle(path: str | Path, line: int, name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise FileError(path, f"{name} {text!r} is not a number of degrees", line) from None
    if not (math.isfinite(value) and low <= value <= high):
        raise FileError(path, f"{name} {text} is not within [{low:g}°, {high:g}°]", line)
    return value
