"""Map of a session: azimuth across, elevation up, signal strength in colour."""

from __future__ import annotations

import numpy as np
import xarray as xr
from astropy.table import QTable
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray

from skyscan_lab.lattice import unroll_azimuth
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
from skyscan_lab.sphere import azimuth_difference

Values = NDArray[np.float64]

_WIDTH_IN = 9.0
_HEIGHT_IN = (2.8, 7.0)
_DPI = 150
_TICK_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0, 90.0)
# Room for the axis labels and the title, and for the colour bar, inches.
_MARGIN_IN = (2.0, 1.1)


def plot_map(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    cmap: str = COLOUR_MAP,
    percentiles: tuple[float, float] = (1.0, 99.8),
    satellites: QTable | None = None,
    sources: QTable | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a session as a map.

    A degree across is as long as a degree up at the middle elevation of the map. Missing cells
    are hatched grey, outside the colours of the scale. A free-form session is drawn sample by
    sample, with nothing invented in between.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.
    ax : Axes, optional
        Where to draw; by default on a new Figure that pyplot does not know of.
    cmap : str
        A matplotlib colour map.
    percentiles : (float, float)
        Percentiles of the readings at the ends of the colour scale.
    satellites : QTable, optional
        ``name``, ``azimuth`` and ``elevation`` of known objects to mark.
    sources : QTable, optional
        ``azimuth`` and ``elevation`` of detected sources to number.
    title : str, optional
        By default the title of the session.

    Returns
    -------
    Figure
        The one drawn on.

    Raises
    ------
    SessionError
        For a Dataset that is not a session of one channel.
    InvalidInput
        For percentiles that are not an increasing pair within [0, 100].

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([10, 11, 10, 11], [20, 20, 21, 21], [-90, -91, -89, -60.0])
    >>> plot_map(ds).axes[0].get_xlabel()
    'azimuth'
    """
    values = readings_to_draw(ds)
    low, high = colour_limits(values, percentiles)
    x, y = _positions(ds)
    if ax is None:
        ax = _new_axes(x, y)
    stretch = 1.0 / max(float(np.cos(np.radians((y.min() + y.max()) / 2.0))), 0.05)
    ax.set_aspect(stretch)
    drawn: ScalarMappable
    if is_gridded(ds):
        x_edges, y_edges = cell_edges(x), np.clip(cell_edges(y), -90.0, 90.0)
        drawn = ax.pcolormesh(
            x_edges, y_edges, values, vmin=low, vmax=high, cmap=cmap, rasterized=True
        )
        hatch_missing(ax, x_edges, y_edges, np.isnan(values))
        ax.set_xlim(x_edges[0], x_edges[-1])
        ax.set_ylim(y_edges[0], y_edges[-1])
    else:
        drawn = _draw_samples(ax, x, y, values)
        drawn.set_cmap(cmap)
        drawn.set_clim(low, high)
    _label_axes(ax)
    ax.set_title(ds.attrs.get("title", "Sky scan") if title is None else title)

    middle = (x.min() + x.max()) / 2.0

    def place(azimuth: Values, elevation: Values) -> tuple[Values, Values]:
        return middle + azimuth_difference(azimuth, middle), elevation

    if satellites is not None:
        draw_satellites(ax, satellites, place)
    if sources is not None:
        draw_sources(ax, sources, place)
    draw_legend(ax)
    figure = ax.figure
    add_colour_bar(figure, drawn, ax, ds, (low, high))
    return figure.figure if isinstance(figure, SubFigure) else figure


def _positions(ds: xr.Dataset) -> tuple[Values, Values]:
    if is_gridded(ds):
        return ds["azimuth"].values, ds["elevation"].values
    return unroll_azimuth(ds["azimuth_measured"].values), ds["elevation_measured"].values


def _new_axes(x: Values, y: Values) -> Axes:
    across = np.ptp(x) * np.cos(np.radians((y.min() + y.max()) / 2.0))
    ratio = np.ptp(y) / across if across > 0 else 1.0
    height = np.clip((_WIDTH_IN - _MARGIN_IN[0]) * ratio + _MARGIN_IN[1], *_HEIGHT_IN)
    figure = SkyFigure(figsize=(_WIDTH_IN, float(height)), dpi=_DPI, layout="constrained")
    return figure.subplots()


def _draw_samples(ax: Axes, x: Values, y: Values, values: Values) -> ScalarMappable:
    missing = np.isnan(values)
    ax.scatter(x[missing], y[missing], s=12, marker="x", color="0.6", label="not measured")
    ax.margins(0.02)
    return ax.scatter(x[~missing], y[~missing], c=values[~missing], s=14, linewidths=0)


def _label_axes(ax: Axes) -> None:
    ax.xaxis.set_major_locator(MultipleLocator(_tick_step(ax.get_xlim(), 10)))
    ax.yaxis.set_major_locator(MultipleLocator(_tick_step(ax.get_ylim(), 6)))
    # A map across north continues past 360; the reader's compass does not.
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value % 360:g}°"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}°"))
    ax.set_xlabel("azimuth")
    ax.set_ylabel("elevation")
    ax.tick_params(direction="out", length=3)


def _tick_step(limits: tuple[float, float], most: int) -> float:
    """Smallest step that divides a circle as a compass does, with at most so many ticks.

    Examples
    --------
    >>> _tick_step((110.0, 240.0), 10), _tick_step((0.0, 360.0), 10), _tick_step((5.0, 5.4), 6)
    (15.0, 45.0, 0.1)
    """
    span = abs(limits[1] - limits[0])
    return next((step for step in _TICK_STEPS if span <= step * most), _TICK_STEPS[-1])
