"""One call for all methods of interpolation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import KDTree

from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.interpolation.beam import beam
from skyscan_lab.interpolation.cubic import cubic
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.kernel import kernel
from skyscan_lab.interpolation.kriging import kriging
from skyscan_lab.interpolation.linear import linear
from skyscan_lab.interpolation.local import local
from skyscan_lab.interpolation.nearest import nearest
from skyscan_lab.interpolation.samples import Samples, closes
from skyscan_lab.interpolation.targets import Points, Targets, grid_of_step
from skyscan_lab.interpolation.thin_plate import thin_plate
from skyscan_lab.session import CHANNEL_DIMS, is_gridded, validate
from skyscan_lab.sphere import azimuth_difference, unit_vector

METHODS: dict[str, Callable[..., Estimate]] = {
    "nearest": nearest,
    "linear": linear,
    "cubic": cubic,
    "thin_plate": thin_plate,
    "kernel": kernel,
    "local": local,
    "kriging": kriging,
    "beam": beam,
}
"""Every method by its name: a function of samples, targets and its own options."""

DEFAULT = "beam"
"""What the antenna could have seen; `kriging` by itself is faster, and `linear` the fastest."""

# How far from a sample a value may be without being made up, in steps of the samples.
_REACH_STEPS = 1.0
# A direction on the very edge is inside, whatever rounding says.
_EDGE_DEG = 1e-6


def interpolate(
    ds: xr.Dataset,
    *,
    step: float | None = None,
    grid: ScanGrid | None = None,
    points: Points | None = None,
    method: str = DEFAULT,
    extrapolate: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Values of a session between its samples, with their errors.

    Parameters
    ----------
    ds : Dataset
        A session, gridded or free-form; of each channel by itself. A full circle closes on
        itself.
    step : float, optional
        Step in degrees of a grid over what the session covers.
    grid : ScanGrid, optional
        A grid of its own.
    points : (az, el), optional
        Directions in degrees. One of the three is given.
    method : str
        A name in `METHODS`. The default takes seconds, some ten of them for a whole sky; `kriging`
        is faster and as good where nothing has the shape of a beam.
    extrapolate : bool
        Whether to give values outside of what was measured as well, or farther from a reading
        than the readings are from each other; otherwise they are NaN there.
    **options
        Options of the method: see its function.

    Returns
    -------
    Dataset
        A session with the variable ``rssi_error``, the standard error of ``rssi``: on a grid, or
        of samples in the order of `points`. It was not measured: ``rssi_reads`` is 0, and the
        attribute ``interpolation`` names the method.

    Raises
    ------
    InvalidInput
        For none or several of `step`, `grid` and `points`, an unknown method or option, or a
        session without a reading.
    GridError
        For a step from which no grid can be made.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> az, el = np.meshgrid(np.arange(0.0, 360.0, 10.0), np.arange(20.0, 61.0, 10.0))
    >>> level = 400.0 + 30.0 * np.cos(np.radians(az)) * np.cos(np.radians(el))
    >>> ds = session_from_points(az.ravel(), el.ravel(), level.ravel(), units="counts")
    >>> fine = interpolate(ds, step=5.0, method="kriging")
    >>> dict(fine.sizes), float(fine.rssi.sel(azimuth=355.0, elevation=25.0).round(1))
    ({'elevation': 9, 'azimuth': 72}, 427.1)
    """
    validate(ds)
    if sum(asked is not None for asked in (step, grid, points)) != 1:
        given = {"step": step, "grid": grid, "points": points}
        names = [name for name, asked in given.items() if asked is not None]
        raise InvalidInput("step, grid, points", names, "one of the three")
    function = _method(method, options)
    channels = [Samples.of(channel) for channel in _channels(ds) if _has_readings(channel)]
    if not channels:
        raise InvalidInput("readings of the session", 0, "at least 1")
    if points is not None:
        targets = Targets.of_points(points)
    else:
        targets = Targets.of_grid(grid or grid_of_step(channels[0], float(step or 0.0)))
    found = iter(
        [_columns(function, samples, targets, extrapolate, options) for samples in channels]
    )
    results: list[dict[str, NDArray[np.float64]]] = [
        next(found) if _has_readings(channel) else {} for channel in _channels(ds)
    ]
    columns_named = next(result for result in results if result)
    blank = np.full(targets.azimuth.size, np.nan)
    leading = ds["rssi"].shape[: ds["rssi"].ndim - ds["flag"].ndim]
    columns = {
        name: np.stack([result.get(name, blank) for result in results]).reshape(*leading, -1)
        for name in columns_named
    }
    return validate(targets.as_session(ds, columns, method))


def _method(name: str, options: dict[str, Any]) -> Callable[..., Estimate]:
    if name not in METHODS:
        raise InvalidInput("method", name, f"one of {', '.join(METHODS)}")
    function = METHODS[name]
    parameters = inspect.signature(function).parameters.values()
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise InvalidInput(f"option of {name}", option, f"one of {', '.join(known)}")
    return function


def _channels(ds: xr.Dataset) -> Iterator[xr.Dataset]:
    """Sessions of one channel."""
    dims = [dim for dim in CHANNEL_DIMS if dim in ds["rssi"].dims]
    for index in np.ndindex(*(ds.sizes[dim] for dim in dims)):
        yield ds.isel(dict(zip(dims, index, strict=True)), drop=True)


def _has_readings(channel: xr.Dataset) -> bool:
    return bool(np.isfinite(channel["rssi"].values).any())


def _columns(
    function: Callable[..., Estimate],
    samples: Samples,
    targets: Targets,
    extrapolate: bool,
    options: dict[str, Any],
) -> dict[str, NDArray[np.float64]]:
    """What a method gives, blank where nothing was measured."""
    wanted = np.full(targets.azimuth.size, True) if extrapolate else inside(samples, targets)
    estimate = function(samples, targets, **options)
    columns = {"rssi": estimate.values, "rssi_error": estimate.error, **estimate.more}
    return {name: np.where(wanted, values, np.nan) for name, values in columns.items()}


def inside(samples: Samples, targets: Targets) -> NDArray[np.bool_]:
    """Which targets lie within what was measured, and near enough to a sample.

    Parameters
    ----------
    samples, targets
        As for every method.
    """
    ds = samples.session
    wanted = unit_vector(targets.azimuth, targets.elevation)
    chord = KDTree(samples.vectors).query(wanted)[0]
    distance = np.degrees(2.0 * np.arcsin(np.minimum(chord / 2.0, 1.0)))
    near = distance <= _REACH_STEPS * samples.step_deg + _EDGE_DEG
    if not is_gridded(ds):
        # Samples on one line, which span nothing, stand for what is on it.
        triangle, _, _ = samples.triangles.find(targets.azimuth, targets.elevation)
        return np.asarray(near & ((triangle >= 0) | (distance <= _EDGE_DEG)))
    azimuths, elevations = ds["azimuth"].values, ds["elevation"].values
    within = (targets.elevation >= elevations[0] - _EDGE_DEG) & (
        targets.elevation <= elevations[-1] + _EDGE_DEG
    )
    if not closes(azimuths):
        middle = (azimuths[0] + azimuths[-1]) / 2.0
        turn = np.abs(azimuth_difference(targets.azimuth, middle))
        within &= turn <= (azimuths[-1] - azimuths[0]) / 2.0 + _EDGE_DEG
    return np.asarray(near & within)
