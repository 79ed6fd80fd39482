"""HEALPix FITS: the map on equal-area pixels, those that were measured only.

The frame is horizontal, which HEALPix has no letter for: ``COORDSYS`` says so in words, the
longitude is azimuth clockwise from north, and the latitude is elevation. Programs that expect
a celestial frame show it mirrored.

References
----------
.. [1] K. M. Gorski et al., "HEALPix", ApJ 622, 759 (2005).
.. [2] The HEALPix FITS conventions, https://healpix.sourceforge.io/data/examples/
   healpix_fits_specs.pdf: explicit indexing of partial maps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from astropy import units as u
from astropy.io import fits
from astropy_healpix import HEALPix, pixel_resolution_to_nside
from numpy.typing import NDArray

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import ExportRefused, FileError, InvalidInput
from skyscan_lab.io.fits_file import open_fits, to_bytes
from skyscan_lab.io.fits_header import FITS_UNITS, observation_header
from skyscan_lab.io.fits_tables import SESSION, json_hdu, read_json_hdu
from skyscan_lab.io.one_channel import require_one_channel
from skyscan_lab.io.resampling import resample, step_of
from skyscan_lab.session import samples_of, session_from_points, units_of, validate

Ordering = Literal["ring", "nested"]

FRAME = "HORIZONTAL"
_MAX_NSIDE = 2**11  # pixels of 1.7′
_AT_ONCE = 2**20  # bounds the memory that fine maps need


def recognises(head: bytes) -> bool:
    """Whether the first headers of a FITS file announce HEALPix pixels."""
    return b"PIXTYPE = 'HEALPIX" in head


def write_healpix(
    ds: xr.Dataset,
    path: str | Path,
    *,
    nside: int | None = None,
    ordering: Ordering = "nested",
) -> Path:
    """Write a session as HEALPix FITS.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.
    path : str or Path
        Where to.
    nside : int, optional
        Resolution, a power of two; by default the coarsest whose pixels are no larger than
        the step of the session.
    ordering : {"nested", "ring"}
        Order of the pixel numbers.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExportRefused
        For several channels, and for a session without a measured area.
    InvalidInput
        For an `nside` or ordering that HEALPix has not.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([0, 9, 0, 9], [20, 20, 29, 29], [5, 5, 8, 8], units="dB")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     back = read_healpix(write_healpix(ds, Path(folder) / "map.fits", nside=32))
    >>> expected = 5.0 + (back.elevation_measured - 20.0) / 3.0
    >>> bool(abs(back.rssi - expected).max() < 1e-9)
    True
    """
    validate(ds)
    require_one_channel(ds, "a HEALPix map")
    if ordering not in ("nested", "ring"):
        raise InvalidInput("ordering", ordering, "'nested' or 'ring'")
    if nside is None:
        finest = int(pixel_resolution_to_nside(step_of(ds) * u.deg, round="up"))
        nside = min(finest, _MAX_NSIDE)
    elif not (1 <= nside <= _MAX_NSIDE and nside & (nside - 1) == 0):
        raise InvalidInput("nside", nside, f"a power of two within [1, {_MAX_NSIDE}]")
    grid = HEALPix(nside=nside, order=ordering)
    pixels, values = _measured_pixels(ds, grid)
    if not pixels.size:
        raise ExportRefused("no pixel lies inside of the measured area: nothing to map")
    units = units_of(ds)
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("PIXEL", "K", array=pixels),
            fits.Column("RSSI", "D", unit=FITS_UNITS[units], array=values),
        ],
        name="HEALPIX",
    )
    for keyword, value in {
        "PIXTYPE": "HEALPIX",
        "ORDERING": ordering.upper(),
        "NSIDE": nside,
        "INDXSCHM": "EXPLICIT",
        "OBJECT": "PARTIAL",
        "COORDSYS": FRAME,
    }.items():
        table.header[keyword] = value
    table.header["COMMENT"] = (
        "Longitude is azimuth, clockwise from north; latitude is elevation. This is no celestial "
        "frame, and left-handed as azimuth is."
    )
    primary = fits.PrimaryHDU(header=observation_header(ds))
    about = json_hdu({"units": units, "attributes": dict(_texts_and_numbers(ds.attrs))})
    return write_atomically(path, to_bytes(fits.HDUList([primary, table, about])))


def read_healpix(path: str | Path) -> xr.Dataset:
    """Read a map that `write_healpix` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Dataset
        A session with a sample at the centre of each pixel, in the order of the pixels.

    Raises
    ------
    FileError
        For a file that is damaged, in another frame, or not such a map.
    """
    with open_fits(path) as hdus:
        maps = [hdu for hdu in hdus if hdu.header.get("PIXTYPE") == "HEALPIX"]
        if not maps or SESSION not in hdus:
            raise FileError(path, "not a HEALPix map of ours")
        header, table = maps[0].header, maps[0].data
        if header["COORDSYS"] != FRAME:
            raise FileError(path, f"in the frame {header['COORDSYS']!r}, not {FRAME!r}")
        grid = HEALPix(nside=header["NSIDE"], order=header["ORDERING"].lower())
        longitude, latitude = grid.healpix_to_lonlat(table["PIXEL"].astype("int64"))
        about = read_json_hdu(hdus)
        ds = session_from_points(
            longitude.to_value(u.deg),
            latitude.to_value(u.deg),
            table["RSSI"].astype(float),
            units=about["units"],
            attrs=about["attributes"],
        )
        # Rings of staggered pixels are no grid, even where a few of them look like one.
        return samples_of(ds)


def _measured_pixels(
    ds: xr.Dataset, grid: HEALPix
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pixels whose centres lie inside of the measured area, and the values there."""
    found: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    for first in range(0, grid.npix, _AT_ONCE):
        pixels = np.arange(first, min(first + _AT_ONCE, grid.npix))
        longitude, latitude = grid.healpix_to_lonlat(pixels)
        level = resample(ds, longitude.to_value(u.deg), latitude.to_value(u.deg))
        inside = np.isfinite(level)
        found.append(pixels[inside])
        values.append(level[inside])
    return np.concatenate(found), np.concatenate(values)


def _texts_and_numbers(attributes: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Attributes of a session that a map keeps: the map is a product, not the session."""
    for name, value in attributes.items():
        if isinstance(value, str | int | float):
            yield str(name), value
