"""Truth: the play operator, and the equation of a damped oscillator integrated by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from skyscan_lab.errors import InvalidInput
from skyscan_lab.simulation.axis import Axis, AxisModel
from skyscan_lab.simulation.drive import Drive, RotorModel
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.station import Limits

STOPS = (-1000.0, 1000.0)
PLAY = AxisModel(speed_deg_s=6.0, acceleration_deg_s2=6.0, backlash_deg=0.4)
SOFT = AxisModel(speed_deg_s=20.0, acceleration_deg_s2=40.0, ringing_hz=4.0, damping=0.15)


def drive(**changes: object) -> Drive:
    axis = AxisModel(speed_deg_s=10.0, acceleration_deg_s2=20.0)
    limits = Limits(azimuth_deg=(-180.0, 450.0), elevation_deg=(0.0, 90.0))
    return Drive(RotorModel(**{"azimuth": axis, "elevation": axis, "limits": limits, **changes}))


def arrive(axis: Axis, target_deg: float, start_s: float) -> float:
    axis.command(start_s, target_deg)
    return axis.end_s + 10.0


def test_output_lags_on_the_side_from_which_it_came() -> None:
    axis = Axis(PLAY, 0.0, STOPS)
    time = arrive(axis, 10.0, 0.0)
    assert axis.output(time) == pytest.approx(9.8)
    assert axis.encoder(time) == 10.0
    time = arrive(axis, 20.0, time)
    time = arrive(axis, 10.0, time)
    assert axis.output(time) == pytest.approx(10.2)
    # A way shorter than the play moves nothing.
    time = arrive(axis, 10.3, time)
    assert axis.output(time) == pytest.approx(10.2)
    assert axis.encoder(time) == 10.3


@given(targets=st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=8), waits=st.floats(0.05, 4.0))
def test_play_is_the_same_however_often_it_is_looked_at(targets: list[float], waits: float) -> None:
    """Retargeted in mid-move, turning round: against the operator fed with fine steps."""
    axis = Axis(PLAY, 0.0, STOPS)
    gear, time = 0.0, 0.0
    for target in targets:
        axis.command(time, target)
        for moment in np.linspace(time, time + waits, 1500)[1:]:
            motor = axis.motor(float(moment))[0]
            gear = min(max(gear, motor - 0.2), motor + 0.2)
        time += waits
        assert axis.output(time) == pytest.approx(gear, abs=1e-4)


def test_structure_rings_as_a_damped_oscillator() -> None:
    axis = Axis(SOFT, 0.0, STOPS)
    axis.command(1.0, 30.0)
    changes = [(1.0, 40.0), (1.5, -40.0), (2.5, -40.0), (3.0, 40.0)]
    natural = 2.0 * np.pi * 4.0

    def motion(time: float, state: np.ndarray) -> list[float]:
        push = sum(size for start, size in changes if time >= start)
        return [state[1], -push - 2.0 * 0.15 * natural * state[1] - natural**2 * state[0]]

    times = np.linspace(1.0, 4.0, 301)
    solved = solve_ivp(
        motion, (1.0, 4.0), [0.0, 0.0], t_eval=times, max_step=2e-3, rtol=1e-9, atol=1e-12
    )
    found = [axis.output(float(t)) - axis.motor(float(t))[0] for t in times]
    assert axis.end_s == pytest.approx(3.0)
    np.testing.assert_allclose(found, solved.y[0], atol=2e-5)
    assert np.abs(found).max() > 0.03


def test_ringing_goes_on_through_the_next_command_and_dies_out() -> None:
    axis = Axis(SOFT, 0.0, STOPS)
    axis.command(0.0, 5.0)
    before = axis.output(axis.end_s + 0.05)
    axis.command(axis.end_s + 0.05, 5.0)
    assert axis.output(axis.end_s) == pytest.approx(before, abs=1e-12)
    for _ in range(50):
        axis.command(axis.end_s + 3.0, axis.motor(axis.end_s)[0] + 7.0)
    assert axis.output(axis.end_s + 10.0) == pytest.approx(355.0, abs=1e-9)


def test_the_encoder_has_steps() -> None:
    axis = Axis(AxisModel(resolution_deg=0.1), 0.0, STOPS)
    time = arrive(axis, 7.26, 0.0)
    assert axis.encoder(time) == pytest.approx(7.3)
    assert axis.output(time) == 7.26


def test_halting_brakes_and_holds() -> None:
    rotor = drive()
    rotor.command(0.0, 90.0, 45.0)
    rotor.halt(3.0)
    stopped = rotor.reported(rotor.end_s)
    assert rotor.end_s == pytest.approx(3.5)
    assert rotor.reported(1000.0) == stopped
    # Half a second up to 10°/s, 2.5 s at it, half a second down.
    assert stopped.azimuth_deg == pytest.approx(2.5 + 25.0 + 2.5)


def test_axes_move_on_their_own() -> None:
    rotor = drive()
    rotor.command(0.0, 90.0, 45.0)
    rotor.command_axis(1.0, 1, 10.0)
    assert rotor.reported(60.0) == (90.0, 10.0)


def test_solid_stops_stand_behind_the_limits() -> None:
    rotor = drive()
    rotor.command(0.0, 600.0, 45.0)
    assert rotor.reported(100.0).azimuth_deg == 455.0


def test_a_stalled_rotor_stands_still_and_moves_again_once_repaired() -> None:
    rotor = drive()
    rotor.command(0.0, 90.0, 45.0)
    rotor.inject(2.0, RotorFaults(stalled=True))
    where = rotor.reported(2.0)
    rotor.command(3.0, 20.0, 20.0)
    assert rotor.reported(100.0) == where
    rotor.inject(100.0, RotorFaults())
    assert rotor.reported(101.0) == where
    rotor.command(101.0, 90.0, 45.0)
    assert rotor.reported(200.0) == (90.0, 45.0)


def test_a_jammed_axis_does_not_get_past_and_gives_up() -> None:
    rotor = drive()
    rotor.inject(0.0, RotorFaults(jam_azimuth_deg=40.0))
    rotor.command(0.0, 90.0, 45.0)
    assert rotor.reported(50.0) == (40.0, 45.0)
    rotor.inject(50.0, RotorFaults())
    assert rotor.reported(60.0) == (40.0, 45.0)
    rotor.command(60.0, 90.0, 45.0)
    assert rotor.reported(100.0) == (90.0, 45.0)
    rotor.inject(100.0, RotorFaults(jam_azimuth_deg=40.0))
    rotor.command(100.0, 0.0, 45.0)
    assert rotor.reported(200.0) == (40.0, 45.0)


def test_a_drive_that_cuts_out_late_ends_past_its_target() -> None:
    rotor = drive()
    rotor.inject(0.0, RotorFaults(overrun_deg=3.0))
    rotor.command(0.0, 90.0, 45.0)
    assert rotor.reported(50.0) == (93.0, 48.0)
    rotor.command(50.0, 60.0, 48.0)
    assert rotor.reported(100.0) == (57.0, 48.0)


def test_lying_encoders_leave_the_true_direction_alone() -> None:
    rotor = drive()
    rotor.inject(0.0, RotorFaults(report_offset_deg=(5.0, -2.0)))
    rotor.command(0.0, 90.0, 45.0)
    assert rotor.reported(50.0) == (95.0, 43.0)
    assert rotor.pointing([50.0]) == ([90.0], [45.0])
    rotor.inject(50.0, RotorFaults(report_frozen=True))
    rotor.command(50.0, 10.0, 10.0)
    assert rotor.reported(100.0) == (95.0, 43.0)
    assert rotor.pointing([100.0]) == ([10.0], [10.0])
    rotor.inject(100.0, RotorFaults())
    assert rotor.reported(100.0) == (10.0, 10.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("speed_deg_s", 0.0), ("acceleration_deg_s2", -1.0), ("backlash_deg", -0.1), ("damping", 1.0)],
)
def test_an_axis_that_cannot_be_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=field):
        AxisModel(**{field: value})
