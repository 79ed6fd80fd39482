"""Check a Dataset against the schema."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.errors import SessionError
from skyscan_lab.power import check_units
from skyscan_lab.session.schema import CHANNEL_DIMS, GRID_DIMS, SAMPLE_DIMS, SCHEMA


def validate(ds: xr.Dataset) -> xr.Dataset:
    """Check that a Dataset is a session.

    Parameters
    ----------
    ds : Dataset
        Anything.

    Returns
    -------
    Dataset
        The same one.

    Raises
    ------
    SessionError
        Naming the first variable, dim or attribute that is not as `SCHEMA` says.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1.0], [20.0], [-90.0])
    >>> validate(ds) is ds
    True
    """
    base = GRID_DIMS if "elevation" in ds.dims or "azimuth" in ds.dims else SAMPLE_DIMS
    for row in SCHEMA:
        if row.name not in ds.variables:
            raise SessionError(row.name, sorted(map(str, ds.variables)), "a variable of a session")
        found = ds[row.name]
        if not row.channels or not set(found.dims) & set(CHANNEL_DIMS):
            allowed: tuple[Hashable, ...] = base
        else:
            allowed = (*(dim for dim in CHANNEL_DIMS if dim in found.dims), *base)
        if found.dims != allowed:
            raise SessionError(f"dims of {row.name}", found.dims, f"{allowed}")
        if found.dtype.kind != np.dtype(row.dtype).kind:
            raise SessionError(f"type of {row.name}", str(found.dtype), f"like {row.dtype}")
        if row.units == "session" and found.attrs.get("units") != ds["rssi"].attrs.get("units"):
            raise SessionError(
                f"units of {row.name}",
                found.attrs.get("units"),
                f"those of rssi ({ds['rssi'].attrs.get('units')})",
            )
    check_units(ds["rssi"].attrs.get("units", ""))
    for dim in ds.dims:
        if dim not in (*base, *CHANNEL_DIMS):
            raise SessionError("dim", dim, f"one of {(*base, *CHANNEL_DIMS)}")
        if dim in GRID_DIMS and (dim not in ds.coords or not _increasing(ds[dim].values)):
            raise SessionError(f"coordinate {dim}", dim, "present, finite and increasing")
    if base == GRID_DIMS and np.ptp(ds["azimuth"].values) >= 360.0:
        raise SessionError("span of azimuth", float(np.ptp(ds["azimuth"].values)), "below 360°")
    sequence = ds["sequence"].values
    used = sequence[sequence >= 0]
    if np.unique(used).size != used.size:
        raise SessionError("sequence", "a repeated number", "a number for each measured cell")
    return ds


def _increasing(axis: NDArray[Any]) -> bool:
    return bool(np.all(np.isfinite(axis)) and np.all(np.diff(axis) > 0))
