"""From what is stored of a session to its map: pure, called in processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skyscan_server.domain.sessions import read_recording
from skyscan_server.gateway.tiles import SkyGrid, scale_of

if TYPE_CHECKING:
    import xarray as xr


def sky_grid(ds: xr.Dataset, step: float) -> SkyGrid:
    """Map of a gridded session.

    Parameters
    ----------
    ds : Dataset
        The session, of one channel.
    step : float
        Step of its grid, degrees: a single row or column does not tell.
    """
    values = ds["rssi"].transpose("elevation", "azimuth").values
    return SkyGrid(
        azimuth=float(ds["azimuth"][0]),
        elevation=float(ds["elevation"][0]),
        step=step,
        values=values.astype(np.float32),
        scale=scale_of(values),
    )


def gridded(stored: tuple[dict[str, Any], list[tuple[int, str]]]) -> SkyGrid:
    """Map of what `Sessions.recording` returns."""
    from skyscan_lab.recording import session_of  # late: not for the hub, which names us alone

    recording = read_recording(stored)
    return sky_grid(session_of(recording), recording.plan.grid.step)
