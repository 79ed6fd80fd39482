"""Colours of signal strength: the scale, its limits and its bar."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.session import CHANNEL_DIMS, units_of, validate

COLOUR_MAP = "viridis"
"""Perceptually even, and readable with every kind of colour vision and in print."""

_UNIT_LABELS = {"counts": "receiver counts"}


def readings_to_draw(ds: xr.Dataset) -> NDArray[np.float64]:
    """Readings of a session of one channel, NaN where missing.

    Raises
    ------
    SessionError
        For a Dataset that is not a session, or one of several channels.
    """
    validate(ds)
    channels = [dim for dim in CHANNEL_DIMS if dim in ds["rssi"].dims]
    if channels:
        raise SessionError("dims of rssi", ds["rssi"].dims, f"one channel: select by {channels}")
    values = ds["rssi"].values
    return np.where(np.isfinite(values), values, np.nan)


def colour_limits(
    values: NDArray[np.float64], percentiles: tuple[float, float]
) -> tuple[float, float]:
    """Ends of a scale at percentiles of the readings, so that one outlier does not flatten it.

    Raises
    ------
    InvalidInput
        For percentiles that are not an increasing pair within [0, 100].

    Examples
    --------
    >>> colour_limits(np.append(np.arange(101.0), np.nan), (0.0, 50.0))
    (0.0, 50.0)
    """
    low, high = percentiles
    if not 0.0 <= low < high <= 100.0:
        raise InvalidInput("percentiles", percentiles, "two within [0, 100], the lower first")
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    bottom, top = (float(limit) for limit in np.percentile(finite, percentiles))
    return bottom, top if top > bottom else bottom + 1.0


def add_colour_bar(
    figure: Figure | SubFigure,
    drawn: ScalarMappable,
    ax: Axes,
    ds: xr.Dataset,
    limits: tuple[float, float],
) -> Colorbar:
    """Bar with units; pointed at an end beyond which there are readings."""
    below = bool((ds["rssi"] < limits[0]).any())
    above = bool((ds["rssi"] > limits[1]).any())
    bar = figure.colorbar(
        drawn,
        ax=ax,
        extend={(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above],
        fraction=0.05,
        pad=0.02,
        aspect=25,
    )
    units = units_of(ds)
    bar.set_label(f"signal strength ({_UNIT_LABELS.get(units, units)})")
    return bar
