"""FITS: an image for ds9 and Aladin, and the session itself in tables beside it.

===========  =========================================================================
HDU          holds
===========  =========================================================================
primary      the image, resampled onto the pixels of its projection
SAMPLES      one row a cell: everything measured there, and its own ICRS position
SESSION      sizes, coordinates, types and attributes, as JSON
===========  =========================================================================

The tables are the session, bit for bit; the image is a picture of it.

References
----------
.. [1] FITS Standard 4.0, https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from astropy.io import fits
from numpy.typing import NDArray

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import ExportRefused, FileError, InvalidInput
from skyscan_lab.io.celestial import sky_rotation
from skyscan_lab.io.fits_file import open_fits, to_bytes
from skyscan_lab.io.fits_header import ascii_text, channel_header, observation_header
from skyscan_lab.io.fits_tables import SAMPLES, SESSION, read_tables, table_hdus
from skyscan_lab.io.fits_wcs import (
    MAX_PIXELS,
    Plane,
    Projection,
    is_even,
    rectangle,
    zenithal_plane,
)
from skyscan_lab.io.resampling import directions_of, resample, step_of
from skyscan_lab.lattice import unroll_azimuth
from skyscan_lab.session import is_gridded, validate

Primary = Literal["horizontal", "icrs"]
Values = NDArray[np.float64]

# Half a step: the brightest pixel then lies within a third of a step of the brightest cell.
_PIXELS_PER_STEP = 2.0
_DIRECTIONS = 500


@dataclass(frozen=True)
class FitsExport:
    """What was written.

    Attributes
    ----------
    path : Path
        The file.
    icrs : bool
        Whether the pixels also bear RA and declination.
    reason : str or None
        Why they do not.
    """

    path: Path
    icrs: bool
    reason: str | None = None


def write_fits(
    ds: xr.Dataset,
    path: str | Path,
    *,
    projection: Projection = "ZEA",
    pixel_deg: float | None = None,
    icrs: bool | None = None,
    primary: Primary = "horizontal",
) -> FitsExport:
    """Write a session as FITS.

    Parameters
    ----------
    ds : Dataset
        A session.
    path : str or Path
        Where to.
    projection : {"ZEA", "CAR"}
        Equal-area around the zenith, or a plain rectangle of azimuth by elevation, whose
        pixels are the cells themselves where their spacing is even.
    pixel_deg : float, optional
        Size of a pixel of ZEA; half a step of the session by default.
    icrs : bool, optional
        Whether the pixels shall also bear RA and declination at the middle of the session. By
        default where the session supports it; True insists, False leaves it out.
    primary : {"horizontal", "icrs"}
        Which coordinates come first; the others follow as alternate ``C`` (ICRS) or ``A``
        (horizontal). Some programs read only the first. ``"icrs"`` insists on them.

    Returns
    -------
    FitsExport
        With the reason where RA and declination were left out; it also stands in the header.

    Raises
    ------
    ExportRefused
        Where ICRS was insisted on and site or times are unknown, or the sky turned by half a
        pixel or more during the session; for frequencies that are not evenly spaced; and for a
        session without a direction.
    InvalidInput
        For an unknown projection or primary, and a pixel out of range.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2, 1, 2], [20, 20, 21, 21], [5, 6, 7, 8], units="dB")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export = write_fits(ds, Path(folder) / "map.fits")
    ...     read_fits(export.path).identical(ds), export.reason
    (True, 'no site is recorded, so directions cannot be placed among the stars')
    """
    validate(ds)
    if primary not in ("horizontal", "icrs"):
        raise InvalidInput("primary", primary, "'horizontal' or 'icrs'")
    plane = _plane(ds, projection, pixel_deg)
    azimuth, elevation = plane.directions()
    insisted = primary == "icrs" or icrs is True
    rotation: Values | None = None
    reason: str | None = "not asked for"
    if insisted or icrs is None:
        try:
            rotation, reason = _rotation(ds, plane), None
        except ExportRefused as refused:
            if insisted:
                raise
            reason = str(refused)
    header = observation_header(ds)
    header.update(channel_header(ds))
    if rotation is None:
        header.update(plane.header())
        header["COMMENT"] = ascii_text(f"No RA/Dec on these pixels: {reason}.")
    elif primary == "icrs":
        header.update(plane.icrs_header(rotation))
        header.update(plane.header("A"))
    else:
        header.update(plane.header())
        header.update(plane.icrs_header(rotation, "C"))
    pixels = resample(ds, azimuth, elevation)
    if not np.isfinite(pixels).any():
        header["COMMENT"] = (
            "No pixel has a value: the readings are too few, or all on one line, to be spread "
            f"over an area. They are in the table {SAMPLES}."
        )
    hdus = fits.HDUList([fits.PrimaryHDU(pixels, header), *table_hdus(ds)])
    return FitsExport(write_atomically(path, to_bytes(hdus)), rotation is not None, reason)


def read_fits(path: str | Path) -> xr.Dataset:
    """Read a session that `write_fits` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Dataset
        The session, as it was.

    Raises
    ------
    FileError
        For a file that is not FITS, is damaged, or has no session in its tables.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, 510], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.fits"
    ...     _ = write_fits(ds, path)
    ...     read_fits(path).identical(ds)
    True
    """
    with open_fits(path) as hdus:
        if SAMPLES not in hdus or SESSION not in hdus:
            raise FileError(
                path, f"FITS without the tables {SAMPLES} and {SESSION}: not a session of ours"
            )
        return read_tables(hdus)


def _plane(ds: xr.Dataset, projection: Projection, pixel_deg: float | None) -> Plane:
    if pixel_deg is not None and not 0.0 < pixel_deg <= 180.0:
        raise InvalidInput("pixel_deg", pixel_deg, "greater than 0° and at most 180°")
    step = step_of(ds)
    if is_gridded(ds):
        azimuths, elevations = ds["azimuth"].values, ds["elevation"].values
    else:
        azimuths, elevations = directions_of(ds)
        azimuths = unroll_azimuth(azimuths)
    if projection == "CAR":
        if pixel_deg is not None or not (
            is_gridded(ds) and is_even(azimuths) and is_even(elevations)
        ):
            azimuths, elevations = (
                _even_axis(axis, pixel_deg or step) for axis in (azimuths, elevations)
            )
        return rectangle(azimuths, elevations)
    if projection != "ZEA":
        raise InvalidInput("projection", projection, "'ZEA' or 'CAR'")
    if is_gridded(ds):
        elevations, azimuths = (
            axis.ravel() for axis in np.meshgrid(elevations, azimuths, indexing="ij")
        )
    # Without a wish, a map too wide for its step gets coarser pixels rather than an error.
    finest = 360.0 / MAX_PIXELS
    return zenithal_plane(azimuths, elevations, pixel_deg or max(step / _PIXELS_PER_STEP, finest))


def _rotation(ds: xr.Dataset, plane: Plane) -> Values:
    azimuth, elevation = plane.corners()
    sky = np.flatnonzero(np.isfinite(azimuth) & (elevation <= 90.0))
    # Some hundred directions all over the map fix three angles.
    chosen = sky[:: max(1, sky.size // _DIRECTIONS)]
    azimuth, elevation = azimuth.ravel()[chosen], elevation.ravel()[chosen]
    return sky_rotation(
        ds, azimuth, elevation, plane.native_longitude(azimuth), min(plane.pixel_deg)
    )


def _even_axis(axis: Values, step: float) -> Values:
    count = int(np.ceil(np.ptp(axis) / step - 1e-9)) + 1
    if count > MAX_PIXELS:
        raise InvalidInput("pixel_deg", step, f"large enough for {MAX_PIXELS} pixels a side")
    return float(axis.min()) + step * np.arange(count, dtype=float)
