"""A solved sky: what was read, what the model says, and what it leaves."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skyscan_lab.plotting.figure import SkyFigure
from skyscan_lab.plotting.maps import plot_map
from skyscan_lab.session import units_of
from skyscan_lab.solving.solution import Solution
from skyscan_lab.sphere import azimuth_difference

_SIZE_IN = (10.0, 10.5)
_DPI = 150
_RESIDUAL_PERCENTILE = 99.5
# Names that stand nearer than that would cover each other, degrees.
_CROWDED_DEG = 6.0


def plot_solution(ds: xr.Dataset, solution: Solution) -> Figure:
    """Draw a solution in three maps, one below the other.

    Parameters
    ----------
    ds : Dataset
        The session that was solved.
    solution : Solution
        What was found.

    Returns
    -------
    Figure
        Readings with the names of the sources that are seen, model, and residual with a scale of
        its own, symmetric about 0.
    """
    figure = SkyFigure(figsize=_SIZE_IN, dpi=_DPI, layout="constrained")
    read, model, left = figure.subplots(3, 1)
    plot_map(ds, read, title=f"{ds.attrs.get('title', 'Sky scan')}: as read")
    _name_sources(read, solution)
    plot_map(
        ds.assign(rssi=(ds["rssi"] - solution.residual).assign_attrs(ds["rssi"].attrs)),
        model,
        title=f"model: {solution.parameters} parameters",
    )
    residual = solution.residual.values
    most = float(np.nanpercentile(np.abs(residual), _RESIDUAL_PERCENTILE))
    inside = np.clip(residual, -most, most)
    # The corners of the scale are not readings: they only make it symmetric.
    plot_map(
        ds.assign(rssi=solution.residual.copy(data=inside).assign_attrs(ds["rssi"].attrs)),
        left,
        cmap="RdBu_r",
        percentiles=(0.0, 100.0),
        title=f"residual: {solution.rms:.2f} {units_of(ds)} rms",
    )
    left.collections[0].set_clim(-most, most)
    return figure


def _name_sources(ax: Axes, solution: Solution) -> None:
    seen = solution.sources[np.isnan(solution.sources["upper_limit"])]
    low, high = ax.get_xlim()
    bottom, top = ax.get_ylim()
    middle = (low + high) / 2.0
    azimuth = middle + azimuth_difference(seen["azimuth"].value, middle)
    elevation = seen["elevation"].value
    named: list[tuple[float, float]] = []
    for place in np.argsort(-seen["power"]):
        x, y = float(azimuth[place]), float(elevation[place])
        if not (low < x < high and bottom < y < top):
            continue
        listed = bool(seen["listed"][place])
        ax.plot([x], [y], "o" if listed else "s", mfc="none", mec="white", ms=6, mew=0.9)
        if any(abs(x - a) < _CROWDED_DEG and abs(y - b) < _CROWDED_DEG for a, b in named):
            continue
        named.append((x, y))
        ax.annotate(
            str(seen["name"][place]).split(" + ")[0] or "on no list",
            (x, y),
            xytext=(3, 6),
            textcoords="offset points",
            rotation=35,
            fontsize=6,
            color="white",
        )
