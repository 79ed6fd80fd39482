"""Pointing logs: where the antenna looked, and when.

CSV with a row of names, of which ``time``, ``azimuth`` and ``elevation`` (or ``az``, ``el``) are
read: ISO 8601, UTC unless the time says otherwise, and degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.io.textfile import TextFile, is_direction
from skyscan_lab.session.times import utc_times
from skyscan_lab.sphere import wrap_azimuth

_NAMES = {
    "time": "time",
    "timestamp": "time",
    "azimuth": "azimuth",
    "az": "azimuth",
    "elevation": "elevation",
    "el": "elevation",
}


@dataclass(frozen=True)
class PointingLog:
    """Where an antenna looked.

    Attributes
    ----------
    time : ndarray of datetime64[ns], shape (n,)
        UTC, increasing.
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Degrees; azimuth continues through north, so that it can be interpolated.
    """

    time: NDArray[np.datetime64]
    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]

    def at(
        self, time: NDArray[np.datetime64], longest_gap_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Directions at given times, on the straight line between the entries around them.

        Parameters
        ----------
        time : ndarray of datetime64[ns]
            UTC.
        longest_gap_s : float
            Longest time between two entries over which a direction is believed.

        Returns
        -------
        azimuth_deg, elevation_deg : ndarray
            NaN outside of the log and inside a longer gap.
        """
        start = self.time[0]
        known = (self.time - start).astype("int64") / 1e9
        wanted = (time - start).astype("int64") / 1e9
        after = np.clip(np.searchsorted(known, wanted), 1, known.size - 1)
        exact = np.isin(wanted, known)
        within = (wanted >= 0.0) & (wanted <= known[-1])
        believed = within & (exact | (known[after] - known[after - 1] <= longest_gap_s))
        azimuth = np.interp(wanted, known, self.azimuth_deg)
        elevation = np.interp(wanted, known, self.elevation_deg)
        return np.where(believed, azimuth, np.nan), np.where(believed, elevation, np.nan)


def read_pointing_log(path: str | Path) -> PointingLog:
    r"""Read a pointing log.

    Parameters
    ----------
    path : str or Path
        The log.

    Raises
    ------
    FileError
        Naming the line that is not a time and a direction, or goes back in time.

    Warns
    -----
    SkyscanWarning
        For a line cut off at the end of the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "log.csv"
    ...     _ = path.write_text(
    ...         "time,azimuth,elevation\n2024-01-01T00:00:00,350,20\n2024-01-01T00:00:02,10,30\n"
    ...     )
    ...     log = read_pointing_log(path)
    >>> log.at(np.array(["2024-01-01T00:00:01"], dtype="datetime64[ns]"), longest_gap_s=5)
    (array([360.]), array([25.]))
    """
    file = TextFile.read(path)
    records = list(file.records(","))
    heading = [_NAMES.get(name.lower()) for name in records[0].fields] if records else []
    absent = {"time", "azimuth", "elevation"} - set(heading)
    if absent:
        raise file.error(
            f"no column {', '.join(sorted(absent))}: a pointing log begins with the names of its "
            "columns, separated by commas",
            records[0].line if records else None,
        )
    columns = {name: heading.index(name) for name in ("time", "azimuth", "elevation")}
    times: list[np.datetime64] = []
    azimuths: list[float] = []
    elevations: list[float] = []
    for number, _, fields in records[1:]:
        if len(fields) != len(heading):
            raise file.error(f"{len(fields)} values under {len(heading)} names", number)
        azimuth, elevation = file.numbers(
            [fields[columns["azimuth"]], fields[columns["elevation"]]], number
        )
        if not is_direction(azimuth, elevation):
            file.dropped(f"left out an entry at no direction ({azimuth}, {elevation})", number)
            continue
        try:
            time = utc_times([fields[columns["time"]]], 1)[0]
        except InvalidInput as error:
            raise file.error(str(error), number) from None
        if times and time <= times[-1]:
            raise file.error("not later than the entry before", number)
        times.append(time)
        azimuths.append(azimuth)
        elevations.append(elevation)
    if len(times) < 2:
        raise file.error("fewer than two entries: nothing lies between")
    unrolled = np.degrees(np.unwrap(np.radians(wrap_azimuth(azimuths))))
    return PointingLog(np.array(times), unrolled, np.array(elevations))
