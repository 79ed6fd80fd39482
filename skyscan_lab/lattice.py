"""Find the grid that a list of directions was measured on.

A recording gives points, not the grid they came from. Where the points fill a lattice of
elevations × azimuths, to within a rotor's pointing error, this finds it; where they do not
(an on-the-fly scan, a spiral), it says so by returning None.

Each axis offers its candidates, coarse before fine: positions within a rotor's error of each
other are one line, unless two points would then fall into one cell, or the lines would not be
evenly spaced.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.sphere import wrap_azimuth

Values = NDArray[np.float64]

# Anything finer is encoder noise: two such positions are the same.
_ENCODER_DECIMALS = 4
# Anything finer is floating-point noise.
_EXACT_DECIMALS = 9
# Rotors scatter about the nominal position by a small part of the step (a Carryout by 0.06°).
_SCATTER_STEPS = 0.25
# Below this share of filled cells the lattice would be mostly invented.
_LEAST_FILLED = 0.2
# Below this share of its lines, so would an evenly spaced axis be.
_LEAST_LINES = 1.0 / 3.0
# A step and a missing line differ by more than this, and so do scatter and a step. The largest
# jumps between sorted gaps are tried; the true one is among the first.
_LEAST_JUMP = 1.5
_MOST_JUMPS = 8
# A few points lie near some evenly spaced lines by luck. They are taken for a lattice only
# where luck would do that more rarely than this.
_CHANCE = 1e-3


class Lattice(NamedTuple):
    """Lines of a lattice, and the cell of each point.

    Attributes
    ----------
    azimuths, elevations : ndarray
        Increasing, degrees; azimuths start within [0, 360) and continue past 360.
    columns, rows : ndarray of int, shape (n,)
        Index of each point into `azimuths` and `elevations`.
    """

    azimuths: Values
    elevations: Values
    columns: NDArray[np.intp]
    rows: NDArray[np.intp]


class _Axis(NamedTuple):
    """One candidate for an axis."""

    lines: Values
    line: NDArray[np.intp]  # of each point
    scatter: float  # largest distance of a point from its line, degrees

    @property
    def step(self) -> float:
        return float(np.diff(self.lines).min()) if self.lines.size > 1 else np.inf


def find_lattice(azimuth_deg: Values, elevation_deg: Values) -> Lattice | None:
    """Lines on which the points lie, and the cell of each point.

    Parameters
    ----------
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Directions in degrees, finite.

    Returns
    -------
    Lattice or None
        None where the points fill no lattice: irregular positions, too few of its cells, or
        two points in one cell. A line without a single point is not in it.

    Examples
    --------
    >>> import numpy as np
    >>> lattice = find_lattice(np.array([350.0, 0.0, 350.02, 0.01]), np.array([5.0, 5, 6, 6]))
    >>> lattice.azimuths, lattice.elevations
    (array([350., 360.]), array([5., 6.]))
    """
    count = azimuth_deg.size
    if count == 0:
        return None
    columns, rows = _candidates(unroll_azimuth(azimuth_deg)), _candidates(elevation_deg)
    for column, row in product(columns, rows):
        if _fills(column, row, count):
            turns = np.floor(column.lines[0] / 360.0)
            return Lattice(column.lines - 360.0 * turns, row.lines, column.line, row.line)
    return None


def _fills(column: _Axis, row: _Axis, count: int) -> bool:
    """Whether points fill the lattice of two candidates, one in a cell."""
    width, height = column.lines.size, row.lines.size
    if width * height * _LEAST_FILLED > count:
        return False
    # Rows and columns hang together through the points they share; with fewer points than
    # this, a row and a column would have nothing to do with each other.
    if width + height > count + 1:
        return False
    # A single line has no step of its own to measure its scatter by.
    for single, other in ((column, row), (row, column)):
        if single.lines.size == 1 and not _near(single.scatter / other.step, count - 1):
            return False
    return np.unique(row.line * width + column.line).size == count


def unroll_azimuth(azimuth_deg: Values) -> Values:
    """Azimuths in one increasing range, continuing past 360 where the points cross north.

    Parameters
    ----------
    azimuth_deg : ndarray, shape (n,)
        Azimuths in degrees, any turn; at least one.

    Returns
    -------
    ndarray, shape (n,)
        The same directions within one turn, which begins after the gap where the scan began
        and ended; of several such gaps, after the one nearest to north.

    Examples
    --------
    >>> unroll_azimuth(np.array([350.0, 10.0, -5.0]))
    array([350., 370., 355.])
    """
    wrapped = wrap_azimuth(azimuth_deg)
    distinct = np.unique(np.round(wrapped, 9))
    ends = np.append(distinct[1:], distinct[0] + 360.0)
    gaps = ends - distinct
    wide = ends[gaps > gaps.max() / 3.0] % 360.0
    cut = wide[np.argmin(np.minimum(wide, 360.0 - wide))]
    return np.where(wrapped < cut - 1e-9, wrapped + 360.0, wrapped)


def nearest(axis: Values, values: Values) -> NDArray[np.intp]:
    """Index of the line nearest to each value.

    Parameters
    ----------
    axis : ndarray, shape (m,)
        Increasing; at least one line.
    values : ndarray, shape (n,)
        In the units of `axis`.

    Returns
    -------
    ndarray of int, shape (n,)
        Of two lines as near, the lower one.

    Examples
    --------
    >>> nearest(np.array([0.0, 2.0, 4.0]), np.array([-1.0, 1.0, 1.1, 9.0]))
    array([0, 0, 1, 2])
    """
    if axis.size == 1:
        return np.zeros(values.shape, dtype=np.intp)
    upper = np.clip(np.searchsorted(axis, values), 1, axis.size - 1)
    return upper - (values - axis[upper - 1] <= axis[upper] - values)


def _candidates(values: Values) -> list[_Axis]:
    """What the lines of an axis may be, from few to many."""
    distinct = np.unique(np.round(values, _ENCODER_DECIMALS))
    middle, half = (distinct[0] + distinct[-1]) / 2.0, (distinct[-1] - distinct[0]) / 2.0
    found = [_axis(np.array([_short_decimal(middle, half)]), values)]
    if distinct.size == 1:
        return found
    for breaks in _ways_to_split(np.diff(distinct)):
        if breaks.all() and distinct.size * 2 <= values.size:
            # Positions that recur are nominal ones as they stand, however they are spaced.
            exact = np.unique(np.round(values, _EXACT_DECIMALS))
            found.append(_axis(exact if exact.size == distinct.size else distinct, values))
            continue
        lines = _even_lines(np.split(distinct, np.flatnonzero(breaks) + 1))
        if lines is None:
            continue
        axis = _axis(lines, values)
        if _near(axis.scatter / axis.step, values.size - 2):
            found.append(axis)
    return found


def _near(scatter_steps: float, freedom: int) -> bool:
    """Whether points lie near lines, and not by luck; two parameters fit two points."""
    return scatter_steps <= _SCATTER_STEPS and (2.0 * scatter_steps) ** max(freedom, 1) <= _CHANCE


def _axis(lines: Values, values: Values) -> _Axis:
    index = nearest(lines, values)
    return _Axis(lines, index, float(np.max(np.abs(values - lines[index]))))


def _ways_to_split(spacing: Values) -> list[NDArray[np.bool_]]:
    """Which gaps lie between lines and not within one; from few lines to many."""
    kinds = np.sort(spacing)
    jumps = kinds[1:] / kinds[:-1]
    likely = np.flatnonzero(jumps > _LEAST_JUMP)
    likely = likely[np.argsort(jumps[likely])][-_MOST_JUMPS:]
    thresholds = [kinds[index + 1] for index in sorted(likely, reverse=True)]
    return [spacing >= threshold for threshold in (*thresholds, kinds[0])]


def _even_lines(groups: list[Values]) -> Values | None:
    """Evenly spaced lines, some of them perhaps missing, through the middles of groups."""
    centres = np.array([(group[0] + group[-1]) / 2.0 for group in groups])
    spread = max(float(group[-1] - group[0]) for group in groups)
    gaps = np.diff(centres)
    # Missing lines make gaps wider, never narrower: a low quantile is one step.
    strides = np.rint(gaps / np.sort(gaps)[(gaps.size - 1) // 4])
    if strides.min() < 1.0:
        return None
    steps = np.concatenate([[0.0], np.cumsum(strides)])
    # Everything is a multiple of an encoder's tick, but few multiples are there.
    if centres.size < _LEAST_LINES * (steps[-1] + 1.0):
        return None
    step, start = np.polyfit(steps, centres, 1)
    scatter = spread / 2.0 + float(np.max(np.abs(start + step * steps - centres)))
    # What the scatter leaves open, short decimals decide, as far as the points stay near.
    open_deg = min(scatter, max(_SCATTER_STEPS * step - scatter, 0.0) / 1.5)
    step = _short_decimal(float(step), open_deg / float(steps[-1]))
    start = _short_decimal(float(np.mean(centres - step * steps)), open_deg)
    return np.asarray(np.round(start + step * steps, _EXACT_DECIMALS))


def _short_decimal(value: float, tolerance: float) -> float:
    """The shortest decimal within a tolerance: what the observer will have asked for."""
    for decimals in range(_EXACT_DECIMALS):
        if abs(round(value, decimals) - value) <= tolerance:
            return round(value, decimals)
    return round(value, _EXACT_DECIMALS)
