"""Where on its cable the rotor goes for each azimuth of a grid.

A direction may be reached on several turns of a rotor, and 10° and 370° are then different
places of its cable. A route chooses one turn for every column of the grid, the same on every
line: a single stretch of cable where the grid fits on one, so that no line unwinds; otherwise
as few unwindings as there can be. Among equals it keeps to the middle of the cable.

It depends on the grid and the limits alone, never on where the rotor happens to be, so that a
scan taken up again goes the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import OutOfLimits
from skyscan_lab.grid import GridPoint, ScanGrid

# A turn is added to a decimal number, which may cost it its last digit; far below any encoder.
_ROUNDING_DEG = 1e-9


@dataclass(frozen=True)
class Route:
    """Rotor positions of a grid.

    Attributes
    ----------
    azimuths : tuple of float or None
        Of each column, degrees on the rotor's own turn; None where no turn reaches it.
    elevations : tuple of float or None
        Of each row, degrees; None where it is outside the limits.
    limits : RotorLimits
        Those that the route was made for.
    """

    azimuths: tuple[float | None, ...]
    elevations: tuple[float | None, ...]
    limits: RotorLimits

    def target(self, point: GridPoint) -> tuple[float, float] | None:
        """Where to send the rotor for a point, degrees; None where it cannot go."""
        azimuth, elevation = self.azimuths[point.column], self.elevations[point.row]
        return None if azimuth is None or elevation is None else (azimuth, elevation)


def plan_route(
    grid: ScanGrid, limits: RotorLimits, *, rotor: str = "rotor", clip: bool = False
) -> Route:
    """Choose the turns of a grid's azimuths.

    Parameters
    ----------
    grid : ScanGrid
        What to visit.
    limits : RotorLimits
        Range of motion, degrees.
    rotor : str
        Name of the rotor, for the refusal.
    clip : bool
        Leave out what cannot be reached instead of refusing.

    Returns
    -------
    Route
        With every column and row within the limits, or None in their place when clipped.

    Raises
    ------
    OutOfLimits
        Naming each axis that leaves the limits and how far, when not clipped; and always where
        nothing of the grid can be reached.

    Examples
    --------
    A grid across north on a rotor whose cable ends there has to unwind once a line; one with
    some overlap does not:

    >>> grid = ScanGrid(az=(350, 20), el=(10, 20), step=10)
    >>> plan_route(grid, RotorLimits(azimuth_deg=(0, 360))).azimuths
    (350.0, 360.0, 10.0, 20.0)
    >>> plan_route(grid, RotorLimits(azimuth_deg=(-180, 450))).azimuths
    (-10.0, 0.0, 10.0, 20.0)
    """
    low, high = limits.elevation_deg
    elevations = tuple(el if low <= el <= high else None for el in grid.elevations.tolist())
    azimuths = _azimuths(grid.azimuths.tolist(), limits)
    problems = [
        _problem("azimuth", grid.azimuths.tolist(), azimuths, limits.azimuth_deg),
        _problem("elevation", grid.elevations.tolist(), elevations, limits.elevation_deg),
    ]
    hopeless = not any(az is not None for az in azimuths) or not any(
        el is not None for el in elevations
    )
    if hopeless or (any(problems) and not clip):
        raise OutOfLimits(rotor, "; ".join(filter(None, problems)))
    return Route(azimuths, elevations, limits)


def _azimuths(nominal: list[float], limits: RotorLimits) -> tuple[float | None, ...]:
    """Follow the columns from each possible first turn and keep the calmest way."""
    options = [_turns(azimuth, limits) for azimuth in nominal]
    first = next((turns for turns in options if turns), [])
    middle = sum(limits.azimuth_deg) / 2.0
    ways = [_follow(options, start) for start in first]
    if not ways:
        return (None,) * len(nominal)

    def cost(way: tuple[float | None, ...]) -> tuple[int, float]:
        reached = np.array([azimuth for azimuth in way if azimuth is not None])
        return int(np.sum(np.diff(reached) < 0)), abs(float(reached.mean()) - middle)

    return min(ways, key=cost)


def _turns(azimuth: float, limits: RotorLimits) -> list[float]:
    """Turns of an azimuth, those included that rounding alone puts outside."""
    low, high = limits.azimuth_deg
    wide = RotorLimits((low - _ROUNDING_DEG, high + _ROUNDING_DEG), limits.elevation_deg)
    return [min(max(turn, low), high) for turn in wide.turns(azimuth)]


def _follow(options: list[list[float]], start: float) -> tuple[float | None, ...]:
    """Keep turning the same way while the cable allows it; else unwind as far as possible."""
    way: list[float | None] = []
    last = start
    for turns in options:
        onward = [turn for turn in turns if last <= turn < last + 360.0]
        chosen = onward[0] if onward else min(turns, default=None)
        way.append(chosen)
        last = last if chosen is None else chosen
    return tuple(way)


def _problem(
    axis: str,
    nominal: list[float],
    reached: tuple[float | None, ...],
    limits: tuple[float, float],
) -> str:
    lost = [value for value, found in zip(nominal, reached, strict=True) if found is None]
    if not lost:
        return ""
    span = f"{lost[0]:g}°" if len(lost) == 1 else f"{lost[0]:g}°…{lost[-1]:g}°"
    return (
        f"{axis} {span} ({len(lost)} of {len(nominal)} grid values) cannot be reached "
        f"within [{limits[0]:g}°, {limits[1]:g}°]"
    )
