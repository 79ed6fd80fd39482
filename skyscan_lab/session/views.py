"""Questions that every reader of a session asks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from skyscan_lab.power import Units, check_units
from skyscan_lab.session.schema import GRID_DIMS


def is_gridded(ds: xr.Dataset) -> bool:
    """Whether a session lies on a grid (True) or along ``sample``."""
    return set(GRID_DIMS) <= set(ds.dims)


def units_of(ds: xr.Dataset) -> Units:
    """Units of a session's readings."""
    return check_units(str(ds["rssi"].attrs.get("units", "")))


def samples_of(ds: xr.Dataset) -> xr.Dataset:
    """What was measured, along ``sample``, in the order of measurement.

    Parameters
    ----------
    ds : Dataset
        A session, gridded or not.

    Returns
    -------
    Dataset
        A free-form session of the measured points only.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([11, 10, 11, 10], [20, 20, 21, 21], [4.0, 3, 2, 1], units="dB")
    >>> samples_of(ds).azimuth_measured.values
    array([11., 10., 11., 10.])
    """
    flat = ds
    if is_gridded(ds):
        flat = ds.stack(sample=GRID_DIMS).reset_index("sample", drop=True)
        flat = flat.drop_vars(GRID_DIMS, errors="ignore").transpose(..., "sample")
    taken = np.flatnonzero(flat["sequence"].values >= 0)
    return flat.isel(sample=taken[np.argsort(flat["sequence"].values[taken], kind="stable")])
