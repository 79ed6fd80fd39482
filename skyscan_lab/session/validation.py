"""Check a Dataset against the schema."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.errors import SessionError
from skyscan_lab.power import UNITS
from skyscan_lab.session.attributes import AVERAGING, AVERAGING_UNKNOWN
from skyscan_lab.session.location import location_of
from skyscan_lab.session.schema import (
    AXES,
    CHANNEL_DIMS,
    GRID_DIMS,
    SAMPLE_DIMS,
    SCHEMA,
    Flag,
    Variable,
)


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
        Naming the first variable, dim or attribute that is not as `SCHEMA` says, or the
        first variable that contradicts another.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1.0], [20.0], [-90.0])
    >>> validate(ds) is ds
    True
    """
    base = GRID_DIMS if set(GRID_DIMS) & set(ds.dims) else SAMPLE_DIMS
    for row in SCHEMA:
        _check_variable(ds, row, base)
    units = ds["rssi"].attrs.get("units")
    if units not in UNITS:
        raise SessionError("units of rssi", units, f"one of {', '.join(UNITS)}")
    for name in (row.name for row in SCHEMA if row.units == "session"):
        found = ds[name].attrs.get("units")
        if found != units:
            raise SessionError(f"units of {name}", found, f"those of rssi ({units})")
    _check_axes(ds, base)
    _check_cells(ds, base)
    _check_attributes(ds)
    return ds


def _check_variable(ds: xr.Dataset, row: Variable, base: tuple[str, ...]) -> None:
    if row.name not in ds.variables:
        raise SessionError(row.name, sorted(map(str, ds.variables)), "a variable of a session")
    found = ds[row.name]
    leading = tuple(dim for dim in CHANNEL_DIMS if row.channels and dim in found.dims)
    if found.dims != (*leading, *base):
        raise SessionError(f"dims of {row.name}", found.dims, f"{(*leading, *base)}")
    alike = found.dtype.kind == np.dtype(row.dtype).kind and found.dtype.isnative
    # Other units of time reach other years, and formats that count nanoseconds change them.
    if not alike or (found.dtype.kind == "M" and found.dtype != row.dtype):
        raise SessionError(f"type of {row.name}", str(found.dtype), f"like {row.dtype}")


def _check_axes(ds: xr.Dataset, base: tuple[str, ...]) -> None:
    for row in AXES:
        # A frequency in MHz would be taken for Hz; an axis that says nothing is as it should be.
        found = ds[row.name].attrs.get("units") if row.name in ds.coords else None
        if found not in (None, row.units):
            raise SessionError(f"units of {row.name}", found, f"{row.units}")
    for dim in ds.dims:
        if dim not in (*base, *CHANNEL_DIMS):
            raise SessionError("dim", dim, f"one of {(*base, *CHANNEL_DIMS)}")
        if dim != "sample" and dim not in ds.coords:
            raise SessionError(f"coordinate {dim}", None, "present")
        if dim in GRID_DIMS and not ds.sizes[dim]:
            raise SessionError(f"coordinate {dim}", "empty", "at least one value")
        if dim in (*GRID_DIMS, "frequency") and not _increasing(ds[dim].values):
            raise SessionError(f"coordinate {dim}", _short(ds[dim].values), "finite and increasing")
        if dim in ds.coords and not ds[dim].dtype.isnative:
            raise SessionError(
                f"type of coordinate {dim}", str(ds[dim].dtype), "in the byte order of this machine"
            )
    for dim, allowed, lowest, highest in (
        ("elevation", "within [-90°, 90°]", -90.0, 90.0),
        ("azimuth", "within [-360°, 720°]", -360.0, 720.0),
        ("frequency", "greater than 0 Hz", np.finfo(float).tiny, np.inf),
    ):
        if dim in ds.dims and ds.sizes[dim]:
            first, last = float(ds[dim][0]), float(ds[dim][-1])
            if first < lowest or last > highest:
                raise SessionError(f"coordinate {dim}", (first, last), allowed)
    if "azimuth" in ds.dims and np.ptp(ds["azimuth"].values) >= 360.0:
        raise SessionError("span of azimuth", float(np.ptp(ds["azimuth"].values)), "below 360°")
    if "polarization" in ds.dims and not ds.get_index("polarization").is_unique:
        names = _short(ds["polarization"].values)
        raise SessionError("coordinate polarization", names, "one name a channel")


def _check_cells(ds: xr.Dataset, base: tuple[str, ...]) -> None:
    flag = ds["flag"].values
    unknown = flag[~np.isin(flag, list(Flag))]
    if unknown.size:
        raise SessionError("flag", int(unknown[0]), f"one of {[int(known) for known in Flag]}")
    measured = flag == Flag.MEASURED
    rssi = ds["rssi"]
    finite = np.isfinite(rssi.values).any(axis=tuple(range(rssi.ndim - len(base))))
    # The other way round is allowed: `ds.rssi.where(…)` leaves out what was measured.
    if np.any(finite & ~measured):
        raise SessionError(
            "rssi", _first_cell(ds, finite & ~measured), "NaN where flag says that it is missing"
        )
    sequence = ds["sequence"].values
    # A rejected cell was measured, and keeps its place in the order.
    wrong = (measured & (sequence < 0)) | (~measured & (flag != Flag.REJECTED) & (sequence != -1))
    if np.any(wrong):
        raise SessionError(
            "sequence", _first_cell(ds, wrong), "0 or more where flag says measured, -1 elsewhere"
        )
    used, times = np.unique(sequence[sequence >= 0], return_counts=True)
    if np.any(times > 1):
        raise SessionError("sequence", int(used[times > 1][0]), "a number of one cell alone")
    for name in ("azimuth_measured", "elevation_measured"):
        lost = measured & ~np.isfinite(ds[name].values)
        if np.any(lost):
            raise SessionError(name, _first_cell(ds, lost), "finite where flag says measured")
    if np.any(ds["rssi_reads"].values < 0):
        raise SessionError("rssi_reads", int(ds["rssi_reads"].min()), "0 or more")


def _check_attributes(ds: xr.Dataset) -> None:
    averaging = ds.attrs.get("averaging", AVERAGING_UNKNOWN)
    if averaging not in AVERAGING:
        raise SessionError("averaging", averaging, f"one of {AVERAGING}")
    if ("site_latitude_deg" in ds.attrs) != ("site_longitude_deg" in ds.attrs):
        raise SessionError(
            "site", "half a place", "both site_latitude_deg and site_longitude_deg, or neither"
        )
    try:
        location_of(ds)
    except (TypeError, ValueError) as error:
        raise SessionError("site", str(error), "a place on the Earth, in numbers") from error


def _increasing(axis: NDArray[Any]) -> bool:
    return bool(
        axis.dtype.kind in "fiu" and np.all(np.isfinite(axis)) and np.all(np.diff(axis) > 0)
    )


def _first_cell(ds: xr.Dataset, where: NDArray[np.bool_]) -> str:
    """The first cell at fault, by its coordinates, or by its number along ``sample``."""
    dims = ds["flag"].dims
    index = dict(zip(dims, np.argwhere(where)[0].tolist(), strict=True))
    return ", ".join(f"{dim} {ds[dim].values[i]}" for dim, i in index.items())


def _short(axis: NDArray[Any]) -> str:
    return np.array2string(axis, threshold=6, edgeitems=2)
