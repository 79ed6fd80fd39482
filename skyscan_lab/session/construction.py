"""Make a session from a grid, or from points."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.lattice import find_lattice
from skyscan_lab.power import Domain, check_units
from skyscan_lab.session.location import LocationLike, as_location
from skyscan_lab.session.placing import place_on_grid
from skyscan_lab.session.schema import (
    AXES,
    CONVENTIONS,
    GRID_DIMS,
    SAMPLE_DIMS,
    SCHEMA,
    SCHEMA_VERSION,
    Flag,
    variable_attributes,
)
from skyscan_lab.session.times import utc_times
from skyscan_lab.session.validation import validate

_AXIS = {row.name: row for row in AXES}


def empty_session(
    grid: ScanGrid,
    *,
    units: str,
    location: LocationLike | None = None,
    averaging: Domain | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Session of a grid with nothing measured yet.

    Parameters
    ----------
    grid : ScanGrid
        The nominal grid.
    units, location, averaging, attrs
        As for `session_from_points`.

    Returns
    -------
    Dataset
        Every cell missing, flagged `Flag.NOT_VISITED`.

    Examples
    --------
    >>> ds = empty_session(ScanGrid(az=(0, 4), el=(20, 22), step=1), units="dBm")
    >>> dict(ds.sizes), int(ds.rssi.count())
    ({'elevation': 3, 'azimuth': 5}, 0)
    """
    coords = {"elevation": grid.elevations, "azimuth": grid.azimuths}
    return _assemble({}, coords, _attributes(units, location, averaging, attrs))


