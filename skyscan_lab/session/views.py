"""Questions that every reader of a session asks."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.power import Units, check_units
from skyscan_lab.session.schema import GRID_DIMS


def is_gridded(ds: xr.Dataset) -> bool:
    """Whether a session lies on a grid.

    Parameters
    ----------
    ds : Dataset
        A session.

    Returns
    -------
    bool
        False where its samples lie along ``sample``.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> is_gridded(session_from_points([10, 11], [20, 20], [-90, -91]))
    True
    """
    return set(GRID_DIMS) <= set(ds.dims)


def units_of(ds: xr.Dataset) -> Units:
    """Units of the readings of a session.

    Parameters
    ----------
    ds : Dataset
        A session.

    Returns
    -------
    {"dBm", "dBFS", "dB", "counts"}
        As recorded.

    Raises
    ------
    UnitsError
        For a Dataset whose ``rssi`` has no units, or others.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> units_of(session_from_points([10, 11], [20, 20], [500, 510], units="counts"))
    'counts'
    """
    return check_units(str(ds["rssi"].attrs.get("units", "")))


def directions_of(ds: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each reading of a session was taken, raveled as ``rssi`` of one channel is.

    Parameters
    ----------
    ds : Dataset
        A session, gridded or not.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        What the dials showed; the nominal place where that was not recorded.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> directions_of(session_from_points([10, 11], [20, 20], [-90, -91]))[0]
    array([10., 11.])
    """
    azimuth = ds["azimuth_measured"].values
    elevation = ds["elevation_measured"].values
    if is_gridded(ds):
        azimuth = np.where(np.isfinite(azimuth), azimuth, ds["azimuth"].values)
        elevation = np.where(np.isfinite(elevation), elevation, ds["elevation"].values[:, None])
    return azimuth.ravel(), elevation.ravel()


def samples_of(ds: xr.Dataset) -> xr.Dataset:
    """What was measured, along ``sample``, in the order of measurement.

    Parameters
    ----------
    ds : Dataset
        A session, gridded or not.

    Returns
    -------
    Dataset
        A free-form session of the points that have a reading; their nominal directions are
        left behind with the grid.

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
        flat = flat.transpose(..., "sample")
    present = np.isfinite(flat["rssi"].values)
    taken = np.flatnonzero(present.any(axis=tuple(range(present.ndim - 1))))
    return flat.isel(sample=taken[np.argsort(flat["sequence"].values[taken])])
