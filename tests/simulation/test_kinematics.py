"""Truth: the closed form of the trapezoid, and Newton's law integrated numerically."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_lab.simulation.kinematics import Motion, move_duration_s

angles = st.floats(-400.0, 400.0)
max_speeds = st.floats(0.5, 65.0)
accelerations = st.floats(0.5, 400.0)


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (0.0, 0.0),
        (1.0, 2.0 * np.sqrt(1.0 / 12.0)),  # a triangle: it never reaches 6°/s
        (3.0, 1.0),  # exactly reaches it: v²/a
        (90.0, 90.0 / 6.0 + 6.0 / 12.0),
        (-90.0, 15.5),
    ],
)
def test_duration_is_the_closed_form(distance: float, expected: float) -> None:
    assert move_duration_s(distance, 6.0, 12.0) == pytest.approx(expected)


@given(distance=angles, speed=max_speeds)
def test_without_inertia_only_the_speed_counts(distance: float, speed: float) -> None:
    assert move_duration_s(distance, speed, np.inf) == pytest.approx(abs(distance) / speed)


@given(start=angles, target=angles, speed=max_speeds, acceleration=accelerations)
def test_from_rest_a_motion_takes_the_closed_form(
    start: float, target: float, speed: float, acceleration: float
) -> None:
    motion = Motion.to_target(100.0, start, 0.0, target, speed, acceleration)
    expected = float(move_duration_s(target - start, speed, acceleration))
    assert motion.end_s - 100.0 == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert motion.at(motion.end_s) == (target, 0.0)


@given(
    start=angles,
    initial=st.floats(-1.0, 1.0),
    target=angles,
    speed=max_speeds,
    acceleration=accelerations,
)
def test_a_retargeted_motion_obeys_its_bounds_and_is_continuous(
    start: float, initial: float, target: float, speed: float, acceleration: float
) -> None:
    motion = Motion.to_target(0.0, start, initial * speed, target, speed, acceleration)
    times = np.linspace(0.0, motion.end_s, 2001)
    track = np.array([motion.at(float(time)) for time in times])
    position, rate = track.T
    step = times[1]
    assert np.all(np.abs(rate) <= speed * (1.0 + 1e-9))
    assert np.all(np.abs(np.diff(rate)) <= acceleration * step * (1.0 + 1e-6) + 1e-9)
    # The position is the integral of the rate; midpoints of straight pieces are exact but for
    # the pieces with a corner, each worth at most a·h²/8.
    moved = np.diff(position)
    mean = (rate[1:] + rate[:-1]) / 2.0
    assert np.all(np.abs(moved - mean * step) <= acceleration * step**2 + 1e-12)
    assert position[0] == pytest.approx(start)
    assert rate[0] == pytest.approx(initial * speed)
    assert position[-1] == pytest.approx(target)


@given(start=angles, initial=st.floats(-60.0, 60.0), acceleration=accelerations)
def test_braking_ends_after_v_squared_over_twice_a(
    start: float, initial: float, acceleration: float
) -> None:
    motion = Motion.to_stop(5.0, start, initial, acceleration)
    assert motion.end_s - 5.0 == pytest.approx(abs(initial) / acceleration)
    expected = start + np.sign(initial) * initial**2 / (2.0 * acceleration)
    assert motion.end_deg == pytest.approx(expected)
    assert motion.at(motion.end_s + 1.0) == (motion.end_deg, 0.0)


def test_too_late_to_stop_it_goes_past_and_comes_back() -> None:
    motion = Motion.to_target(0.0, 0.0, 6.0, 1.0, 6.0, 6.0)  # stopping takes 3°
    assert motion.reversal_deg(motion.end_s) == pytest.approx(3.0)
    assert motion.end_s == pytest.approx(1.0 + 2.0 * np.sqrt(2.0 / 6.0))
    assert motion.reversal_deg(0.5) is None


def test_a_motion_straight_to_its_target_never_turns() -> None:
    assert Motion.to_target(0.0, 0.0, 0.0, 50.0, 6.0, 6.0).reversal_deg(100.0) is None


@given(initial=st.floats(-6.0, 6.0), target=angles)
def test_steps_of_acceleration_add_up_to_the_change_of_speed(initial: float, target: float) -> None:
    motion = Motion.to_target(0.0, 0.0, initial, target, 6.0, 3.0)
    steps = motion.accelerations()
    assert sum(size for _, size in steps) == pytest.approx(0.0, abs=1e-9)
    gained = sum(size * (motion.end_s - time) for time, size in steps)
    assert gained == pytest.approx(-initial, abs=1e-6)
