"""Put measured points into the cells of a grid that is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.lattice import Lattice, nearest
from skyscan_lab.sphere import azimuth_difference


def place_on_grid(
    grid: ScanGrid, azimuth: NDArray[np.float64], elevation: NDArray[np.float64]
) -> Lattice:
    """Cell of each point on a known grid.

    Parameters
    ----------
    grid : ScanGrid
        The nominal grid.
    azimuth, elevation : ndarray, shape (n,)
        Where the rotor was, degrees; azimuth on any turn.

    Returns
    -------
    Lattice
        With the axes of the grid.

    Raises
    ------
    InvalidInput
        For a point more than half a step from the grid, and for a second point in a cell.
    """
    # Within half a turn of the middle column: on a full circle, the last half step before
    # north is then below the first column, and nearest to it.
    middle = (grid.azimuths[0] + grid.azimuths[-1]) / 2.0
    turned = middle + azimuth_difference(azimuth, middle)
    column, row = nearest(grid.azimuths, turned), nearest(grid.elevations, elevation)
    distance = np.maximum(
        np.abs(turned - grid.azimuths[column]), np.abs(elevation - grid.elevations[row])
    )
    off = np.flatnonzero(distance > grid.step / 2.0)
    if off.size:
        raise InvalidInput(
            f"point {off[0]}",
            (float(azimuth[off[0]]), float(elevation[off[0]])),
            f"within half a step ({grid.step / 2.0}°) of a point of the grid",
        )
    cell = row * grid.azimuths.size + column
    first = np.unique(cell, return_index=True)[1]
    if first.size != cell.size:
        again = int(np.setdiff1d(np.arange(cell.size), first)[0])
        raise InvalidInput(
            f"point {again}",
            (float(azimuth[again]), float(elevation[again])),
            "the only point in its cell; leave out grid to keep them as samples",
        )
    return Lattice(grid.azimuths, grid.elevations, column, row)
