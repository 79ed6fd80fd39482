"""Spectra of rtl_power, joined with a log of where the antenna looked.

rtl_power writes ``date, time, Hz low, Hz high, Hz step, samples, dB, dB, …`` a line; the hops of
one sweep share their date and time. The centre of bin k is ``low + k · step``, and the last
value of a line repeats the one before it. The times are those of the machine that recorded,
usually local: they must be on the same clock as the log, or `utc_offset_h` says how far they
are ahead of UTC.

A sweep that was taken while the antenna stood still joins the sweeps before it, averaged in
linear power.

References
----------
.. [1] K. Keen, rtl_power, http://kmkeen.com/rtl-power/.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.errors import FileError, InvalidInput
from skyscan_lab.io.pointing_log import read_pointing_log
from skyscan_lab.io.textfile import Record, TextFile, finite_or_missing
from skyscan_lab.power import DECIBEL, mean_reading
from skyscan_lab.session import AXES, session_from_points, variable_attributes
from skyscan_lab.session.times import utc_times
from skyscan_lab.sphere import separation, wrap_azimuth

_UNITS = "dB"
_HEAD = 6  # date, time, low, high, step, samples
_LINE = re.compile(r"\d{4}-\d\d-\d\d, *\d\d:\d\d:\d\d, *[\d.]+, *[\d.]+, *[\d.]+, *\d+,")
_FREQUENCY = next(row for row in AXES if row.name == "frequency")
_SAME_PLACE_DEG = 0.05
_HIGHEST_DB = 1000.0


class _Hop(NamedTuple):
    line: int
    time: str
    frequency_hz: NDArray[np.float64]
    level_db: NDArray[np.float64]


def recognises(lines: list[str]) -> bool:
    """Whether a file begins as rtl_power writes."""
    return bool(lines) and _LINE.match(lines[0]) is not None


def read_rtl_power(
    path: str | Path,
    pointing: str | Path | None = None,
    *,
    utc_offset_h: float = 0.0,
    longest_gap_s: float = 60.0,
) -> xr.Dataset:
    """Read spectra of rtl_power with their pointing log.

    Parameters
    ----------
    path : str or Path
        CSV of rtl_power.
    pointing : str or Path, optional
        CSV with time, azimuth and elevation; by default ``<name>.pointing.csv`` beside it.
    utc_offset_h : float
        How many hours the spectra's times are ahead of UTC.
    longest_gap_s : float
        Longest gap between two log entries across which the antenna's way is a straight line.

    Returns
    -------
    Dataset
        A session in dB with the dim ``frequency``, averaged in linear power.

    Raises
    ------
    FileError
        Naming the line that is not rtl_power's, or where the frequencies change; where there
        is no log, or no sweep falls within it.

    Warns
    -----
    SkyscanWarning
        For sweeps outside of the log, a sweep cut off at the end of the file, and levels that
        are not finite.
    """
    file = TextFile.read(path)
    log = read_pointing_log(pointing if pointing is not None else _log_beside(file.path))
    times, frequencies, levels = _sweeps(file)
    times = times - np.timedelta64(round(utc_offset_h * 3.6e12), "ns")
    azimuth, elevation = log.at(times, longest_gap_s)
    joined = np.isfinite(azimuth)
    if not joined.any():
        raise file.error(
            f"no sweep falls within the pointing log ({log.time[0]} to {log.time[-1]}; the sweeps: "
            f"{times[0]} to {times[-1]}): are both on the same clock?"
        )
    if not joined.all():
        file.dropped(
            f"left out {int((~joined).sum())} of {times.size} sweeps: outside the pointing log "
            f"({log.time[0]} to {log.time[-1]}), or in a gap of it longer than {longest_gap_s} s"
        )
    return _session(
        file.path, times[joined], azimuth[joined], elevation[joined], frequencies, levels[joined]
    )


def _log_beside(path: Path) -> Path:
    beside = path.with_name(f"{path.stem}.pointing.csv")
    if not beside.exists():
        raise FileError(
            path, f"spectra without a pointing log: give pointing=, or put {beside.name!r} beside"
        )
    return beside


def _sweeps(
    file: TextFile,
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], NDArray[np.float64]]:
    """Times (n,), frequencies (m,) and levels (n, m) of the whole sweeps."""
    sweeps: list[list[_Hop]] = []
    for record in file.records(","):
        hop = _hop(file, record)
        if sweeps and sweeps[-1][0].time == hop.time:
            sweeps[-1].append(hop)
        else:
            sweeps.append([hop])
    if not sweeps:
        raise file.error("no sweeps in it")
    if len(sweeps) > 1 and len(sweeps[-1]) < len(sweeps[0]):
        file.dropped("left out the last sweep: some of its hops are missing", sweeps[-1][0].line)
        sweeps.pop()
    frequencies = np.concatenate([hop.frequency_hz for hop in sweeps[0]])
    order = np.argsort(frequencies)
    if np.any(np.diff(frequencies[order]) <= 0.0):
        raise file.error("hops of one sweep overlap", sweeps[0][0].line)
    levels = []
    for sweep in sweeps:
        if not np.array_equal(np.concatenate([hop.frequency_hz for hop in sweep]), frequencies):
            raise file.error("other frequencies than in the first sweep", sweep[0].line)
        levels.append(np.concatenate([hop.level_db for hop in sweep])[order])
    times = utc_times([sweep[0].time for sweep in sweeps], len(sweeps))
    return times, frequencies[order], finite_or_missing(file, np.array(levels))


def _hop(file: TextFile, record: Record) -> _Hop:
    number, text, fields = record
    if not _LINE.match(text):
        raise file.error(
            "not a line of rtl_power (date, time, Hz low, Hz high, Hz step, samples, dB…)", number
        )
    low, high, step = file.numbers(fields[2:5], number)
    levels = np.array(file.numbers(fields[_HEAD:], number))
    bins = round((high - low) / step) if step > 0.0 else 0
    if bins < 1 or levels.size not in (bins, bins + 1):
        raise file.error(
            f"{levels.size} levels; {low} to {high} Hz in steps of {step} make {bins}", number
        )
    time = f"{fields[0]}T{fields[1]}"
    try:
        utc_times([time], 1)
    except InvalidInput as error:
        raise file.error(str(error), number) from None
    absurd = np.isfinite(levels) & (np.abs(levels) > _HIGHEST_DB)
    if absurd.any():
        raise file.error(f"{levels[absurd][0]} dB is no level that a receiver reports", number)
    return _Hop(number, time, low + step * np.arange(bins, dtype=float), levels[:bins])


def _session(
    path: Path,
    times: NDArray[np.datetime64],
    azimuth: NDArray[np.float64],
    elevation: NDArray[np.float64],
    frequencies: NDArray[np.float64],
    levels: NDArray[np.float64],
) -> xr.Dataset:
    groups = _stays(azimuth, elevation)
    first = np.array([group.start for group in groups])
    last = np.array([group.stop - 1 for group in groups])
    mean = np.array([mean_reading(levels[group], DECIBEL, axis=0) for group in groups])
    ds = session_from_points(
        # The log continues through north, turn after turn, for as long as a recording runs.
        wrap_azimuth([azimuth[group].mean() for group in groups]),
        [elevation[group].mean() for group in groups],
        # A place has been measured where any of its channels has a reading.
        mean_reading(mean, DECIBEL, axis=1),
        time=times[first] + (times[last] - times[first]) // 2,
        reads=last - first + 1,
        units=_UNITS,
        averaging="linear power, uncorrected",
        attrs={"title": path.name, "receiver": "rtl_power"},
    )
    taken = ds["sequence"].values
    spectra = {"rssi": mean, "rssi_std": np.array([_scatter(levels[group]) for group in groups])}
    for name, values in {**spectra, "rssi_last": levels[last]}.items():
        channels = np.full((frequencies.size, *taken.shape), np.nan)
        channels[:, taken >= 0] = values[taken[taken >= 0]].T
        ds[name] = (("frequency", *ds["sequence"].dims), channels, ds[name].attrs)
    axis = ("frequency", frequencies, variable_attributes(_FREQUENCY, _UNITS))
    return ds.assign_coords(frequency=axis)


def _stays(azimuth: NDArray[np.float64], elevation: NDArray[np.float64]) -> list[slice]:
    """Runs of sweeps during which the antenna stayed where the run began."""
    starts = [0]
    for index in range(1, azimuth.size):
        start = starts[-1]
        moved = separation(azimuth[start], elevation[start], azimuth[index], elevation[index])
        if moved > _SAME_PLACE_DEG:
            starts.append(index)
    return [slice(start, stop) for start, stop in pairwise([*starts, azimuth.size])]


def _scatter(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sample standard deviation of levels in dB along the first axis; NaN below two."""
    count = np.isfinite(levels).sum(axis=0)
    spread = np.nansum((levels - mean_reading(levels, None, axis=0)) ** 2, axis=0)
    return np.where(count > 1, np.sqrt(spread / np.maximum(count - 1.0, 1.0)), np.nan)
