"""The whole sky above a station, seen from above: zenith in the middle, horizon around it."""

from __future__ import annotations

from typing import cast

import numpy as np
import xarray as xr
from astropy.table import QTable
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from skyscan_lab.plotting.cells import cell_edges, hatch_missing
from skyscan_lab.plotting.colour import (
    COLOUR_MAP,
    add_colour_bar,
    colour_limits,
    readings_to_draw,
)
from skyscan_lab.plotting.figure import SkyFigure
from skyscan_lab.plotting.overlays import draw_legend, draw_satellites, draw_sources
from skyscan_lab.session import is_gridded

Values = NDArray[np.float64]

_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def plot_polar(
    ds: xr.Dataset,
    *,
    cmap: str = COLOUR_MAP,
    percentiles: tuple[float, float] = (1.0, 99.8),
    satellites: QTable | None = None,
    sources: QTable | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a session as a horizon view.

    Azimuth runs clockwise from north, as on a compass card and on a rotor's dial, and the
    distance from the middle is the distance from the zenith.

    Parameters
    ----------
    ds : Dataset
        A session of one channel; readings below the horizon are left out.
    cmap, percentiles, satellites, sources, title
        As for `skyscan_lab.plotting.plot_map`.

    Returns
    -------
    Figure
        A new one.

    Raises
    ------
    SessionError, InvalidInput
        As for `skyscan_lab.plotting.plot_map`.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([10, 11, 10, 11], [20, 20, 21, 21], [-90, -91, -89, -60.0])
    >>> plot_polar(ds).axes[0].name
    'polar'
    """
    values = readings_to_draw(ds)
    low, high = colour_limits(values, percentiles)
    figure = SkyFigure(figsize=(7.0, 6.2), dpi=150, layout="constrained")
    ax = cast("PolarAxes", figure.add_subplot(projection="polar"))
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.set_rlim(0.0, 90.0)
    drawn: ScalarMappable
    if is_gridded(ds):
        angle = np.radians(cell_edges(ds["azimuth"].values))
        radius = np.clip(90.0 - cell_edges(ds["elevation"].values), 0.0, 90.0)
        drawn = ax.pcolormesh(
            angle, radius, values, vmin=low, vmax=high, cmap=cmap, rasterized=True
        )
        hatch_missing(ax, angle, radius, np.isnan(values))
    else:
        angle, radius = _place(ds["azimuth_measured"].values, ds["elevation_measured"].values)
        drawn = ax.scatter(
            angle, radius, c=values, s=10, linewidths=0, vmin=low, vmax=high, cmap=cmap
        )
    ax.set_thetagrids(np.arange(0, 360, 45), _COMPASS)
    ax.set_rgrids([30.0, 60.0, 90.0], angle=-22.5)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{90.0 - value:g}°"))
    ax.grid(color="0.5", linewidth=0.5, alpha=0.6)
    ax.set_title(ds.attrs.get("title", "Sky scan") if title is None else title)
    if satellites is not None:
        draw_satellites(ax, satellites, _place, names=False)
    if sources is not None:
        draw_sources(ax, sources, _place)
    draw_legend(ax, "lower left")
    add_colour_bar(figure, drawn, ax, ds, (low, high))
    return figure


def _place(azimuth: Values, elevation: Values) -> tuple[Values, Values]:
    return np.radians(np.mod(azimuth, 360.0)), 90.0 - elevation
