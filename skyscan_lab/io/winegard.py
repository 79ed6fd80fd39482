"""Winegard sky scans: ``azimuth elevation counts`` a line, as text.

The counts are the tuner's own, logarithmic by nature and not calibrated; the noise floor is
near 400–500. A reading of -1 is how the recording program writes that the dish did not
answer. Neither time nor site is recorded.

References
----------
.. [1] C. Davidson, winegard-sky-scan, https://github.com/cdavidson0522/winegard-sky-scan.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from skyscan_lab.io.textfile import TextFile, finite_or_missing, is_direction, is_number
from skyscan_lab.session import session_from_points

_FIELDS = 3
_NO_ANSWER = -1.0


def recognises(lines: list[str]) -> bool:
    """Whether a file begins with three numbers."""
    fields = lines[0].split() if lines else []
    return len(fields) == _FIELDS and all(map(is_number, fields))


def read_winegard(path: str | Path) -> xr.Dataset:
    r"""Read a Winegard sky scan.

    Parameters
    ----------
    path : str or Path
        The recording.

    Returns
    -------
    Dataset
        A session in counts. Readings that failed, and readings that are not finite, are
        missing and flagged ``READING_FAILED``.

    Raises
    ------
    FileError
        Naming the line that is not three numbers, or a file without any point.

    Warns
    -----
    SkyscanWarning
        For a line left out, cut off at the end of the file or without a direction, and for
        readings that are not finite.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scan.txt"
    ...     _ = path.write_text("110.0 18.0 409\n110.0 19.0 -1\n")
    ...     read_winegard(path).rssi.values.ravel()
    array([409.,  nan])
    """
    file = TextFile.read(path)
    points: list[tuple[float, float, float]] = []
    for number, text, fields in file.records():
        if len(fields) != _FIELDS:
            raise file.error(
                f"{text[:60]!r} is not three numbers (azimuth, elevation, counts) "
                "separated by white space",
                number,
            )
        azimuth, elevation, counts = file.numbers(fields, number)
        if not is_direction(azimuth, elevation):
            file.dropped(f"left out a point at no direction ({azimuth}, {elevation})", number)
            continue
        points.append((azimuth, elevation, counts))
    if not points:
        raise file.error("no points in it")
    azimuths, elevations, readings = (np.array(column) for column in zip(*points, strict=True))
    readings = finite_or_missing(file, readings)
    return session_from_points(
        azimuths,
        elevations,
        np.where(readings == _NO_ANSWER, np.nan, readings),
        units="counts",
        averaging="native units, uncorrected",
        attrs={"rotor": "Winegard", "receiver": "Winegard tuner", "title": Path(path).name},
    )
