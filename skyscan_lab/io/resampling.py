"""Values of a session between its samples: what an image needs at its pixels.

Linear, and only inside of the measured area: an image must not show what nobody measured.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import KDTree, QhullError

from skyscan_lab.errors import ExportRefused
from skyscan_lab.session import is_gridded
from skyscan_lab.sphere import azimuth_difference, direction, to_plane, unit_vector, wrap_azimuth

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
    """Distance between neighbouring samples of a session, degrees: the finer of its axes.

    Raises
    ------
    ExportRefused
        For a session without a single direction.
    """
    if is_gridded(ds):
        steps = [np.diff(ds[axis].values) for axis in ("azimuth", "elevation")]
        return min(
            (float(np.median(step)) for step in steps if step.size), default=_DEFAULT_STEP_DEG
        )
    return _spacing(ds)


def directions_of(ds: xr.Dataset) -> tuple[Values, Values]:
    """Azimuth and elevation of the samples of a free-form session that have any, degrees.

    Raises
    ------
    ExportRefused
        Where none has.
    """
    azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    known = np.isfinite(azimuth) & np.isfinite(elevation)
    if not known.any():
        raise ExportRefused("no sample has a direction: nothing to map")
    return azimuth[known], elevation[known]


def _on_grid(ds: xr.Dataset, azimuth_deg: Values, elevation_deg: Values) -> Values:
    azimuths, elevations = ds["azimuth"].values, ds["elevation"].values
    values = ds["rssi"].values
    elevation_deg = np.asarray(elevation_deg, dtype=float)
    half_step = step_of(ds) / 2.0
    opening = azimuths[0] + 360.0 - azimuths[-1]
    if azimuths.size > 1 and opening <= 1.5 * np.diff(azimuths).max():
        # A full circle: the first column follows the last.
        azimuths = np.append(azimuths, azimuths[0] + 360.0)
        values = np.concatenate([values, values[..., :1]], axis=-1)
        turned = azimuths[0] + wrap_azimuth(azimuth_deg - azimuths[0])
    else:
        middle = (azimuths[0] + azimuths[-1]) / 2.0
        turned = middle + azimuth_difference(azimuth_deg, middle)
    # The zenith has every azimuth, so also that of the first column.
    cosine = np.cos(np.radians(elevation_deg))
    at_pole = cosine < np.radians(_TOUCHING_DEG)
    turned = np.where(at_pole, azimuths[0], turned)
    column, across = _bracket(azimuths, turned, half_step / np.where(at_pole, 1.0, cosine))
    row, up = _bracket(elevations, elevation_deg, half_step)
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


def _bracket(
    axis: Values, wanted: Values, half_step: float | Values
) -> tuple[NDArray[np.intp], Values]:
    """Index below, and fraction of the way to the next; NaN outside of the axis."""
    if axis.size == 1:
        # A single line has no neighbour; it stands for half a step to both sides.
        inside = np.abs(wanted - axis[0]) <= half_step
        return np.zeros(wanted.shape, dtype=np.intp), np.where(inside, 0.0, np.nan)
    inside = (wanted >= axis[0] - _TOUCHING_DEG) & (wanted <= axis[-1] + _TOUCHING_DEG)
    below = np.clip(np.searchsorted(axis, wanted, side="right") - 1, 0, axis.size - 2)
    fraction = np.clip((wanted - axis[below]) / (axis[below + 1] - axis[below]), 0.0, 1.0)
    return below, np.where(inside, fraction, np.nan)


def _between_samples(ds: xr.Dataset, azimuth_deg: Values, elevation_deg: Values) -> Values:
    azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    values = np.moveaxis(ds["rssi"].values, -1, 0)
    known = np.flatnonzero(np.isfinite(values).reshape(len(values), -1).any(axis=1))
    if not known.size:
        return np.full((*values.shape[1:], *np.shape(azimuth_deg)), np.nan)
    vectors = unit_vector(azimuth[known], elevation[known])
    # The plane that touches the sky in the middle of the samples distorts them least.
    centre = direction(vectors.mean(axis=0))
    plane = np.stack(to_plane(azimuth[known], elevation[known], *centre, "arc"), axis=-1)
    wanted = np.stack(to_plane(azimuth_deg, elevation_deg, *centre, "arc"), axis=-1)
    try:
        result = np.asarray(LinearNDInterpolator(plane, values[known])(wanted))
    except (QhullError, ValueError):  # fewer than three samples, or all of them on one line
        result = np.full((*np.shape(azimuth_deg), *values.shape[1:]), np.nan)
    sky = np.isfinite(wanted).all(axis=-1)
    chord, nearest = KDTree(vectors).query(np.nan_to_num(unit_vector(azimuth_deg, elevation_deg)))
    distance = 2.0 * np.degrees(np.arcsin(np.minimum(chord / 2.0, 1.0)))
    spacing = _spacing(ds)
    result[distance > _REACH * spacing] = np.nan
    # Samples along a line span no area: each stands for half a step around itself.
    alone = sky & (distance <= spacing / 2.0) & np.isnan(result).reshape(*sky.shape, -1).all(-1)
    result[alone] = values[known[nearest[alone]]]
    channels = range(np.ndim(azimuth_deg), result.ndim)
    return np.moveaxis(result, tuple(channels), tuple(range(len(channels))))


def _spacing(ds: xr.Dataset) -> float:
    """Median distance of samples to their nearest neighbour, degrees."""
    vectors = np.unique(unit_vector(*directions_of(ds)).round(9), axis=0)
    if len(vectors) < 2:
        return _DEFAULT_STEP_DEG
    chord = KDTree(vectors).query(vectors, k=2)[0][:, 1]
    return float(np.degrees(2.0 * np.arcsin(np.median(chord) / 2.0)))
