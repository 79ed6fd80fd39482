"""NetCDF-4, CF-1.11: the format in which a session is kept, bit for bit.

References
----------
.. [1] CF Metadata Conventions 1.11, https://cfconventions.org.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from skyscan_lab.atomic import write_atomically
from skyscan_lab.errors import FileError, InvalidInput, SessionError
from skyscan_lab.io.textfile import read_bytes
from skyscan_lab.session import CONVENTIONS, validate

SIGNATURE = b"\x89HDF\r\n\x1a\n"

# UDUNITS, and so CF, knows the decibel only with its reference. Ratios are written as the pure
# numbers they are, and what they were called goes beside them.
_NOT_IN_UDUNITS = ("dB", "dBFS")
_NATIVE = "native_units"

_TIME_ENCODING = {
    # Whole nanoseconds: a float of seconds since 1970 would be good to 0.2 µs only.
    "units": "nanoseconds since 1970-01-01",
    "dtype": "int64",
    "calendar": "proleptic_gregorian",
    "_FillValue": np.iinfo("int64").min,
}
# Days of 86400 s, as datetime64 counts them: UTC reads back right, also across a leap second.
_TIME_METADATA = {"units_metadata": "leap_seconds: none"}

# A CF coordinate variable is numeric; names of polarizations are an auxiliary coordinate, which
# must not bear the name of its dimension.
_LABEL = "polarization_label"


def write_netcdf(ds: xr.Dataset, path: str | Path) -> Path:
    """Write a session as NetCDF.

    Every value, type and attribute reads back as it was. The file is compressed, and there
    whole or not at all.

    Parameters
    ----------
    ds : Dataset
        A session.
    path : str or Path
        Where to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SessionError
        For a Dataset that is not a session.
    InvalidInput
        For an attribute that NetCDF cannot hold.

    References
    ----------
    CF-1.11 [1]_; no fill value on coordinates (section 2.5.1).

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, 510], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_netcdf(ds, Path(folder) / "session.nc")
    ...     read_netcdf(path).identical(ds)
    True
    """
    validate(ds)
    outgoing = ds.copy()
    if "polarization" in outgoing.indexes:
        outgoing = outgoing.reset_index("polarization").rename_vars(polarization=_LABEL)
    outgoing.attrs["Conventions"] = CONVENTIONS
    encoding: dict[str, Any] = {}
    for name, variable in outgoing.variables.items():
        _check_attributes(variable.attrs, f"{name}")
        if variable.attrs.get("units") in _NOT_IN_UDUNITS:
            variable.attrs = variable.attrs | {"units": "1", _NATIVE: variable.attrs["units"]}
        if variable.dtype.kind == "M":
            variable.attrs = variable.attrs | _TIME_METADATA
        encoding[str(name)] = _encoding(variable, coordinate=name in outgoing.coords)
        variable.encoding = {}
    _check_attributes(outgoing.attrs, "the session")
    data = outgoing.to_netcdf(None, engine="h5netcdf", encoding=encoding)
    return write_atomically(path, data)


def read_netcdf(path: str | Path) -> xr.Dataset:
    """Read a session that `write_netcdf` wrote.

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
        For a file that is not NetCDF-4, is damaged, or holds no session.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, 510], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "session.nc"
    ...     _ = write_netcdf(ds, path)
    ...     read_netcdf(path).identical(ds)
    True
    """
    path = Path(path)
    data = read_bytes(path)
    if not data.startswith(SIGNATURE):
        raise FileError(path, "not a NetCDF-4 file")
    try:
        ds = xr.load_dataset(io.BytesIO(data), engine="h5netcdf", decode_timedelta=False)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise FileError(path, f"damaged, or not NetCDF: {error}") from error
    for variable in ds.variables.values():
        attributes = _native(variable.attrs)
        if _NATIVE in attributes:
            attributes["units"] = attributes.pop(_NATIVE)
        for added in _TIME_METADATA:
            attributes.pop(added, None)
        variable.attrs = attributes
        variable.encoding = {}
    ds.attrs = _native(ds.attrs)
    ds.encoding = {}
    if _LABEL in ds.coords:
        labels = ds[_LABEL].astype(str, keep_attrs=True)
        ds = ds.drop_vars(_LABEL).assign_coords(polarization=("polarization", labels.data))
        ds["polarization"].attrs = labels.attrs
    try:
        return validate(ds)
    except SessionError as error:
        raise FileError(path, f"not a session: {error}") from error


def _encoding(variable: xr.Variable, *, coordinate: bool) -> dict[str, Any]:
    if variable.dtype.kind not in "fiuM":
        return {}
    encoding: dict[str, Any] = {"_FillValue": None}
    if variable.ndim:
        encoding |= {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
    if variable.dtype.kind == "M":
        encoding |= _TIME_ENCODING
    elif variable.dtype.kind == "f" and not coordinate:
        encoding["_FillValue"] = variable.dtype.type(np.nan)
    return encoding


def _check_attributes(attributes: Mapping[Any, Any], owner: str) -> None:
    for key, value in attributes.items():
        plain = isinstance(value, str | int | float | np.number) and not isinstance(value, bool)
        row = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iuf"
        numbers = row and value.size > 1  # a row of one would read back as a number
        if not plain and not numbers:
            raise InvalidInput(
                f"attribute {key} of {owner}", value, "text, a number or one row of several"
            )


def _native(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Scalars as Python has them, since that is how sessions are built."""
    return {
        str(key): value.item() if isinstance(value, np.generic) else value
        for key, value in attributes.items()
    }
