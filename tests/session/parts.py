"""Small sessions for the tests of sessions."""

import numpy as np
import xarray as xr

from skyscan_lab.grid import ScanGrid
from skyscan_lab.session import SCHEMA, session_from_points

NAN = float("nan")
GRID = ScanGrid(az=(350, 20), el=(20, 40), step=10)


def scanned(**given) -> xr.Dataset:
    """The grid above, serpentine, one reading failed."""
    stops = list(ScanGrid(GRID.az, GRID.el, GRID.step, "serpentine").visits())
    rssi = np.arange(float(len(stops)))
    rssi[5] = NAN
    return session_from_points(
        [stop.azimuth_deg for stop in stops], [stop.elevation_deg for stop in stops], rssi, **given
    )


def free_form(count: int = 30) -> xr.Dataset:
    turn = np.linspace(0.0, 12.0, count)
    return session_from_points(180 + turn * np.cos(turn), 45 + turn * np.sin(turn), turn)


def with_channels(ds: xr.Dataset) -> xr.Dataset:
    """Two frequencies and two polarizations of the same scan."""
    ds = ds.copy()
    for row in SCHEMA:
        if row.channels:
            wide = ds[row.name].expand_dims(frequency=[1.42e9, 1.66e9], polarization=["H", "V"])
            ds[row.name] = wide.copy()
    return ds
