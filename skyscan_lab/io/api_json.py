"""JSON of the Sky Scan API: what ``GET /api/skyscan/{id}/data`` answers.

A list of measured points in the order of measurement. The API's readings are integers, so
this is where readings are rounded, and nowhere else; ``units`` is our addition and says what
they are. Without it they are dBm, as the API says.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr
from pydantic import TypeAdapter, ValidationError

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import FileError, InvalidInput
from skyscan_lab.io.one_channel import require_one_channel
from skyscan_lab.io.textfile import TextFile
from skyscan_lab.protocol.skyscan import DataPointWithUnits
from skyscan_lab.session import samples_of, session_from_points, units_of, validate
from skyscan_lab.sphere import wrap_azimuth

_POINTS = TypeAdapter(list[DataPointWithUnits])
_API_UNITS = "dBm"


def recognises(lines: list[str]) -> bool:
    """Whether a file begins as a JSON list."""
    return bool(lines) and lines[0].startswith("[")


def data_points(ds: xr.Dataset) -> list[DataPointWithUnits]:
    """Measured points of a session, as the API lists them.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.

    Returns
    -------
    list of DataPointWithUnits
        In the order of measurement; azimuth within [0, 360); missing points are absent.

    Raises
    ------
    ExportRefused
        For a session with several channels, which the API has no field for.

    Examples
    --------
    >>> ds = session_from_points([370.0], [20.0], [-91.6])
    >>> data_points(ds)[0].azimuth, data_points(ds)[0].rssi_average
    (10.0, -92)
    """
    validate(ds)
    require_one_channel(ds, "a list of the API's points")
    taken = samples_of(ds)
    average = taken["rssi"].values
    last = np.where(np.isfinite(taken["rssi_last"]), taken["rssi_last"], average)
    times = taken["time"].values.astype("datetime64[us]").tolist()
    return [
        DataPointWithUnits(
            azimuth=azimuth,
            elevation=elevation,
            rssi_reads=reads,
            rssi_average=round(mean),
            rssi_current=round(current),
            measured_at=time,
            units=units_of(ds),
        )
        for azimuth, elevation, reads, mean, current, time in zip(
            wrap_azimuth(taken["azimuth_measured"].values).tolist(),
            taken["elevation_measured"].values.tolist(),
            taken["rssi_reads"].values.tolist(),
            average.tolist(),
            last.tolist(),
            times,
            strict=True,
        )
    ]


def write_json(ds: xr.Dataset, path: str | Path) -> Path:
    """Write the measured points of a session as the API's JSON.

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
        As `data_points` does.

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
    points = [json.dumps(point.model_dump(mode="json")) for point in data_points(ds)]
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
            [point.rssi_average for point in points],
            time=[point.measured_at for point in points],
            reads=[point.rssi_reads for point in points],
            last=[point.rssi_current for point in points],
            units=units.pop(),
            attrs={"title": file.path.name},
        )
    except InvalidInput as error:
        raise FileError(file.path, str(error)) from error
