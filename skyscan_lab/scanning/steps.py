"""What to do next: a pure function of plan, state and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from skyscan_lab.devices.base import ReadingKey
from skyscan_lab.grid import GridPoint
from skyscan_lab.protocol.plans import ReferenceDirection, ScanPlan
from skyscan_lab.scanning.route import Route
from skyscan_lab.scanning.state import ScanState


@dataclass(frozen=True, slots=True)
class Visit:
    """Go to a point of the grid and read there."""

    point: GridPoint
    azimuth_deg: float
    elevation_deg: float
    key: ReadingKey


@dataclass(frozen=True, slots=True)
class Skip:
    """Give up a point that the rotor cannot reach."""

    point: GridPoint


@dataclass(frozen=True, slots=True)
class Look:
    """Go to the reference direction and read there."""

    visit: int
    azimuth_deg: float
    elevation_deg: float
    key: ReadingKey


class Steps:
    """The steps of one scan from where it stands.

    Parameters
    ----------
    plan : ScanPlan
        What is scanned.
    route : Route
        Where the rotor goes for each point.
    done : int
        Points already done.
    rotor : str
        Name of the rotor, for the refusal.

    Raises
    ------
    OutOfLimits
        Where no turn of the rotor reaches the reference direction.
    """

    def __init__(self, plan: ScanPlan, route: Route, done: int, rotor: str = "rotor") -> None:
        self._plan = plan
        self._route = route
        self._rest: Iterator[GridPoint] = islice(plan.grid.visits(), done, None)
        self._point = next(self._rest, None)
        self._place = next(azimuth for azimuth in route.azimuths if azimuth is not None)
        if plan.reference is not None:
            direction = plan.reference
            route.limits.check(rotor, self._turn(direction), direction.elevation_deg)

    def next(self, state: ScanState, now: datetime) -> Visit | Skip | Look | None:
        """Next step; None when nothing is left.

        Parameters
        ----------
        state : ScanState
            Where the scan stands.
        now : datetime
            Station time.
        """
        point = self._advance(state.done)
        target = None if point is None else self._route.target(point)
        if point is not None and target is None:
            return Skip(point)
        if target is not None:
            self._place = target[0]
        reference = self._plan.reference
        if reference is not None and _due(reference, state, now, finished=point is None):
            return self._look(reference, state.references)
        if point is None or target is None:
            return None
        return Visit(point, *target, ReadingKey(self._plan.session, point.sequence))

    def _advance(self, done: int) -> GridPoint | None:
        while self._point is not None and self._point.sequence < done:
            self._point = next(self._rest, None)
        return self._point

    def _look(self, reference: ReferenceDirection, visit: int) -> Look:
        # Numbers behind those of the grid: every reading has a key of its own.
        key = ReadingKey(self._plan.session, self._plan.total + visit)
        return Look(visit, self._turn(reference), reference.elevation_deg, key)

    def _turn(self, reference: ReferenceDirection) -> float:
        """Turn of the reference direction nearest to the point that it interrupts."""
        turns = self._route.limits.turns(reference.azimuth_deg)
        return min(turns, key=lambda turn: abs(turn - self._place), default=reference.azimuth_deg)


def _due(reference: ReferenceDirection, state: ScanState, now: datetime, *, finished: bool) -> bool:
    last = state.last_reference
    if last is None:
        return True
    if finished:
        return state.last_point is not None and state.last_point > last
    # A clock that was set back says nothing about the time since: look again.
    return not timedelta(0) <= now - last < timedelta(minutes=reference.every_min)
