"""How long a scan will take, before it has begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.scanning.route import Route, plan_route
from skyscan_lab.simulation.kinematics import move_duration_s


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Speeds of a rotor, and what a stop costs.

    Parameters
    ----------
    azimuth_speed_deg_s, elevation_speed_deg_s : float
        Top speeds, degrees a second, greater than 0.
    acceleration_deg_s2 : float
        Of both axes, degrees a second squared, greater than 0; infinite by default.
    settle_s, dwell_s : float
        Settling after each move, and reading at each point, seconds.
    """

    azimuth_speed_deg_s: float = 6.0
    elevation_speed_deg_s: float = 6.0
    acceleration_deg_s2: float = float("inf")
    settle_s: float = 0.2
    dwell_s: float = 0.2

    def __post_init__(self) -> None:
        for field in ("azimuth_speed_deg_s", "elevation_speed_deg_s", "acceleration_deg_s2"):
            if not getattr(self, field) > 0:
                raise InvalidInput(field, getattr(self, field), "greater than 0")
        for field in ("settle_s", "dwell_s"):
            if not 0 <= getattr(self, field) < float("inf"):
                raise InvalidInput(field, getattr(self, field), "finite and at least 0")


def point_durations(plan: ScanPlan, route: Route, timing: Timing) -> NDArray[np.float64]:
    """Seconds that each point takes, in the order of visit.

    The axes of a rotor move at the same time, each along a trapezoid of speed; a point costs
    the longer of the two moves from the point before it, settling and reading. The first point
    costs no move, since nobody knows where the rotor comes from; a point that the rotor
    cannot reach costs nothing.

    Parameters
    ----------
    plan : ScanPlan
        What is scanned; looks at its reference direction are not included.
    route : Route
        Where the rotor goes.
    timing : Timing
        How fast.

    Returns
    -------
    ndarray, shape (plan.total,)
        Seconds.
    """
    targets = [route.target(point) for point in plan.grid.visits()]
    reached = np.array([target is not None for target in targets])
    path = np.array([target for target in targets if target is not None])
    azimuth, elevation = np.abs(np.diff(path, axis=0, prepend=path[:1])).T
    moves = np.maximum(
        move_duration_s(azimuth, timing.azimuth_speed_deg_s, timing.acceleration_deg_s2),
        move_duration_s(elevation, timing.elevation_speed_deg_s, timing.acceleration_deg_s2),
    )
    durations = np.zeros(len(targets))
    durations[reached] = moves + timing.settle_s + timing.dwell_s
    return durations


def estimate(plan: ScanPlan, limits: RotorLimits, timing: Timing | None = None) -> timedelta:
    """Predict how long a scan takes, without looks at a reference direction.

    Parameters
    ----------
    plan : ScanPlan
        What is scanned.
    limits : RotorLimits
        Range of motion: where the cable makes the rotor unwind, the scan takes longer.
    timing : Timing, optional
        How fast the rotor is; that of hamlib's dummy rotator by default.

    Returns
    -------
    timedelta
        Of station time.

    Raises
    ------
    OutOfLimits
        Where the rotor cannot reach the whole grid.

    Examples
    --------
    >>> from skyscan_lab.grid import ScanGrid
    >>> plan = ScanPlan(session="a", grid=ScanGrid(az=(0, 10), el=(20, 20), step=1))
    >>> estimate(plan, RotorLimits()).total_seconds()  # 11 stops of 0.4 s, 10 moves of 1° at 6°/s
    6.066667
    """
    route = plan_route(plan.grid, limits, clip=plan.clip)
    return timedelta(seconds=float(point_durations(plan, route, timing or Timing()).sum()))
