"""The tables of a FITS file that are the session itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from astropy.io import fits
from numpy.typing import NDArray

from skyscan_lab.io.celestial import sample_positions
from skyscan_lab.io.rows import Rows, from_rows, to_rows
from skyscan_lab.session import is_gridded

SAMPLES, SESSION = "SAMPLES", "SESSION"

# Length of 2026-01-01T00:00:00.123456789.
_TIME_FORMAT = "29A"
_FORMATS = {"float64": "D", "float32": "E", "int64": "K", "int32": "J", "int16": "I", "int8": "I"}


def table_hdus(ds: xr.Dataset) -> list[fits.BinTableHDU]:
    """The session as two tables.

    Parameters
    ----------
    ds : Dataset
        A session.

    Returns
    -------
    list of BinTableHDU
        SAMPLES, with nominal and ICRS positions added for other readers, and SESSION.
    """
    rows = to_rows(ds)
    columns = []
    if is_gridded(ds):
        elevation, azimuth = np.meshgrid(ds["elevation"], ds["azimuth"], indexing="ij")
        columns += [
            fits.Column("AZIMUTH", "D", unit="deg", array=azimuth.ravel()),
            fits.Column("ELEVATION", "D", unit="deg", array=elevation.ravel()),
        ]
    positions = sample_positions(ds)
    if positions is not None:
        for name, values in zip(("RA", "DEC"), positions, strict=True):
            columns.append(fits.Column(name, "D", unit="deg", array=values.ravel()))
    columns += [_column(name.upper(), values) for name, values in rows.columns.items()]
    samples = fits.BinTableHDU.from_columns(columns, name=SAMPLES)
    samples.header["TIMESYS"] = "UTC"
    samples.header["RADESYS"] = "ICRS"
    return [samples, json_hdu(rows.layout)]


def json_hdu(values: Mapping[str, Any]) -> fits.BinTableHDU:
    """A table of names and values as JSON: headers hold only short names and ASCII."""
    texts = [json.dumps(value) for value in values.values()]
    return fits.BinTableHDU.from_columns(
        [
            fits.Column("KEY", f"{max(map(len, values))}A", array=np.array(list(values))),
            fits.Column("VALUE", f"{max(map(len, texts))}A", array=np.array(texts)),
        ],
        name=SESSION,
    )


def read_json_hdu(hdus: fits.HDUList) -> dict[str, Any]:
    """What `json_hdu` holds."""
    table = hdus[SESSION].data
    return {
        str(key): json.loads(text) for key, text in zip(table["KEY"], table["VALUE"], strict=True)
    }


def read_tables(hdus: fits.HDUList) -> xr.Dataset:
    """The session in the tables that `table_hdus` made.

    Raises
    ------
    KeyError, ValueError, TypeError
        For tables that are not a session.
    """
    layout = read_json_hdu(hdus)
    table = hdus[SAMPLES].data
    columns = {
        name: _values(table[name.upper()], about["dtype"])
        for name, about in layout["variables"].items()
    }
    return from_rows(Rows(columns, layout))


def _column(name: str, values: NDArray[Any]) -> fits.Column:
    if values.dtype.kind == "M":
        # Nanoseconds do not fit into a float of days; text keeps them, and FITS allows it.
        texts = np.datetime_as_string(values, unit="ns")
        return fits.Column(name, _TIME_FORMAT, array=np.where(np.isnat(values), "", texts))
    code = _FORMATS[str(values.dtype)]
    if values.ndim == 1:
        return fits.Column(name, code, array=values)
    count = int(np.prod(values.shape[1:]))
    # FITS counts dimensions from the one that varies fastest.
    dims = f"({','.join(map(str, values.shape[:0:-1]))})"
    return fits.Column(name, f"{count}{code}", dim=dims, array=values)


def _values(column: NDArray[Any], dtype: str) -> NDArray[Any]:
    if np.dtype(dtype).kind == "M":
        return np.array([text or "NaT" for text in column], dtype=dtype)
    return np.asarray(column).astype(dtype)
