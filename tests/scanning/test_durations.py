"""Truth: FACTS on 131 × 41 points at 6°/s, and kinematics by hand."""

import pytest

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.scanning import Timing, estimate, make_plan
from skyscan_lab.scanning.durations import point_durations
from skyscan_lab.scanning.route import plan_route

WIDE = RotorLimits((-180.0, 450.0), (0.0, 90.0))


@pytest.mark.parametrize(
    ("order", "minutes"),
    [("raster", 65), ("serpentine", 51)],
)
def test_the_scan_of_the_real_recording(order, minutes) -> None:
    grid = ScanGrid(az=(110, 240), el=(18, 58), step=1, order=order, fast_axis="elevation")
    plan = make_plan(grid, session="s")
    took = estimate(plan, WIDE, Timing(azimuth_speed_deg_s=6, elevation_speed_deg_s=6))
    assert took.total_seconds() / 60 == pytest.approx(minutes, abs=0.6)


def test_the_slower_axis_counts_and_acceleration_too() -> None:
    plan = make_plan(ScanGrid(az=(0, 4), el=(10, 12), step=2), session="s")
    timing = Timing(
        azimuth_speed_deg_s=4,
        elevation_speed_deg_s=1,
        acceleration_deg_s2=8,
        settle_s=0.5,
        dwell_s=1.5,
    )
    # 2° at 4°/s and 8°/s²: just a triangle, 1 s. Fly-back: 4° in azimuth 1.5 s, and 2° in
    # elevation at 1°/s 2.125 s, at the same time.
    expected = [2.0, 3.0, 3.0, 4.125, 3.0, 3.0]
    durations = point_durations(plan, plan_route(plan.grid, WIDE), timing)
    assert durations.tolist() == pytest.approx(expected)


def test_unwinding_takes_its_time_and_clipped_points_take_none() -> None:
    plan = make_plan(ScanGrid(az=(358, 2), el=(10, 12), step=2), session="s")
    timing = Timing(azimuth_speed_deg_s=6, settle_s=0, dwell_s=0)
    route = plan_route(plan.grid, RotorLimits((0.0, 360.0), (0.0, 90.0)))
    assert point_durations(plan, route, timing)[:3].tolist() == pytest.approx([0, 2 / 6, 358 / 6])
    clipped = plan_route(plan.grid, RotorLimits((0.0, 359.0), (11.0, 90.0)), clip=True)
    assert point_durations(plan, clipped, timing)[:4].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("field", ["azimuth_speed_deg_s", "acceleration_deg_s2"])
def test_speeds_must_be_positive(field) -> None:
    with pytest.raises(InvalidInput, match=field):
        Timing(**{field: 0.0})


def test_a_stop_cannot_take_negative_time() -> None:
    with pytest.raises(InvalidInput, match="dwell_s"):
        Timing(dwell_s=-1.0)
