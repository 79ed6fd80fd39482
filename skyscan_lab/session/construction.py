"""Make a session from a grid, or from points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.grid import ScanGrid
from skyscan_lab.lattice import Lattice, find_lattice
from skyscan_lab.power import Domain, check_units
from skyscan_lab.session.attributes import session_attributes
from skyscan_lab.session.location import LocationLike
from skyscan_lab.session.placing import place_on_grid
from skyscan_lab.session.points import point_columns
from skyscan_lab.session.schema import (
    AXES,
    GRID_DIMS,
    SAMPLE_DIMS,
    SCHEMA,
    Flag,
    variable_attributes,
)
from skyscan_lab.session.validation import validate


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
    attributes = session_attributes(location, averaging, attrs)
    coords = {"elevation": grid.elevations, "azimuth": grid.azimuths}
    return _dataset(_blank_cells(grid.shape, Flag.NOT_VISITED), coords, units, attributes)


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
        Where the rotor was, degrees (or a Quantity); azimuth on any turn within [-720, 720].
    rssi : array_like, shape (n,)
        Signal strength in `units`; NaN, infinite or masked where the reading failed.
    time : array_like, shape (n,), optional
        Time of each point, UTC: astropy Time, datetime64, datetime or ISO 8601 strings. Naive
        times are UTC.
    reads : array_like of int, shape (n,), optional
        Number of readings in each average; 1 by default, and then `last` is `rssi`.
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of `rssi`, `std` and `last`.
    location : EarthLocation or (latitude, longitude[, height]), optional
        Site, degrees and metres.
    std, last : array_like, shape (n,), optional
        Standard deviation of the readings of each point, and the last of them.
    grid : ScanGrid, optional
        The nominal grid, where it is known; otherwise it is found from the points.
    averaging : str, optional
        What the readings of a point were averaged over, where that is known: a
        `skyscan_lab.power.Domain`.
    attrs : mapping, optional
        Further attributes: ``rotor``, ``receiver``, ``frequency_hz``, ``title``, ``source``…

    Returns
    -------
    Dataset
        A valid session.

    Raises
    ------
    InvalidInput
        For arrays of different length, directions that are not on the sky, times that are not
        times, a place that is not on the Earth, unknown averaging, a point that is not on the
        given grid, or two points in one of its cells. It names the first value at fault.
    UnitsError
        For unknown units.

    Examples
    --------
    >>> ds = session_from_points([10, 11, 10, 11], [20, 20, 21, 21], [-90, -91, -89, -60.0])
    >>> ds.rssi.dims, float(ds.rssi.sel(azimuth=11, elevation=21)), ds.rssi.attrs["units"]
    (('elevation', 'azimuth'), -60.0, 'dBm')
    """
    attributes = session_attributes(location, averaging, attrs)
    columns = point_columns(az, el, rssi, time=time, reads=reads, std=std, last=last)
    directions = columns["azimuth_measured"], columns["elevation_measured"]
    if grid is not None:
        return _gridded(
            columns, place_on_grid(grid, *directions), Flag.NOT_VISITED, units, attributes
        )
    lattice = find_lattice(*directions)
    if lattice is None:
        return _dataset(columns, {}, units, attributes)
    # Cells of a recording that no point fell into were not skipped by us: they are not in it.
    return _gridded(columns, lattice, Flag.NOT_IN_RECORDING, units, attributes)


def _gridded(
    columns: Mapping[str, NDArray[Any]],
    lattice: Lattice,
    missing: Flag,
    units: str,
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    cells = _blank_cells((lattice.elevations.size, lattice.azimuths.size), missing)
    for name, values in cells.items():
        values[lattice.rows, lattice.columns] = columns[name]
    coords = {"elevation": lattice.elevations, "azimuth": lattice.azimuths}
    return _dataset(cells, coords, units, attributes)


def _blank_cells(shape: tuple[int, int], missing: Flag) -> dict[str, NDArray[Any]]:
    cells = {row.name: np.full(shape, row.missing, dtype=row.dtype) for row in SCHEMA}
    cells["flag"][:] = missing
    return cells


def _dataset(
    values: Mapping[str, NDArray[Any]],
    coords: Mapping[str, NDArray[Any]],
    units: str,
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    known = check_units(units)
    base = GRID_DIMS if coords else SAMPLE_DIMS
    variables = {
        row.name: (base, values[row.name], variable_attributes(row, known)) for row in SCHEMA
    }
    axes = {
        row.name: (row.name, coords[row.name], variable_attributes(row, known))
        for row in AXES
        if row.name in coords
    }
    return validate(xr.Dataset(variables, axes, dict(attributes)))
