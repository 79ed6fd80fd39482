"""CSV of ours: a session that a spreadsheet opens, and that reads back whole.

Comment lines hold the layout as JSON, one key a line; then a row of names and one row a
cell. Numbers have as many digits as they need to read back the same; what is missing is
left empty. Readings with channels have a column for each, ``rssi[0]``, ``rssi[1]``, … Other
programs have to pass over the comments: ``pandas.read_csv(file, comment="#")``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import FileError
from skyscan_lab.io.rows import LAYOUT_KEYS, Rows, from_rows, to_rows
from skyscan_lab.io.textfile import TextFile
from skyscan_lab.session import GRID_DIMS, validate

SIGNATURE = "# skyscan-lab session, one row a cell"
_ROWS = "rows"


def write_csv(ds: xr.Dataset, path: str | Path) -> Path:
    """Write a session as CSV.

    Parameters
    ----------
    ds : Dataset
        A session.
    path : str or Path
        Where to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SessionError
        For a Dataset that is not a session.
    InvalidInput
        For an attribute or variable that a table cannot hold.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, float("nan")], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_csv(write_csv(ds, Path(folder) / "session.csv")).identical(ds)
    True
    """
    rows = to_rows(validate(ds))
    named: dict[str, list[str]] = {}
    if set(GRID_DIMS) <= set(rows.layout["sizes"]):
        # For the human reader only; the layout holds the axes.
        elevation, azimuth = np.meshgrid(ds["elevation"], ds["azimuth"], indexing="ij")
        named = {"elevation": _texts(elevation.ravel()), "azimuth": _texts(azimuth.ravel())}
    for name, column in rows.columns.items():
        flat = column.reshape(len(column), int(np.prod(column.shape[1:])))
        for channel in range(flat.shape[1]):
            named[_heading(name, channel, column.ndim > 1)] = _texts(flat[:, channel])
    comments = {**rows.layout, _ROWS: len(rows.columns["rssi"])}
    lines = [SIGNATURE, *(f"# {key}: {json.dumps(value)}" for key, value in comments.items())]
    lines += [",".join(named), *map(",".join, zip(*named.values(), strict=True))]
    return write_atomically(path, ("\n".join(lines) + "\n").encode())


def read_csv(path: str | Path) -> xr.Dataset:
    """Read a session that `write_csv` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Dataset
        The session.

    Raises
    ------
    FileError
        With the line that does not fit; for a layout that is not a session's.

    Warns
    -----
    SkyscanWarning
        For rows that are not there because the file was cut off: their cells are missing.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, 510], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.csv"
    ...     _ = write_csv(ds, path)
    ...     read_csv(path).identical(ds)
    True
    """
    file = TextFile.read(path)
    layout = _layout(file)
    lines = list(file.rows())
    if not lines:
        raise file.error("no table after its layout")
    heading = lines[0][1].split(",")
    cells: list[tuple[int, list[str]]] = []
    for number, line in lines[1:]:
        fields = line.split(",")
        if file.is_open(number):
            file.dropped("left out a row that the file ends within", number)
            continue
        if len(fields) != len(heading):
            raise file.error(
                f"{len(fields)} values under {len(heading)} names, separated by commas", number
            )
        cells.append((number, fields))
    try:
        announced = int(layout[_ROWS])
        if not cells and announced:
            raise file.error("no rows in the table")
        if len(cells) > announced:
            raise file.error(f"{len(cells)} rows where the layout announces {announced}")
        columns = {
            name: _column(file, heading, cells, name, about["dtype"], _shape(about, layout))
            for name, about in layout["variables"].items()
        }
        ds = from_rows(Rows(columns, layout))
    except FileError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise file.error(f"layout and table are not a session: {error}") from error
    if len(cells) < announced:
        file.dropped(f"{announced - len(cells)} of {announced} rows are not in it")
    return ds


def _layout(file: TextFile) -> dict[str, Any]:
    layout: dict[str, Any] = {}
    for number, line in enumerate(file.lines, start=1):
        if not line.startswith("#"):
            break
        key, colon, value = line.removeprefix("#").strip().partition(": ")
        if colon:
            try:
                layout[key] = json.loads(value)
            except json.JSONDecodeError as error:
                raise file.error(f"layout: {error.msg}", number) from None
    absent = {*LAYOUT_KEYS, _ROWS} - layout.keys()
    if absent:
        raise file.error(f"layout without {', '.join(sorted(absent))}")
    return layout


def _shape(about: dict[str, Any], layout: dict[str, Any]) -> tuple[int, ...]:
    return tuple(len(layout["coordinates"][dim]["values"]) for dim in about["dims"])


def _column(
    file: TextFile,
    heading: list[str],
    cells: list[tuple[int, list[str]]],
    name: str,
    dtype: str,
    channels: tuple[int, ...],
) -> NDArray[Any]:
    parse = _PARSERS[np.dtype(dtype).kind]
    flat = []
    for channel in range(int(np.prod(channels))):
        position = heading.index(_heading(name, channel, bool(channels)))
        values = []
        for number, fields in cells:
            try:
                values.append(parse(fields[position]))
            except ValueError:
                raise file.error(
                    f"{fields[position]!r} under {heading[position]} is not of type {dtype}", number
                ) from None
        flat.append(np.array(values, dtype=dtype))
    return np.stack(flat, axis=1).reshape(len(cells), *channels)


def _heading(name: str, channel: int, channelled: bool) -> str:
    return f"{name}[{channel}]" if channelled else name


def _texts(column: NDArray[Any]) -> list[str]:
    if column.dtype.kind == "M":
        return ["" if text == "NaT" else text for text in np.datetime_as_string(column).tolist()]
    return ["" if value != value else repr(value) for value in column.tolist()]


def _time(text: str) -> np.datetime64:
    # numpy would also take times of other forms, and offsets from UTC with a mere warning.
    if text and not _NANOSECONDS.fullmatch(text):
        raise ValueError(text)
    return np.datetime64(text or "NaT", "ns")


_NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}")
_PARSERS: dict[str, Callable[[str], Any]] = {
    "f": lambda text: float(text) if text else float("nan"),
    "i": int,
    "M": _time,
}
