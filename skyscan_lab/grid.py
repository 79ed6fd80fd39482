"""The scan grid: bounds and step become points, and an order to visit them.

A grid is what the observer asked for, in decimal degrees, so it is counted in exact decimal
arithmetic: 0.1° steps from 18 to 65 are 471 rows, whatever a binary float makes of 0.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.errors import GridError

MAX_POINTS = 1_000_000
"""Largest number of points in one grid; at 3 s a point that is already 35 days."""

Order = Literal["raster", "serpentine"]
FastAxis = Literal["azimuth", "elevation"]

MIN_STEP_DEG = 1e-6
"""Smallest step in degrees, a hundredth of the finest encoder."""

# A bound that was itself computed (0.1 + 0.2) misses its decimal by some 1e-13 degrees. A
# billionth of a degree is far above such rounding and far below the smallest step.
_ROUNDING_DEG = Fraction(1, 10**9)


class GridPoint(NamedTuple):
    """One stop of a scan.

    Attributes
    ----------
    sequence : int
        Position in the order of visit, from 0.
    row, column : int
        Index into `ScanGrid.elevations` and `ScanGrid.azimuths`.
    azimuth_deg, elevation_deg : float
        Nominal direction in degrees; azimuth continues past 360 on a grid that crosses north.
    """

    sequence: int
    row: int
    column: int
    azimuth_deg: float
    elevation_deg: float


@dataclass(frozen=True)
class ScanGrid:
    """Elevation × azimuth grid of a sky scan.

    A full circle of azimuth leaves its end out, since 360° is 0° again. Any other span
    includes both ends where the step lands on them; where it does not, the last point is the
    last step inside the bounds. An azimuth span whose end is below its start crosses north,
    and its azimuths continue past 360 so that they stay increasing.

    Parameters
    ----------
    az : tuple of float
        Start and end of azimuth in degrees, each within [-360, 720] and spanning at most 360.
        The start is wrapped into [0, 360).
    el : tuple of float
        Start and end of elevation in degrees, within [-90, 90], start ≤ end.
    step : float
        Step on both axes in degrees, within [1e-6, 180].
    order : {"raster", "serpentine"}
        Raster flies back to the start of each line; serpentine sweeps every second line
        backwards.
    fast_axis : {"azimuth", "elevation"}
        The axis along which neighbouring points are visited one after the other.

    Raises
    ------
    GridError
        For bounds, step or order out of range or not finite, and for grids of more than
        `MAX_POINTS` points. It names the field, the value and what is allowed.

    Examples
    --------
    >>> grid = ScanGrid(az=(0, 360), el=(18, 65), step=2.0)
    >>> grid.size, float(grid.azimuths[-1]), float(grid.elevations[-1])
    (4320, 358.0, 64.0)
    >>> ScanGrid(az=(350, 20), el=(10, 20), step=10).azimuths
    array([350., 360., 370., 380.])
    """

    az: tuple[float, float] = (0.0, 360.0)
    el: tuple[float, float] = (18.0, 65.0)
    step: float = 2.0
    order: Order = "raster"
    fast_axis: FastAxis = "azimuth"

    def __post_init__(self) -> None:
        step = _number("step", self.step)
        if not MIN_STEP_DEG <= step <= 180.0:
            raise GridError("step", self.step, f"within [{MIN_STEP_DEG}°, 180°]")
        if self.order not in get_args(Order):
            raise GridError("order", self.order, "'raster' or 'serpentine'")
        if self.fast_axis not in get_args(FastAxis):
            raise GridError("fast_axis", self.fast_axis, "'azimuth' or 'elevation'")
        object.__setattr__(self, "az", _azimuth_span(self.az))
        object.__setattr__(self, "el", _elevation_span(self.el))
        object.__setattr__(self, "step", step)
        if self.size > MAX_POINTS:
            raise GridError(
                "grid size",
                self.size,
                f"at most {MAX_POINTS} points; widen the step or narrow the bounds",
            )

    @property
    def full_circle(self) -> bool:
        """Whether the azimuth span is a whole turn, so that its end is its start again."""
        return abs(_decimal(self.az[1]) - _decimal(self.az[0]) - 360) <= _ROUNDING_DEG

    @property
    def shape(self) -> tuple[int, int]:
        """Number of elevations and of azimuths."""
        columns = _count(self.az, self.step, closed=not self.full_circle)
        return _count(self.el, self.step, closed=True), columns

    @property
    def size(self) -> int:
        """Number of points."""
        rows, columns = self.shape
        return rows * columns

    @property
    def azimuths(self) -> NDArray[np.float64]:
        """Nominal azimuths, degrees, increasing; past 360 on a grid that crosses north."""
        return _positions(self.az[0], self.step, self.shape[1])

    @property
    def elevations(self) -> NDArray[np.float64]:
        """Nominal elevations, degrees, increasing."""
        return _positions(self.el[0], self.step, self.shape[0])

    def visits(self) -> Iterator[GridPoint]:
        """Stops of the scan in the order in which they are visited.

        Yields
        ------
        GridPoint
            Numbered from 0 without a gap; every cell exactly once.

        Examples
        --------
        >>> grid = ScanGrid(az=(0, 2), el=(10, 11), step=1, order="serpentine")
        >>> [(p.azimuth_deg, p.elevation_deg) for p in grid.visits()]
        [(0.0, 10.0), (1.0, 10.0), (2.0, 10.0), (2.0, 11.0), (1.0, 11.0), (0.0, 11.0)]
        """
        azimuths, elevations = self.azimuths.tolist(), self.elevations.tolist()
        along_azimuth = self.fast_axis == "azimuth"
        lines, stops = self.shape if along_azimuth else self.shape[::-1]
        sequence = 0
        for line in range(lines):
            backwards = self.order == "serpentine" and line % 2 == 1
            for stop in range(stops - 1, -1, -1) if backwards else range(stops):
                row, column = (line, stop) if along_azimuth else (stop, line)
                yield GridPoint(sequence, row, column, azimuths[column], elevations[row])
                sequence += 1


def _azimuth_span(az: Any) -> tuple[float, float]:
    start_deg, end_deg = _pair("az", az, -360.0, 720.0)
    start, end = _decimal(start_deg), _decimal(end_deg)
    if end < start - _ROUNDING_DEG:
        end += 360
    span = max(end - start, Fraction(0))
    if end < start - _ROUNDING_DEG or span > 360 + _ROUNDING_DEG:
        raise GridError(
            "az",
            (start_deg, end_deg),
            "a span of at most 360°; an end below the start means a span across north",
        )
    # A start that misses north by rounding alone is north, and not a turn below it.
    start = max(start - 360 * ((start + _ROUNDING_DEG) // 360), Fraction(0))
    return float(start), float(start + span)


def _elevation_span(el: Any) -> tuple[float, float]:
    start, end = _pair("el", el, -90.0, 90.0)
    if end < start - _ROUNDING_DEG:
        raise GridError("el end", end, f"at least el start ({start}°)")
    return start, max(start, end)


def _pair(field: str, bounds: Any, lowest: float, highest: float) -> tuple[float, float]:
    try:
        start, end = bounds
    except (TypeError, ValueError):
        raise GridError(field, bounds, "a pair (start, end) in degrees") from None
    return (
        _bound(f"{field} start", start, lowest, highest),
        _bound(f"{field} end", end, lowest, highest),
    )


def _bound(field: str, value: Any, lowest: float, highest: float) -> float:
    number = _number(field, value)
    # A zenith that was computed, 90.00000000000001, is the zenith.
    nearest = min(max(number, lowest), highest)
    if abs(number - nearest) > _ROUNDING_DEG:
        raise GridError(field, value, f"within [{lowest:g}°, {highest:g}°]")
    return nearest


def _number(field: str, value: Any) -> float:
    if isinstance(value, str):
        raise GridError(field, value, "a number of degrees")
    try:
        # Through str, so that the float32 nearest to 0.1 means 0.1 too.
        number = float(str(value)) if isinstance(value, np.floating) else float(value)
    except (TypeError, ValueError, OverflowError):
        raise GridError(field, value, "a number of degrees") from None
    if not math.isfinite(number):
        raise GridError(field, value, "a finite number of degrees")
    return number


def _decimal(value: float) -> Fraction:
    """The decimal number that was written, not its binary neighbour."""
    return Fraction(repr(value))


def _count(bounds: tuple[float, float], step: float, *, closed: bool) -> int:
    span, width = _decimal(bounds[1]) - _decimal(bounds[0]), _decimal(step)
    if closed:
        return math.floor((span + _ROUNDING_DEG) / width) + 1
    return math.ceil((span - _ROUNDING_DEG) / width)


def _positions(start: float, step: float, count: int) -> NDArray[np.float64]:
    first, width = _decimal(start), _decimal(step)
    parts = math.lcm(first.denominator, width.denominator)
    origin, stride = int(first * parts), int(width * parts)
    # A quotient of two integers is rounded once: the float nearest to the decimal.
    return np.array([(origin + k * stride) / parts for k in range(count)])
