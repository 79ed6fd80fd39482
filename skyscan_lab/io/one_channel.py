"""Products that hold one reading a direction refuse a session of many channels in one way."""

from __future__ import annotations

import xarray as xr

from skyscan_lab.errors import ExportRefused
from skyscan_lab.session import CHANNEL_DIMS


def require_one_channel(ds: xr.Dataset, product: str) -> None:
    """Refuse a session whose readings have channels.

    Parameters
    ----------
    ds : Dataset
        A session.
    product : str
        What holds only one, for the message.

    Raises
    ------
    ExportRefused
        With the channels that there are, and how to select one.
    """
    channels = {dim: ds.sizes[dim] for dim in CHANNEL_DIMS if dim in ds["rssi"].dims}
    if channels:
        one = ", ".join(f"{dim}=0" for dim in channels)
        raise ExportRefused(
            f"{product} holds one channel, and this session has {channels}: select one, as in "
            f"ds.isel({one})"
        )
