"""What changed between two sessions, and how sure that is."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.interference.neighbours import neighbour_graph
from skyscan_lab.interference.noise import noise_from_neighbours
from skyscan_lab.session import GRID_DIMS, is_gridded, units_of, validate

Values = NDArray[np.float64]

_MAD_TO_SIGMA = 1.4826
_SAME_DEG = 1e-6


def difference(
    after: xr.Dataset, before: xr.Dataset, *, level: bool = True, false_alarm: float = 0.01
) -> xr.Dataset:
    """Difference of two sessions on the same grid, cell by cell.

    Parameters
    ----------
    after, before : Dataset
        Sessions of one channel in the same units. Only the cells that both have are compared;
        `interpolate` brings others onto one grid, and its errors are used here.
    level : bool
        Whether the median of the differences is taken away first: gain drifts from day to day.
    false_alarm : float
        How many cells may seem to have changed, in the mean over maps in which nothing has;
        within (0, 1).

    Returns
    -------
    Dataset
        ``difference`` and ``difference_error`` in the units of the sessions, ``significance`` (the
        one over the other) and ``changed``, whether it is beyond what chance would do. The
        attribute ``level`` is the median that was taken away. ``excess`` is the scatter of the
        significances, 1 where the errors are right: above it, the errors have been widened by it.

    Raises
    ------
    InvalidInput
        For different units, no cell in common, or a `false_alarm` out of range.
    SessionError
        For what is not a gridded session of one channel.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> az, el = (axis.ravel() for axis in np.meshgrid(np.arange(0.0, 20), np.arange(0.0, 20)))
    >>> noise = np.random.default_rng(1).normal(0, 1, (2, 400))
    >>> noise[1, 77] += 20
    >>> first, second = (session_from_points(az, el, 50 + n, units="counts") for n in noise)
    >>> int(difference(second, first).changed.sum())
    1
    """
    if not 0.0 < false_alarm < 1.0:
        raise InvalidInput("false_alarm", false_alarm, "within (0, 1)")
    for ds in (after, before):
        validate(ds)
        if ds["rssi"].dims != GRID_DIMS or not is_gridded(ds):
            raise SessionError("dims of rssi", ds["rssi"].dims, f"{GRID_DIMS}")
    if units_of(after) != units_of(before):
        raise InvalidInput(
            "units of before", units_of(before), f"those of after: {units_of(after)}"
        )
    rows = _common(after["elevation"].values, before["elevation"].values, np.inf)
    columns = _common(after["azimuth"].values, before["azimuth"].values, 360.0)
    if not rows[0].size or not columns[0].size:
        raise InvalidInput("cells in common", 0, "at least 1: interpolate both onto one grid")
    pair = [
        (ds["rssi"].values[np.ix_(row, column)], _errors(ds)[np.ix_(row, column)])
        for ds, row, column in ((after, rows[0], columns[0]), (before, rows[1], columns[1]))
    ]
    change = pair[0][0] - pair[1][0]
    finite = np.isfinite(change)
    if not finite.any():
        raise InvalidInput("cells in common", 0, "at least 1 that both have read")
    offset = float(np.median(change[finite])) if level else 0.0
    change = change - offset
    error = np.hypot(pair[0][1], pair[1][1])
    raw = change / error
    excess = _MAD_TO_SIGMA * float(np.median(np.abs(raw[finite])))
    error = error * max(excess, 1.0)
    significance = change / error
    limit = float(norm.isf(false_alarm / (2.0 * finite.sum())))
    here = after.isel(elevation=rows[0], azimuth=columns[0])
    units = {"units": after["rssi"].attrs["units"]}
    return xr.Dataset(
        {
            "difference": (GRID_DIMS, change, {"long_name": "change of rssi", **units}),
            "difference_error": (GRID_DIMS, error, {"long_name": "standard error", **units}),
            "significance": (GRID_DIMS, significance, {"long_name": "difference over its error"}),
            "changed": (GRID_DIMS, np.abs(significance) > limit),
        },
        {dim: here[dim] for dim in GRID_DIMS},
        {"level": offset, "excess": excess, "threshold": limit, "false_alarm": false_alarm},
    )


def _common(
    first: Values, second: Values, turn: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which lines of two axes are the same."""
    apart = first[:, None] - second
    if np.isfinite(turn):
        apart -= turn * np.rint(apart / turn)
    ours, theirs = np.nonzero(np.abs(apart) <= _SAME_DEG)
    return ours, theirs


def _errors(ds: xr.Dataset) -> Values:
    """Standard error of each cell: its own where it has one, else that of the map."""
    if "rssi_error" in ds:
        return np.asarray(ds["rssi_error"].values)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = ds["rssi_std"].values / np.sqrt(ds["rssi_reads"].values)
    azimuth, elevation = np.meshgrid(ds["azimuth"].values, ds["elevation"].values)
    graph = neighbour_graph(ds, azimuth.ravel(), elevation.ravel())
    of_map = noise_from_neighbours(ds["rssi"].values.ravel(), graph)
    # The scatter of a few readings may be 0 by chance, and no reading is that good.
    usable = np.isfinite(own) & (own > 0.0)
    typical = float(np.median(own[usable])) if usable.any() else of_map
    return np.where(usable, np.maximum(own, typical / 3.0), typical)
