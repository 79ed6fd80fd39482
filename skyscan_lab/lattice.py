"""Find the grid that a list of directions was measured on.

A recording gives points, not the grid they came from. Where the points fill a lattice of
elevations × azimuths, to within a rotor's pointing error, this finds it; where they do not
(an on-the-fly scan, a spiral), it says so by returning None.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.sphere import wrap_azimuth

Values = NDArray[np.float64]

# Nominal positions are written with at most this many decimals; anything finer is encoder noise.
_DECIMALS = 4
# Rotors scatter about the nominal position by a small part of the step (a Carryout by 0.06°).
_SCATTER_STEPS = 0.25
# Below this share of filled cells the lattice would be mostly invented.
_LEAST_FILLED = 0.2
# A gap in azimuth wider than this is where the scan began and ended, not a missing column.
_OPENING_DEG = 10.0
_OPENING_RATIO = 3.0


class Lattice(NamedTuple):
    """Increasing axes, in degrees, and the cell of each point."""

    azimuths: Values
    elevations: Values
    columns: NDArray[np.intp]
    rows: NDArray[np.intp]


def find_lattice(azimuth_deg: Values, elevation_deg: Values) -> Lattice | None:
    """Axes on which the points lie, and the cell of each point.

    Parameters
    ----------
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Directions in degrees, finite.

    Returns
    -------
    Lattice or None
        None where the points fill no lattice: irregular positions, too few of its cells, or
        two points in one cell. Azimuths continue past 360 where the points cross north.

    Examples
    --------
    >>> import numpy as np
    >>> lattice = find_lattice(np.array([350.0, 0.0, 350.02, 0.01]), np.array([5.0, 5, 6, 6]))
    >>> lattice.azimuths, lattice.elevations
    (array([350., 360.]), array([5., 6.]))
    """
    if azimuth_deg.size == 0:
        return None
    unrolled = unroll_azimuth(azimuth_deg)
    azimuths, elevations = _axis(unrolled), _axis(elevation_deg)
    if azimuths is None or elevations is None:
        return None
    if azimuths.size * elevations.size * _LEAST_FILLED > azimuth_deg.size:
        return None
    columns, rows = nearest(azimuths, unrolled), nearest(elevations, elevation_deg)
    if np.unique(rows * azimuths.size + columns).size != azimuth_deg.size:
        return None
    return Lattice(azimuths, elevations, columns, rows)


def unroll_azimuth(azimuth_deg: Values) -> Values:
    """Azimuths in one increasing range, continuing past 360 where the points cross north.

    Examples
    --------
    >>> unroll_azimuth(np.array([350.0, 10.0, -5.0]))
    array([350., 370., 355.])
    """
    wrapped = wrap_azimuth(azimuth_deg)
    distinct = np.unique(np.round(wrapped, 9))
    ends = np.append(distinct[1:], distinct[0] + 360.0)
    gaps = ends - distinct
    widest = float(gaps.max())
    if widest > _OPENING_DEG and widest > _OPENING_RATIO * gaps[-1]:
        cut = float(ends[np.argmax(gaps)])
    else:
        # A whole turn: open it at the gap between columns nearest to north, so that a first
        # column that scatters about 0 stays in one piece.
        wide = np.flatnonzero(gaps > widest / 2.0)
        distance = np.minimum(ends[wide] % 360.0, 360.0 - ends[wide] % 360.0)
        cut = float(ends[wide[np.argmin(distance)]])
        if cut > 180.0:
            cut -= 360.0
    return np.asarray(cut + wrap_azimuth(wrapped - cut + 1e-9) - 1e-9)


def nearest(axis: Values, values: Values) -> NDArray[np.intp]:
    """Index of the axis value nearest to each value, for an increasing axis."""
    if axis.size == 1:
        return np.zeros(values.shape, dtype=np.intp)
    upper = np.clip(np.searchsorted(axis, values), 1, axis.size - 1)
    return upper - (values - axis[upper - 1] < axis[upper] - values)


def _axis(values: Values) -> Values | None:
    exact = np.unique(np.round(values, _DECIMALS))
    # Axis values that recur are nominal ones, whatever their spacing.
    if exact.size == 1 or exact.size <= max(2.0, np.sqrt(values.size / _LEAST_FILLED)):
        spacing = np.diff(exact)
        if exact.size <= 2 or spacing.min() > 0.5 * _SCATTER_STEPS * spacing.max():
            return exact
    return _scattered_axis(exact)


def _scattered_axis(distinct: Values) -> Values | None:
    spacing = np.diff(distinct)
    breaks = np.flatnonzero(spacing > 2.0 * _SCATTER_STEPS * spacing.max())
    groups = np.split(distinct, breaks + 1)
    if len(groups) < 2:
        return None
    centres = np.array([(group[0] + group[-1]) / 2.0 for group in groups])
    spread = max(float(group[-1] - group[0]) for group in groups)
    step = float(np.median(np.diff(centres)))
    if spread > 2.0 * _SCATTER_STEPS * step:
        return None
    steps = np.concatenate([[0.0], np.cumsum(np.rint(np.diff(centres) / step))])
    slope, start = np.polyfit(steps, centres, 1) if steps[-1] > 1 else (step, centres[0])
    nominal_step = _short_decimal(float(slope), float(spread) / max(float(steps[-1]), 1.0))
    nominal_start = _short_decimal(float(start), max(float(spread), 10.0**-_DECIMALS))
    axis = nominal_start + nominal_step * steps
    if np.max(np.abs(axis - centres)) > _SCATTER_STEPS * step:
        return None
    return np.asarray(axis)


def _short_decimal(value: float, tolerance: float) -> float:
    """The shortest decimal within a tolerance: what the observer will have asked for."""
    for decimals in range(_DECIMALS + 1):
        if abs(round(value, decimals) - value) <= tolerance:
            return round(value, decimals)
    return round(value, _DECIMALS)
