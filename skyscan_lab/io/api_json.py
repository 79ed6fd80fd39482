"""JSON of the Sky Scan API: what ``GET /api/skyscan/{id}/data`` answers.

A list of points in the order of measurement. The API's readings are integers; beside them stand
the exact ones, their units (without which they are dBm, as the API says), and after the measured
points those that are missing. What only knows the API's fields passes over ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from pydantic import TypeAdapter, ValidationError

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import FileError, InvalidInput
from skyscan_lab.io.one_channel import require_one_channel
from skyscan_lab.io.textfile import TextFile
from skyscan_lab.protocol.skyscan import ExportedPoint
from skyscan_lab.session import (
    GRID_DIMS,
    Flag,
    is_gridded,
    samples_of,
    session_from_points,
    units_of,
    validate,
)
from skyscan_lab.sphere import wrap_azimuth

_POINTS = TypeAdapter(list[ExportedPoint])
_API_UNITS = "dBm"


def recognises(lines: list[str]) -> bool:
    """Whether a file begins as a JSON list."""
    return bool(lines) and lines[0].startswith("[")


def exported_points(ds: xr.Dataset) -> list[ExportedPoint]:
    """Points of a session, as its file lists them.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.

    Returns
    -------
    list of ExportedPoint
        In the order of measurement, then those without a reading; azimuth within [0, 360).

    Raises
    ------
    ExportRefused
        For a session with several channels, which the API has no field for.

    Examples
    --------
    >>> ds = session_from_points([370.0], [20.0], [-91.6])
    >>> point = exported_points(ds)[0]
    >>> point.azimuth, point.rssi_average, point.rssi_mean
    (10.0, -92, -91.6)
    """
    validate(ds)
    require_one_channel(ds, "a list of the API's points")
    return [*_measured(samples_of(ds), units_of(ds)), *_missing(ds, units_of(ds))]


def _measured(taken: xr.Dataset, units: str) -> Iterator[ExportedPoint]:
    average, last = taken["rssi"].values, taken["rssi_last"].values
    columns = {
        "azimuth": wrap_azimuth(taken["azimuth_measured"].values),
        "elevation": taken["elevation_measured"].values,
        "rssi_reads": taken["rssi_reads"].values,
        "rssi_average": np.rint(average),
        "rssi_current": np.rint(np.where(np.isfinite(last), last, average)),
        "measured_at": taken["time"].values.astype("datetime64[us]"),
        "rssi_mean": average,
        "rssi_std": taken["rssi_std"].values,
        "rssi_last": last,
    }
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        known = {name: value for name, value in zip(columns, row, strict=True) if value == value}
        yield ExportedPoint(units=units, **known)


def _missing(ds: xr.Dataset, units: str) -> Iterator[ExportedPoint]:
    """Points without a reading, where they were to be measured."""
    if is_gridded(ds):
        flat = ds.stack(sample=GRID_DIMS)
        azimuth, elevation = flat["azimuth"].values, flat["elevation"].values
    else:
        flat = ds
        azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    missing = ~np.isfinite(flat["rssi"].values) & np.isfinite(azimuth) & np.isfinite(elevation)
    for direction, height, flag in zip(
        wrap_azimuth(azimuth[missing]).tolist(),
        elevation[missing].tolist(),
        flat["flag"].values[missing].tolist(),
        strict=True,
    ):
        yield ExportedPoint(
            azimuth=direction,
            elevation=height,
            rssi_reads=0,
            rssi_average=None,
            rssi_current=None,
            units=units,
            missing=Flag(flag).name.lower(),
        )


def write_json(ds: xr.Dataset, path: str | Path) -> Path:
    """Write the points of a session as the API's JSON, with what it has no fields for.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.
    path : str or Path
        Where to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExportRefused
        As `exported_points` does.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, 510], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_json(write_json(ds, Path(folder) / "data.json")).rssi.values
    array([[500., 510.]])
    """
    # A point a line: the file can be read, compared and searched.
    points = [json.dumps(point.model_dump(mode="json")) for point in exported_points(ds)]
    text = "[\n" + ",\n".join(points) + "\n]\n"
    return write_atomically(path, text.encode())


def read_json(path: str | Path) -> xr.Dataset:
    """Read the API's JSON.

    Parameters
    ----------
    path : str or Path
        A list of points.

    Returns
    -------
    Dataset
        A session; gridded where the points fill a lattice.

    Raises
    ------
    FileError
        With the line where the JSON breaks, or the point and the field that is wrong; for an
        empty list, and for points in different units.

    Examples
    --------
    >>> import tempfile
    >>> point = (
    ...     '{"azimuth": 14.0, "elevation": 20.0, "rssi_reads": 10,'
    ...     ' "rssi_average": -88, "rssi_current": -87}'
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "data.json"
    ...     _ = path.write_text(f"[{point}]")
    ...     read_json(path).rssi_last.item()
    -87.0
    """
    file = TextFile.read(path)
    try:
        points = _POINTS.validate_python(json.loads("\n".join(file.lines)))
    except json.JSONDecodeError as error:
        raise file.error(f"not JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise file.error("not a list of points: nested too deeply") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise file.error(f"not a list of points: {where or 'top level'}: {first['msg']}") from None
    if not points:
        raise file.error("no points in it")
    units = {point.units or _API_UNITS for point in points}
    if len(units) > 1:
        raise file.error(f"points in different units: {', '.join(sorted(units))}")
    try:
        return session_from_points(
            [point.azimuth for point in points],
            [point.elevation for point in points],
            [_exact(point.rssi_mean, point.rssi_average) for point in points],
            time=[point.measured_at for point in points],
            reads=[point.rssi_reads for point in points],
            std=[_exact(point.rssi_std, None) for point in points],
            last=[_exact(point.rssi_last, point.rssi_current) for point in points],
            units=units.pop(),
            attrs={"title": file.path.name},
        )
    except InvalidInput as error:
        raise FileError(file.path, str(error)) from error


def _exact(value: float | None, rounded: int | None) -> float:
    """The exact reading, the one of the API where there is none, or none at all."""
    known = rounded if value is None else value
    return float("nan") if known is None else float(known)