def session_from_points(
    az: ArrayLike,
    el: ArrayLike,
    rssi: ArrayLike,
    time: Any = None,
    reads: ArrayLike | None = None,
    units: str = "dBm",
    location: LocationLike | None = None,
    *,
    std: ArrayLike | None = None,
    last: ArrayLike | None = None,
    grid: ScanGrid | None = None,
    averaging: Domain | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Session of points measured one after the other.

    Points that fill a lattice become a gridded session; others stay samples. Points are
    numbered in the order given.

    Parameters
    ----------
    az, el : array_like, shape (n,)
        Where the rotor was, degrees; azimuth on any turn.
    rssi : array_like, shape (n,)
        Signal strength in `units`; NaN where the reading failed.
    time : array_like, shape (n,), optional
        Time of each point, UTC: astropy Time, datetime64, datetime or ISO 8601 strings. Naive
        times are UTC.
    reads : array_like of int, shape (n,), optional
        Number of readings in each average; 1 by default.
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of `rssi`, `std` and `last`.
    location : EarthLocation or (latitude, longitude[, height]), optional
        Site, degrees and metres.
    std, last : array_like, shape (n,), optional
        Standard deviation of the readings of each point, and the last of them.
    grid : ScanGrid, optional
        The nominal grid, where it is known; otherwise it is found from the points.
    averaging : {"linear power", "native units, uncorrected"}, optional
        What the readings of a point were averaged over, where that is known.
    attrs : mapping, optional
        Further attributes: ``rotor``, ``receiver``, ``frequency_hz``, ``title``, ``source``…

    Returns
    -------
    Dataset
        A valid session.

    Raises
    ------
    InvalidInput
        For arrays of different length, directions that are not finite or not on the sky,
        unknown units, a point that is not on the given grid, or two points in one of its cells.

    Examples
    --------
    >>> ds = session_from_points([10, 11, 10, 11], [20, 20, 21, 21], [-90, -91, -89, -60.0])
    >>> ds.rssi.dims, float(ds.rssi.sel(azimuth=11, elevation=21)), ds.rssi.attrs["units"]
    (('elevation', 'azimuth'), -60.0, 'dBm')
    """
    azimuth, elevation = _column("az", az), _column("el", el, like=az)
    _check_directions(azimuth, elevation)
    strength = _column("rssi", rssi, like=az)
    measured = np.isfinite(strength)
    counts = np.ones(azimuth.size) if reads is None else _column("reads", reads, like=az)
    if not np.all(np.isfinite(counts) & (counts >= 0)):
        raise InvalidInput("reads", reads, "whole numbers of readings, 0 or more")
    columns: dict[str, NDArray[Any]] = {
        "rssi": strength,
        "rssi_std": _optional("std", std, like=az),
        "rssi_reads": np.where(measured, counts, 0).astype("int32"),
        "rssi_last": _optional("last", last, like=az),
        "azimuth_measured": azimuth,
        "elevation_measured": elevation,
        "time": utc_times(time, azimuth.size),
        "sequence": np.where(measured, np.arange(azimuth.size), -1).astype("int32"),
        "flag": np.where(measured, Flag.MEASURED, Flag.READING_FAILED).astype("int8"),
    }
    if last is None:
        columns["rssi_last"] = np.where(columns["rssi_reads"] == 1, strength, np.nan)
    attributes = _attributes(units, location, averaging, attrs)
    lattice = (
        find_lattice(azimuth, elevation)
        if grid is None
        else place_on_grid(grid, azimuth, elevation)
    )
    if lattice is None:
        return _assemble(columns, {}, attributes)
    # Cells of a recording that no point fell into were not skipped by us: they are not in it.
    missing = Flag.NOT_IN_RECORDING if grid is None else Flag.NOT_VISITED
    shape = (lattice.elevations.size, lattice.azimuths.size)
    cells: dict[str, NDArray[Any]] = {}
    for row in SCHEMA:
        cells[row.name] = np.full(shape, row.missing, dtype=row.dtype)
        if row.name == "flag":
            cells[row.name][:] = missing
        cells[row.name][lattice.rows, lattice.columns] = columns[row.name]
    coords = {"elevation": lattice.elevations, "azimuth": lattice.azimuths}
    return _assemble(cells, coords, attributes)


def _assemble(
    values: Mapping[str, NDArray[Any]],
    coords: Mapping[str, NDArray[Any]],
    attributes: dict[str, Any],
) -> xr.Dataset:
    units = attributes.pop("units")
    base = GRID_DIMS if coords else SAMPLE_DIMS
    shape = tuple(axis.size for axis in coords.values())
    variables: dict[str, Any] = {}
    for row in SCHEMA:
        data = values.get(row.name)
        if data is None:
            data = np.full(shape, row.missing, dtype=row.dtype)
        variables[row.name] = (base, data, variable_attributes(row, units))
    axes = {
        name: (name, axis, variable_attributes(_AXIS[name], units)) for name, axis in coords.items()
    }
    return validate(xr.Dataset(variables, axes, attributes))


def _attributes(
    units: str,
    location: LocationLike | None,
    averaging: Domain | None,
    attrs: Mapping[str, Any] | None,
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "Conventions": CONVENTIONS,
        "title": "Sky scan",
        "source": f"skyscan-lab {_version()}",
        "skyscan_schema": SCHEMA_VERSION,
        "averaging": averaging or "unknown",
        "units": check_units(units),
    }
    if location is not None:
        site = as_location(location)
        attributes |= {
            "site_latitude_deg": site.latitude_deg,
            "site_longitude_deg": site.longitude_deg,
            "site_height_m": site.height_m,
        }
    extra = {key: value for key, value in (attrs or {}).items() if value is not None}
    if "units" in extra:
        raise InvalidInput("attrs", "units", "given as the argument units")
    attributes |= extra
    attributes.setdefault("history", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} created")
    return attributes


def _version() -> str:
    try:
        return version("skyscan-lab")
    except PackageNotFoundError:  # used from a source tree that is not installed
        return "(not installed)"


def _column(field: str, values: ArrayLike, like: ArrayLike | None = None) -> NDArray[np.float64]:
    try:
        column = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InvalidInput(field, values, "numbers") from None
    if column.ndim != 1:
        raise InvalidInput(f"shape of {field}", column.shape, "one value a point")
    if like is not None and column.size != np.size(like):
        raise InvalidInput(f"length of {field}", column.size, f"as many as az ({np.size(like)})")
    return column


def _optional(field: str, values: ArrayLike | None, like: ArrayLike) -> NDArray[np.float64]:
    return np.full(np.size(like), np.nan) if values is None else _column(field, values, like)


def _check_directions(azimuth: NDArray[np.float64], elevation: NDArray[np.float64]) -> None:
    for field, values in (("az", azimuth), ("el", elevation)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InvalidInput(f"{field}[{bad[0]}]", float(values[bad[0]]), "a finite angle")
    for field, values, low, high in (("az", azimuth, -720, 720), ("el", elevation, -90, 90)):
        bad = np.flatnonzero((values < low) | (values > high))
        if bad.size:
            raise InvalidInput(
                f"{field}[{bad[0]}]", float(values[bad[0]]), f"within [{low}°, {high}°]"
            )
