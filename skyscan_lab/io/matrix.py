"""Matrix recordings of the Tailgater, Carryout and Discovery Drive imaging scripts.

Two files bear one time in their names: ``raw-data-<time>.txt``, a matrix of readings that
``numpy.savetxt`` wrote, and ``scan-settings-<time>.txt``, numbers one a line: azimuth start and
end, elevation start and end, resolution (the step; the Tailgater's code 2 means its nudges of
0.2°), and, from the scripts that read an RTL-SDR, frequency in MHz, bias tee and gain.

Row 0 is the elevation end in all of them. The columns differ:

- Tailgater (five settings, counts): column 0 is the azimuth end, and the dish counts azimuth
  *counter-clockwise* from its connector, which points north in normal use. So the true azimuth
  is 360° minus the dish's, and the columns run clockwise after all.
- Carryout and Discovery Drive (eight settings, dB): the last column is the azimuth end − 1,
  clockwise; the scripts store the end one too high, and never reach column 0.

The scripts fill a matrix of zeros as they go, row by row from below, every second row
backwards. A zero is a cell that was not measured, whatever the units. No site is recorded,
and the time in the name is a local one.

References
----------
.. [1] G. Emerson, https://github.com/saveitforparts/Tailgater-Microwave-Imaging,
   https://github.com/saveitforparts/Carryout-Radio-Telescope and
   https://github.com/saveitforparts/Discovery-Drive-Scan.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.grid import MAX_POINTS, ScanGrid
from skyscan_lab.io.textfile import TextFile, finite_or_missing, is_number
from skyscan_lab.power import Units
from skyscan_lab.session import Flag, session_from_points

_NUDGE_CODE, _NUDGE_DEG = 2.0, 0.2
_ROUNDING_STEPS = 1e-9
_TAILGATER, _WITH_RECEIVER = 5, 8


@dataclass(frozen=True)
class ScanSettings:
    """What a settings file says.

    Attributes
    ----------
    azimuth_deg, elevation_deg : tuple of float
        Start and end, in the dish's own angles.
    step_deg : float
        Step on both axes.
    frequency_hz, gain_db : float or None
        Of the receiver, where there is one.
    """

    azimuth_deg: tuple[float, float]
    elevation_deg: tuple[float, float]
    step_deg: float
    frequency_hz: float | None
    gain_db: float | None

    @property
    def clockwise(self) -> bool:
        """Whether the dish counts azimuth clockwise; the one without a receiver does not."""
        return self.frequency_hz is not None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        spans = (self.elevation_deg, self.azimuth_deg)
        rows, columns = (round((end - start) / self.step_deg) + 1 for start, end in spans)
        return rows, columns

    @property
    def first_azimuth_deg(self) -> float:
        """True azimuth of column 0."""
        return self.azimuth_deg[0] - self.step_deg if self.clockwise else 360 - self.azimuth_deg[1]

    @property
    def units(self) -> Units:
        """Units of the matrix."""
        return "counts" if self.frequency_hz is None else "dB"


def recognises(lines: list[str]) -> bool:
    """Whether a file begins with a row of numbers."""
    fields = lines[0].split() if lines else []
    return len(fields) > 1 and all(map(is_number, fields))


def settings_beside(path: Path) -> Path | None:
    """Settings that belong to a matrix by its name, where they are there."""
    beside = _settings_name(path)
    return beside if beside != path and beside.exists() else None


def read_matrix(path: str | Path, settings: str | Path | None = None) -> xr.Dataset:
    """Read a matrix recording with its settings.

    Parameters
    ----------
    path : str or Path
        The matrix, ``raw-data-….txt``.
    settings : str or Path, optional
        Its settings; by default ``scan-settings-….txt`` beside it.

    Returns
    -------
    Dataset
        A session on the settings' grid, in counts or dB, with true (clockwise) azimuths.
        Zeros are missing, flagged ``NOT_IN_RECORDING``.

    Raises
    ------
    FileError
        For a matrix or settings that cannot be read or do not fit each other.

    Warns
    -----
    SkyscanWarning
        For rows cut off at the end of the matrix, readings that are not finite, and readings
        at the end of a full circle that repeat its start.
    """
    file = TextFile.read(path)
    settings = settings if settings is not None else settings_beside(file.path)
    if settings is None:
        raise file.error(
            "a matrix without its settings: give settings=, or name the two raw-data-….txt and "
            "scan-settings-….txt, side by side"
        )
    scan = read_settings(settings)
    matrix = _matrix(file, scan)
    grid, first = _grid(matrix.shape[1], scan)
    points = _points(matrix, scan)
    if not points:
        raise file.error("nothing but zeros: no cell was measured")
    azimuth, elevation, reading = (np.array(column) for column in zip(*points, strict=True))
    # At the end of a full circle the dish stands where it began: the first reading counts.
    cell = np.stack([np.rint((azimuth - first) % 360.0 / scan.step_deg), elevation])
    kept = np.sort(np.unique(cell, axis=1, return_index=True)[1])
    if kept.size < azimuth.size:
        file.dropped(
            f"left out {azimuth.size - kept.size} readings where the end of the circle repeats "
            "its start"
        )
    ds = session_from_points(
        azimuth[kept],
        elevation[kept],
        finite_or_missing(file, reading[kept]),
        units=scan.units,
        grid=grid,
        attrs=_provenance(file.path, scan),
    )
    flag = ds["flag"].where(ds["flag"] != Flag.NOT_VISITED, np.int8(Flag.NOT_IN_RECORDING))
    return ds.assign(flag=flag)


def read_settings(path: str | Path) -> ScanSettings:
    """Read a settings file.

    Raises
    ------
    FileError
        For a file that does not hold the settings of one of the scripts.
    """
    file = TextFile.read(path)
    values: list[float] = []
    for number, text in file.rows():
        fields = text.split()
        if len(fields) != 1:
            raise file.error(f"{len(fields)} values; settings stand one a line", number)
        values += file.numbers(fields, number)
        if not math.isfinite(values[-1]):
            raise file.error(f"{fields[0]} is not finite", number)
    if len(values) not in (_TAILGATER, _WITH_RECEIVER):
        raise file.error(f"{len(values)} settings; the scripts write 5 (Tailgater) or 8")
    az_start, az_end, el_start, el_end, resolution = values[:_TAILGATER]
    with_receiver = len(values) == _WITH_RECEIVER
    step = _NUDGE_DEG if resolution == _NUDGE_CODE and not with_receiver else resolution
    if not (0.0 < step <= 90.0 and az_start < az_end and el_start <= el_end):
        raise file.error(f"not the bounds and step of a scan: {values[:_TAILGATER]}")
    if not -90.0 <= el_start <= el_end <= 90.0 or not -360.0 <= az_start <= az_end <= 361.0:
        raise file.error(f"no azimuth and elevation: {values[:_TAILGATER]}")
    steps = [(az_end - az_start) / step, (el_end - el_start) / step]
    if any(abs(count - round(count)) > _ROUNDING_STEPS for count in steps):
        raise file.error(f"the step {step} does not divide the bounds {values[:4]}")
    if (steps[0] + 1.0) * (steps[1] + 1.0) > MAX_POINTS:
        raise file.error(f"{steps[0]:.0f} by {steps[1]:.0f} steps are no scan that was ever made")
    return ScanSettings(
        (az_start, az_end),
        (el_start, el_end),
        step,
        frequency_hz=values[5] * 1e6 if with_receiver else None,
        gain_db=values[7] if with_receiver else None,
    )


def _settings_name(path: Path) -> Path:
    return path.with_name(path.name.replace("raw-data", "scan-settings", 1))


def _matrix(file: TextFile, scan: ScanSettings) -> NDArray[np.float64]:
    rows, columns = scan.shape
    lines: list[list[float]] = []
    for number, _, fields in file.records():
        if len(fields) != columns:
            raise file.error(
                f"{len(fields)} values in this row; the settings make it {columns}", number
            )
        lines.append(file.numbers(fields, number))
        if len(lines) > rows:
            raise file.error(f"more rows than the {rows} of the settings", number)
    torn = len(lines) < len(list(file.rows()))
    if not lines or (len(lines) < rows and not torn):
        raise file.error(f"{len(lines)} rows; the settings make it {rows}")
    matrix = np.zeros((rows, columns))
    matrix[: len(lines)] = lines
    if len(lines) < rows - 1:
        file.dropped(f"the lowest {rows - len(lines)} of {rows} rows are not in it")
    return matrix


def _grid(columns: int, scan: ScanSettings) -> tuple[ScanGrid, float]:
    """Nominal grid, and the azimuth at which it starts."""
    first = scan.first_azimuth_deg
    last = first + (columns - 1) * scan.step_deg
    if last - first > 360.0:
        # Only the scripts with a receiver get here: without the column that they never reach.
        first += scan.step_deg
        last = first + min(360.0, last - first)
    return ScanGrid(az=(first, last), el=scan.elevation_deg, step=scan.step_deg), first


def _points(matrix: NDArray[np.float64], scan: ScanSettings) -> list[tuple[float, float, float]]:
    """Measured cells as (azimuth, elevation, reading), in the order of the scripts' loops."""
    points = []
    for line in range(matrix.shape[0]):
        readings = matrix[matrix.shape[0] - 1 - line]
        elevation = scan.elevation_deg[0] + line * scan.step_deg
        columns = np.flatnonzero(readings)
        # The first line goes up in the dish's own azimuth, and every second one back.
        if (line % 2 == 0) != scan.clockwise:
            columns = columns[::-1]
        points += [
            (scan.first_azimuth_deg + column * scan.step_deg, elevation, readings[column])
            for column in columns.tolist()
        ]
    return points


def _provenance(path: Path, scan: ScanSettings) -> dict[str, Any]:
    stamp = re.search(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)", path.name)
    return {
        "title": path.name,
        "rotor": "Carryout or Discovery Drive" if scan.clockwise else "Tailgater",
        "receiver": "RTL-SDR" if scan.clockwise else "Tailgater tuner",
        "frequency_hz": scan.frequency_hz,
        "gain_db": scan.gain_db,
        "started_at_local": "{}-{}-{}T{}:{}:{}".format(*stamp.groups()) if stamp else None,
    }
