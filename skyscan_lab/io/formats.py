"""Every format there is: how it is recognised, read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import xarray as xr

from skyscan_lab.errors import FileError, InvalidInput
from skyscan_lab.io import (
    api_json,
    csv,
    fits,
    fits_file,
    healpix,
    matrix,
    netcdf,
    rtl_power,
    winegard,
)
from skyscan_lab.io.textfile import split_lines
from skyscan_lab.session import LocationLike, as_location

_HEAD_BYTES = 2**16  # enough for the first headers of a FITS file


@dataclass(frozen=True)
class Head:
    """Beginning of a file: bytes, the lines that hold something, and the number of the first."""

    data: bytes
    lines: list[str]
    first_line: int | None

    @classmethod
    def of(cls, path: Path) -> Head:
        """Read the beginning of a file."""
        try:
            with path.open("rb") as file:
                data = file.read(_HEAD_BYTES)
        except OSError as error:
            raise FileError(path, error.strerror or str(error)) from error
        if not data.strip():
            raise FileError(path, "empty")
        lines = {
            number: line.strip()
            for number, line in enumerate(split_lines(data.decode("utf-8-sig", "replace")), start=1)
            if line.strip() and not line.lstrip().startswith("#")
        }
        return cls(data, list(lines.values()), next(iter(lines), None))


@dataclass(frozen=True)
class Format:
    """One row of `FORMATS`.

    Attributes
    ----------
    title : str
        What it is, in words.
    suffixes : tuple of str
        File names that end so are written in it.
    recognises : callable
        Whether the `Head` of a file is of this format.
    read : callable
        Reader of a path; keyword arguments as in `options`.
    write : callable or None
        Writer of a session to a path; None for formats that are only read.
    options : tuple of str
        Keyword arguments of `load_session` that the reader takes.
    """

    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Head], bool]
    read: Callable[..., xr.Dataset]
    write: Callable[..., Any] | None = None
    options: tuple[str, ...] = ()


# In the order in which they are asked: what is certain before what is only likely.
FORMATS = MappingProxyType(
    {
        "netcdf": Format(
            "NetCDF-4, CF-1.11",
            (".nc", ".nc4"),
            lambda head: head.data.startswith(netcdf.SIGNATURE),
            netcdf.read_netcdf,
            netcdf.write_netcdf,
        ),
        "healpix": Format(
            "HEALPix FITS map",
            (".healpix.fits", ".hpx.fits"),
            lambda head: (
                head.data.startswith(fits_file.SIGNATURE) and healpix.recognises(head.data)
            ),
            healpix.read_healpix,
            healpix.write_healpix,
        ),
        "fits": Format(
            "FITS image with the session in tables",
            (".fits", ".fit", ".fts"),
            lambda head: head.data.startswith(fits_file.SIGNATURE),
            fits.read_fits,
            fits.write_fits,
        ),
        "csv": Format(
            "CSV of ours",
            (".csv",),
            lambda head: head.data.startswith(csv.SIGNATURE.encode()),
            csv.read_csv,
            csv.write_csv,
        ),
        "json": Format(
            "JSON of the Sky Scan API's data endpoint",
            (".json",),
            lambda head: api_json.recognises(head.lines),
            api_json.read_json,
            api_json.write_json,
        ),
        "rtl_power": Format(
            "CSV of rtl_power, with a pointing log",
            (),
            lambda head: rtl_power.recognises(head.lines),
            rtl_power.read_rtl_power,
            options=("pointing",),
        ),
        "winegard": Format(
            "Winegard text: azimuth elevation counts, separated by white space",
            (),
            lambda head: winegard.recognises(head.lines),
            winegard.read_winegard,
        ),
        "matrix": Format(
            "matrix recording of the Tailgater or Carryout kind, with its settings",
            (),
            lambda head: matrix.recognises(head.lines),
            matrix.read_matrix,
            options=("settings",),
        ),
    }
)
"""Formats by name."""


def load_session(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  # the word that users of xarray and astropy know
    location: LocationLike | None = None,
    settings: str | Path | None = None,
    pointing: str | Path | None = None,
) -> xr.Dataset:
    r"""Read a session from a file of any known format.

    The format is told by what the file holds, not by its name.

    Parameters
    ----------
    path : str or Path
        The file.
    format : str, optional
        One of `FORMATS`, for a file that looks like another one.
    location : EarthLocation or (latitude, longitude[, height]), optional
        The site, degrees and metres, for recordings that do not say it; it takes the place of
        one that they do say.
    settings : str or Path, optional
        Settings of a matrix recording; by default ``scan-settings-….txt`` beside it.
    pointing : str or Path, optional
        Pointing log for spectra of rtl_power; by default ``<name>.pointing.csv`` beside them.

    Returns
    -------
    Dataset
        A valid session.

    Raises
    ------
    FileError
        For a file of no known format, or one that is damaged, with the line where there is one.
    InvalidInput
        For an unknown format, or an argument that the file's format has no use for.

    Warns
    -----
    SkyscanWarning
        Where a part of the file was left out; the rest is good.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scan.txt"
    ...     _ = path.write_text("110 18 409\n110 19 407\n111 18 411\n111 19 408\n")
    ...     load_session(path).rssi.sizes
    Frozen({'elevation': 2, 'azimuth': 2})
    """
    path = Path(path)
    chosen = _named(format) if format is not None else _recognise(path, settings)
    given = {
        name: value
        for name, value in {"settings": settings, "pointing": pointing}.items()
        if value is not None
    }
    for name in given.keys() - set(chosen.options):
        raise InvalidInput(name, given[name], f"left out: {path.name} is {chosen.title}")
    ds = chosen.read(path, **given)
    if location is not None:
        ds.attrs |= as_location(location).to_attributes()
    return ds


def save_session(
    ds: xr.Dataset,
    path: str | Path,
    format: str | None = None,  # noqa: A002  # as above
    **options: Any,
) -> Path:
    """Write a session in a format.

    Parameters
    ----------
    ds : Dataset
        A session.
    path : str or Path
        Where to.
    format : str, optional
        One of those in `FORMATS` that can be written; by default by the end of the name.
    **options
        As the format's own writer takes them.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidInput
        For an unknown format or ending.
    ExportRefused
        For a product that the session cannot support.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, 510], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_session(ds, Path(folder) / "session.fits").name
    'session.fits'
    """
    path = Path(path)
    name = format if format is not None else format_of(path)
    write = _named(name).write
    if write is None:
        raise InvalidInput("format", name, f"one of {', '.join(_writable())}")
    write(ds, path, **options)
    return path


def format_of(path: str | Path) -> str:
    """Name of the format in which a file of this name is written.

    Raises
    ------
    InvalidInput
        For an ending that belongs to none.

    Examples
    --------
    >>> format_of("map.fits"), format_of("map.healpix.fits")
    ('fits', 'healpix')
    """
    endings = {suffix: name for name in _writable() for suffix in FORMATS[name].suffixes}
    name = Path(path).name.lower()
    fitting = [suffix for suffix in endings if name.endswith(suffix)]
    if not fitting:
        raise InvalidInput("file name", str(path), f"ending in one of {', '.join(endings)}")
    return endings[max(fitting, key=len)]


def _named(name: str) -> Format:
    if name not in FORMATS:
        raise InvalidInput("format", name, f"one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _writable() -> list[str]:
    return [name for name, row in FORMATS.items() if row.write]


def _recognise(path: Path, settings: str | Path | None) -> Format:
    head = Head.of(path)
    # A matrix of three columns looks like a list of points: its settings tell them apart.
    if matrix.recognises(head.lines) and (settings or matrix.settings_beside(path)):
        return FORMATS["matrix"]
    for row in FORMATS.values():
        if row.recognises(head):
            return row
    known = "; ".join(row.title for row in FORMATS.values())
    if b"\0" in head.data or not head.lines:
        raise FileError(path, f"of no known format; known are: {known}")
    raise FileError(
        path,
        f"of no known format: begins with {head.lines[0][:60]!r}; known are: {known}",
        head.first_line,
    )
