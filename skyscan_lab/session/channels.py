"""One reading a direction, from a session of many channels."""

from __future__ import annotations

import numpy as np
import xarray as xr

from skyscan_lab.power import mean_reading, response_of
from skyscan_lab.session.schema import CHANNEL_DIMS
from skyscan_lab.session.validation import validate
from skyscan_lab.session.views import units_of


def band_average(ds: xr.Dataset) -> xr.Dataset:
    """Average a session over its channels.

    Powers are averaged linear where the units say how; a receiver's own counts as they are.
    Channels that were not read at a point are left out there.

    Parameters
    ----------
    ds : Dataset
        A session; one without channels comes back as it is.

    Returns
    -------
    Dataset
        A session of one channel. The scatter of its readings is not known: `rssi_std` is NaN.

    Raises
    ------
    SessionError
        For a Dataset that is not a session.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [0.0, 0.0], units="dB")
    >>> band = xr.DataArray([0.0, 10.0], dims="frequency", coords={"frequency": [1e9, 2e9]})
    >>> for name in ("rssi", "rssi_std", "rssi_last"):
    ...     ds[name] = (ds[name] + band).transpose("frequency", ...).assign_attrs(ds[name].attrs)
    >>> band_average(ds)["rssi"].values.round(2)  # the mean of 1 and 10, not of 0 dB and 10 dB
    array([[7.4, 7.4]])
    """
    validate(ds)
    channels = [dim for dim in CHANNEL_DIMS if dim in ds["rssi"].dims]
    if not channels:
        return ds
    response = response_of(units_of(ds))
    averaged = ds.drop_dims(channels)
    axes = tuple(ds["rssi"].get_axis_num(channels))
    for name in ("rssi", "rssi_last"):
        mean = mean_reading(ds[name].values, response, axis=axes)
        averaged[name] = (ds["sequence"].dims, mean, ds[name].attrs)
    averaged["rssi_std"] = (
        ds["sequence"].dims,
        np.full(ds["sequence"].shape, np.nan),
        ds["rssi_std"].attrs,
    )
    return validate(averaged)
