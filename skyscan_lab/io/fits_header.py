"""What a FITS header says about an observation: units, times, site, and axes beyond the sky."""

from __future__ import annotations

import numpy as np
import xarray as xr
from astropy import units as u
from astropy.coordinates import BaseGeodeticRepresentation, CartesianRepresentation
from astropy.io import fits
from astropy.time import Time

from skyscan_lab.errors import ExportRefused
from skyscan_lab.io.celestial import middle_of
from skyscan_lab.io.fits_wcs import even_step, is_even
from skyscan_lab.session import location_of, units_of

# FITS spells units its own way; full scale is no unit, so dBFS is a decibel with a comment.
FITS_UNITS = {"dBm": "dB(mW)", "dBFS": "dB", "dB": "dB", "counts": "ct"}


class _Iau1976(BaseGeodeticRepresentation):  # type: ignore[misc]  # astropy has no types
    """The ellipsoid of OBSGEO-B, -L and -H, 3 m beside WGS-84; wcslib checks them."""

    _equatorial_radius = 6378140.0 * u.m
    _flattening = 1.0 / 298.2577 * u.dimensionless_unscaled


def observation_header(ds: xr.Dataset) -> fits.Header:
    """Who, when, where and in which units; what the session does not know is left out."""
    units = units_of(ds)
    header = fits.Header()
    about = dict(ds.attrs)
    if "frequency" in ds.coords and not ds["frequency"].dims:  # one channel of several
        about["frequency_hz"] = float(ds["frequency"])
    header["BUNIT"] = (FITS_UNITS[units], f"readings are in {units}")
    for keyword, name in {
        "OBJECT": "title",
        "TELESCOP": "rotor",
        "INSTRUME": "receiver",
        "OBSFREQ": "frequency_hz",
    }.items():
        value = about.get(name)
        if isinstance(value, int | float):
            if np.isfinite(value):
                header[keyword] = value
        elif value is not None:
            header[keyword] = ascii_text(str(value))
    for line in str(ds.attrs.get("notes", "")).splitlines():
        header["COMMENT"] = ascii_text(line)
    header["ORIGIN"] = ascii_text(str(ds.attrs.get("source", "skyscan-lab")))
    site, middle = location_of(ds), middle_of(ds)
    if site is not None:
        geocentric = site.to_earth_location().geocentric
        place = _Iau1976.from_cartesian(CartesianRepresentation(*geocentric))
        for axis, value in zip("XYZ", geocentric, strict=True):
            header[f"OBSGEO-{axis}"] = (float(value.to_value("m")), "[m]")
        header["OBSGEO-L"] = (float(place.lon.wrap_at("180d").deg), "[deg] east, IAU 1976")
        header["OBSGEO-B"] = (float(place.lat.deg), "[deg] north")
        header["OBSGEO-H"] = (float(place.height.to_value("m")), "[m]")
    if middle is not None:
        header["TIMESYS"] = "UTC"
        half = np.timedelta64(round(middle[1] * 5e8), "ns")
        for keyword, moment in {
            "OBS": middle[0] - half,
            "AVG": middle[0],
            "END": middle[0] + half,
        }.items():
            header[f"DATE-{keyword}"] = str(np.datetime_as_string(moment, unit="ms"))
            header[f"MJD-{keyword}"] = float(Time(moment, scale="utc").mjd)
    return header


def channel_header(ds: xr.Dataset) -> fits.Header:
    """Axes of the image beyond the sky: polarization, then frequency.

    Raises
    ------
    ExportRefused
        For frequencies that are not evenly spaced.
    """
    header = fits.Header()
    axis = 2
    if "polarization" in ds["rssi"].dims:
        axis += 1
        header[f"CTYPE{axis}"] = ("POLARIZATION", "named in POLn")
        header[f"CRPIX{axis}"] = 1.0
        header[f"CRVAL{axis}"] = 1.0
        header[f"CDELT{axis}"] = 1.0
        for number, name in enumerate(ds["polarization"].values.tolist(), start=1):
            header[f"POL{number}"] = ascii_text(str(name))
    if "frequency" in ds["rssi"].dims:
        axis += 1
        frequencies = ds["frequency"].values
        if not is_even(frequencies):
            raise ExportRefused(
                "the frequencies are not evenly spaced, and a FITS axis is: select some of them"
            )
        header[f"CTYPE{axis}"] = "FREQ"
        header[f"CUNIT{axis}"] = "Hz"
        header[f"CRPIX{axis}"] = 1.0
        header[f"CRVAL{axis}"] = float(frequencies[0])
        header[f"CDELT{axis}"] = even_step(frequencies)
    return header


def ascii_text(text: str) -> str:
    """Text as FITS headers can hold it: printable ASCII."""
    spelled = text.replace("°", " deg")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in spelled)
