"""Satellites and sources drawn over a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import astropy.units as u
import numpy as np
from astropy.table import QTable
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

Values = NDArray[np.float64]
Place = Callable[[Values, Values], tuple[Values, Values]]
"""From azimuth and elevation in degrees to the coordinates of the axes."""

# A dark line around light ink reads over every colour of the scale.
_OUTLINE = [withStroke(linewidth=1.8, foreground="0.1")]
_SATELLITE = "white"
_SOURCE = "#ff9d6b"
# Names nearer to each other along the axis would overlap: they share one label.
_SHARED_LABEL_DEG = 2.5


def draw_satellites(ax: Axes, satellites: QTable, place: Place, *, names: bool = True) -> None:
    """Mark listed satellites, and name them; close ones share a label ("ECHOSTAR 18 +2").

    Parameters
    ----------
    ax : Axes
        Where to draw; what lies outside its limits is left out.
    satellites : QTable
        With ``name``, ``azimuth`` and ``elevation``.
    place : callable
        Azimuth and elevation in degrees to the coordinates of the axes.
    names : bool
        Whether to write the names.
    """
    x, y, inside = _placed(ax, satellites, place)
    ax.plot(
        x,
        y,
        label="listed",
        linestyle="none",
        marker="o",
        markersize=4.5,
        markerfacecolor="none",
        markeredgecolor=_SATELLITE,
        path_effects=_OUTLINE,
        zorder=3,
    )
    if not names:
        return
    listed = np.asarray(satellites["name"], dtype=str)[inside]
    for group in _groups(x):
        first = group[0]
        more = f" +{len(group) - 1}" if len(group) > 1 else ""
        ax.annotate(
            f"{listed[first]}{more}",
            (float(x[group].mean()), float(y[group].max())),
            xytext=(0, 7),
            textcoords="offset points",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=5.5,
            color=_SATELLITE,
            path_effects=_OUTLINE,
            zorder=5,
            annotation_clip=True,
        ).set_clip_on(True)


def draw_sources(ax: Axes, sources: QTable, place: Place) -> None:
    """Number sources in the order of their table.

    Parameters
    ----------
    ax : Axes
        Where to draw; what lies outside its limits is left out.
    sources : QTable
        With ``azimuth`` and ``elevation``, strongest first.
    place : callable
        Azimuth and elevation in degrees to the coordinates of the axes.
    """
    x, y, inside = _placed(ax, sources, place)
    ax.plot(
        x,
        y,
        label="source",
        linestyle="none",
        marker="+",
        markersize=9.0,
        markeredgewidth=1.6,
        color=_SOURCE,
        path_effects=_OUTLINE,
        zorder=4,
    )
    bottom, top = ax.get_ylim()
    for number, right, height in zip(np.flatnonzero(inside) + 1, x, y, strict=True):
        # Below the mark, where no satellite has its name, but not below the map.
        below = abs(height - bottom) > 0.1 * abs(top - bottom)
        ax.annotate(
            str(number),
            (float(right), float(height)),
            xytext=(5, -4 if below else 4),
            textcoords="offset points",
            ha="left",
            va="top" if below else "bottom",
            fontsize=8,
            fontweight="bold",
            color=_SOURCE,
            path_effects=_OUTLINE,
            zorder=6,
        )


def draw_legend(ax: Axes, corner: Literal["upper right", "lower left"] = "upper right") -> None:
    """Legend on a dark ground, since the light marks would vanish on white."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(
            handles,
            labels,
            loc=corner,
            fontsize=7,
            facecolor="0.25",
            edgecolor="none",
            labelcolor="white",
            framealpha=0.85,
            borderpad=0.6,
        )


def _placed(ax: Axes, table: QTable, place: Place) -> tuple[Values, Values, NDArray[np.bool_]]:
    x, y = place(table["azimuth"].to_value(u.deg), table["elevation"].to_value(u.deg))
    (left, right), (bottom, top) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    return x[inside], y[inside], inside


def _groups(x: Values) -> list[NDArray[np.intp]]:
    groups: list[list[int]] = []
    for index in np.argsort(x, kind="stable").tolist():
        if groups and x[index] - x[groups[-1][0]] < _SHARED_LABEL_DEG:
            groups[-1].append(index)
        else:
            groups.append([index])
    return [np.array(group) for group in groups]
