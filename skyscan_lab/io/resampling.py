"""Values of a session between its samples: what an image needs at its pixels.

Linear, and only inside of the measured area: an image must not show what nobody measured.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import KDTree

from skyscan_lab.session import is_gridded
from skyscan_lab.sphere import direction, to_plane, unit_vector, wrap_azimuth

Values = NDArray[np.float64]

# A sample speaks for its surroundings up to this many times the usual distance to its neighbour.
_REACH = 2.0
# A lone sample has no neighbour that would tell.
_DEFAULT_STEP_DEG = 1.0
_TOUCHING_DEG = 1e-9


def resample(ds: xr.Dataset, azimuth_deg: Values, elevation_deg: Values) -> Values:
    """Signal strength of a session at any directions, linearly interpolated.

    Parameters
    ----------
    ds : Dataset
        A session.
    azimuth_deg, elevation_deg : ndarray, shape S
        Directions in degrees; azimuth on any turn. NaN is allowed.

    Returns
    -------
    ndarray, shape channels + S
        In the session's units; NaN outside of the measured area and beside missing cells.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([350, 10, 350, 10], [20, 20, 30, 30], [1, 2, 3, 4], units="dB")
    >>> resample(ds, np.array([0.0, 180.0]), np.array([25.0, 25.0]))
    array([2.5, nan])
    """
    if is_gridded(ds):
        return _on_grid(ds, azimuth_deg, elevation_deg)
    return _between_samples(ds, azimuth_deg, elevation_deg)


def step_of(ds: xr.Dataset) -> float:
    """Distance between neighbouring samples of a session, degrees: the finer of its axes."""
    if is_gridded(ds):
        steps = [np.diff(ds[axis].values) for axis in ("azimuth", "elevation")]
        return min(
            (float(np.median(step)) for step in steps if step.size), default=_DEFAULT_STEP_DEG
        )
    return _spacing(ds)


def _on_grid(ds: xr.Dataset, azimuth_deg: Values, elevation_deg: Values) -> Values:
    azimuths, elevations = ds["azimuth"].values, ds["elevation"].values
    values = ds["rssi"].values
    step = step_of(ds)
    turned = azimuths[0] + wrap_azimuth(azimuth_deg - azimuths[0])
    opening = azimuths[0] + 360.0 - azimuths[-1]
    if azimuths.size > 1 and opening <= 1.5 * np.diff(azimuths).max():
        # A full circle: the first column follows the last.
        azimuths = np.append(azimuths, azimuths[0] + 360.0)
        values = np.concatenate([values, values[..., :1]], axis=-1)
    else:
        # Just before the first column is not a whole turn after it.
        turned = np.where(turned - azimuths[0] > 360.0 - step / 2.0, turned - 360.0, turned)
    column, across = _bracket(azimuths, turned, step)
    row, up = _bracket(elevations, np.asarray(elevation_deg, dtype=float), step)
    result = np.zeros((*values.shape[:-2], *np.shape(turned)))
    for row_offset, row_weight in ((0, 1.0 - up), (1, up)):
        for column_offset, column_weight in ((0, 1.0 - across), (1, across)):
            weight = row_weight * column_weight
            corner = values[
                ...,
                np.minimum(row + row_offset, elevations.size - 1),
                np.minimum(column + column_offset, azimuths.size - 1),
            ]
            # A missing corner without weight must not blank a measured cell.
            result += np.where(weight == 0.0, 0.0, weight * corner)
    return result


def _bracket(axis: Values, wanted: Values, step: float) -> tuple[NDArray[np.intp], Values]:
    """Index below, and fraction of the way to the next; NaN outside of the axis."""
    if axis.size == 1:
        # A single line has no neighbour; it stands for half a step to both sides.
        inside = np.abs(wanted - axis[0]) <= step / 2.0
        return np.zeros(wanted.shape, dtype=np.intp), np.where(inside, 0.0, np.nan)
    inside = (wanted >= axis[0] - _TOUCHING_DEG) & (wanted <= axis[-1] + _TOUCHING_DEG)
    below = np.clip(np.searchsorted(axis, wanted, side="right") - 1, 0, axis.size - 2)
    fraction = np.clip((wanted - axis[below]) / (axis[below + 1] - axis[below]), 0.0, 1.0)
    return below, np.where(inside, fraction, np.nan)


def _between_samples(ds: xr.Dataset, azimuth_deg: Values, elevation_deg: Values) -> Values:
    azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    values = np.moveaxis(ds["rssi"].values, -1, 0)
    known = np.flatnonzero(np.isfinite(values).reshape(len(values), -1).any(axis=1))
    shape = (*values.shape[1:], *np.shape(azimuth_deg))
    if known.size < 3:
        return np.full(shape, np.nan)
    vectors = unit_vector(azimuth[known], elevation[known])
    # The plane that touches the sky in the middle of the samples distorts them least.
    centre = direction(vectors.mean(axis=0))
    plane = np.stack(to_plane(azimuth[known], elevation[known], *centre, "arc"), axis=-1)
    wanted = np.stack(to_plane(azimuth_deg, elevation_deg, *centre, "arc"), axis=-1)
    result = np.asarray(LinearNDInterpolator(plane, values[known])(wanted))
    target = np.nan_to_num(unit_vector(azimuth_deg, elevation_deg))
    distance = 2.0 * np.degrees(np.arcsin(np.minimum(KDTree(vectors).query(target)[0] / 2.0, 1.0)))
    result[distance > _REACH * _spacing(ds)] = np.nan
    channels = range(np.ndim(azimuth_deg), result.ndim)
    return np.moveaxis(result, tuple(channels), tuple(range(len(channels))))


def _spacing(ds: xr.Dataset) -> float:
    """Median distance of samples to their nearest neighbour, degrees."""
    vectors = unit_vector(ds["azimuth_measured"].values, ds["elevation_measured"].values)
    vectors = np.unique(vectors.round(9), axis=0)
    if len(vectors) < 2:
        return _DEFAULT_STEP_DEG
    chord = KDTree(vectors).query(vectors, k=2)[0][:, 1]
    return float(np.degrees(2.0 * np.arcsin(np.median(chord) / 2.0)))
