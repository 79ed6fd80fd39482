"""Truth: every target is the point's direction, within the limits, with as few unwindings as
an exhaustive search over all turns finds."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import OutOfLimits
from skyscan_lab.grid import ScanGrid
from skyscan_lab.scanning.route import plan_route

FULL = ScanGrid(az=(0, 360), el=(18, 64), step=2)


def unwindings(azimuths) -> int:
    return int(np.sum(np.diff(azimuths) < 0))


@pytest.mark.parametrize(
    ("limits", "first", "last", "seams"),
    [
        ((0.0, 360.0), 0.0, 358.0, 0),
        ((-180.0, 450.0), 0.0, 358.0, 0),
        ((-180.0, 180.0), 0.0, -2.0, 1),  # no overlap: south is where it unwinds
        ((-423.33, 23.33), -360.0, -2.0, 0),  # a Winegard G2
        ((90.0, 450.0), 360.0, 358.0, 1),
    ],
)
def test_a_full_circle(limits, first, last, seams) -> None:
    route = plan_route(FULL, RotorLimits(limits, (0.0, 90.0)))
    assert (route.azimuths[0], route.azimuths[-1]) == (first, last)
    assert unwindings(route.azimuths) == seams


def test_across_north_on_a_rotor_that_ends_there() -> None:
    grid = ScanGrid(az=(350, 20), el=(10, 12), step=1)
    route = plan_route(grid, RotorLimits((0.0, 360.0), (0.0, 90.0)))
    assert route.azimuths[:12] == (*map(float, range(350, 361)), 1.0)


@given(
    start=st.integers(0, 359),
    span=st.integers(1, 360),
    low=st.integers(-450, 180),
    width=st.integers(30, 700),
)
def test_within_limits_and_as_calm_as_can_be(start: int, span: int, low: int, width: int) -> None:
    grid = ScanGrid(az=(start, start + span), el=(10, 10), step=max(1, span // 6))
    limits = RotorLimits((float(low), float(low + width)), (0.0, 90.0))
    options = [limits.turns(azimuth) for azimuth in grid.azimuths.tolist()]
    if not all(options):
        with pytest.raises(OutOfLimits):
            plan_route(grid, limits)
        assume(any(options))
        route = plan_route(grid, limits, clip=True)
        assert [azimuth is None for azimuth in route.azimuths] == [not turns for turns in options]
        return
    route = plan_route(grid, limits)
    for azimuth, turns in zip(route.azimuths, options, strict=True):
        assert azimuth in turns
    best = min(unwindings(way) for way in itertools.product(*options))
    assert unwindings(route.azimuths) == best


def test_rounding_at_the_end_of_the_cable_is_no_limit() -> None:
    grid = ScanGrid(az=(0.1, 0.3), el=(10, 10), step=0.1)
    route = plan_route(grid, RotorLimits((-359.9, -359.7), (0.0, 90.0)))
    assert route.azimuths == pytest.approx((-359.9, -359.8, -359.7))
    assert min(a for a in route.azimuths if a is not None) >= -359.9


def test_the_refusal_names_axes_and_values() -> None:
    with pytest.raises(OutOfLimits) as refusal:
        plan_route(FULL, RotorLimits((0.0, 100.0), (20.0, 40.0)), rotor="roof")
    words = str(refusal.value)
    assert words.startswith("roof: azimuth 102°…358° (129 of 180 grid values)")
    assert "elevation 18°…64° (13 of 24 grid values) cannot be reached within [20°, 40°]" in words


def test_nothing_in_reach_is_refused_even_when_clipped() -> None:
    with pytest.raises(OutOfLimits):
        plan_route(FULL, RotorLimits((0.0, 360.0), (70.0, 90.0)), clip=True)
