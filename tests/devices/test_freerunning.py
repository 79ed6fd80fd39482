"""Truth: the trapezoid at the clock's time, and the level that the samples hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from skyscan_lab.devices.freerunning import FreeRunningDevices, free_running_station
from skyscan_lab.errors import OutOfLimits
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.station import RotctldRotor, RtlTcpReceiver, SimulatedReceiver, Station

EPOCH = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FreeRunningDevices:
    """A station whose clock the test sets by hand."""
    made = free_running_station(
        Station(receiver=SimulatedReceiver(units="dBFS"), seed=3), scale=1.0, epoch=EPOCH
    )
    made.clock.seconds = 0.0
    monkeypatch.setattr(
        type(made.clock), "now", lambda clock: EPOCH + timedelta(seconds=clock.seconds)
    )
    return made


def test_a_command_returns_at_once_and_the_rotor_goes_on(devices: FreeRunningDevices) -> None:
    rotor, clock = devices.rotor, devices.clock
    rotor.command(65.0, 10.0)
    assert rotor.moving()
    assert rotor.position() == pytest.approx((0.0, 0.0), abs=0.01)
    clock.seconds = 65.0 / 400.0 / 2.0 + 0.5  # half of the way
    assert rotor.position().azimuth_deg == pytest.approx(32.5, abs=0.2)
    clock.seconds = 60.0
    assert not rotor.moving()
    assert rotor.position() == pytest.approx((65.0, 10.0), abs=0.01)


def test_it_can_be_retargeted_halted_and_moved_by_one_axis(devices: FreeRunningDevices) -> None:
    rotor, clock = devices.rotor, devices.clock
    rotor.command(170.0, 60.0)
    clock.seconds = 0.5
    rotor.command_axis(1, 5.0)
    clock.seconds = 1.0
    rotor.halt()
    clock.seconds = 10.0
    stopped = rotor.position()
    assert 50.0 < stopped.azimuth_deg < 80.0
    rotor.command_axis(0, 20.0)
    clock.seconds = 20.0
    assert rotor.position() == pytest.approx((20.0, stopped.elevation_deg), abs=0.01)


@pytest.mark.parametrize("target", [(500.0, 10.0), (10.0, 91.0), (float("nan"), 10.0)])
def test_bad_targets_are_refused_and_nothing_moves(
    devices: FreeRunningDevices, target: tuple[float, float]
) -> None:
    with pytest.raises(OutOfLimits):
        devices.rotor.command(*target)
    with pytest.raises(OutOfLimits):
        devices.rotor.command_axis(1, 91.0)
    assert not devices.rotor.moving()


def test_faults_are_the_hardware_s(devices: FreeRunningDevices) -> None:
    devices.rotor.inject(RotorFaults(stalled=True))
    devices.rotor.command(65.0, 10.0)
    assert not devices.rotor.moving()


def test_readings_follow_the_beam_and_each_has_noise_of_its_own(
    devices: FreeRunningDevices,
) -> None:
    receiver, clock = devices.receiver, devices.clock
    devices.rotor.command(180.0, 64.0)
    clock.seconds = 20.0
    empty = receiver.read_now(50)
    again = receiver.read_now(50)
    devices.rotor.command(168.0, 34.0)
    clock.seconds = 40.0
    assert receiver.read_now(50).mean() > empty.mean() + 5.0
    assert not np.array_equal(empty, again)
    assert empty.std() == pytest.approx(again.std(), abs=0.1)
    assert receiver.units == "dBFS"
    assert receiver.integration_s == 0.02


@pytest.mark.parametrize("sample_rate", [0.96e6, 2.4e6])
def test_samples_hold_the_level_that_they_should(
    devices: FreeRunningDevices, sample_rate: float
) -> None:
    samples = devices.receiver.iq(200_000, sample_rate)
    assert samples.dtype == np.uint8
    assert samples.shape == (400_000,)
    wave = (samples.reshape(-1, 2) - 127.5) / 127.5
    spike = wave.mean(axis=0)
    rounding = 2.0 / 12.0 / 127.5**2
    power = ((wave - spike) ** 2).sum(axis=1).mean() - rounding
    level = devices.receiver.level_dbfs(sample_rate)
    assert 10.0 * np.log10(power) == pytest.approx(level, abs=0.05)
    assert np.hypot(*spike) > 0.01
    assert not np.array_equal(samples, devices.receiver.iq(200_000, sample_rate))


def test_other_drivers_hardware_is_served_with_their_limits() -> None:
    station = Station(
        rotor=RotctldRotor(driver="rotctld", park=(30.0, 20.0)),
        receiver=RtlTcpReceiver(driver="rtl_tcp", frequency_hz=1.42e9),
    )
    made = free_running_station(station, scale=1.0)
    assert made.rotor.home_position == (30.0, 20.0)
    assert made.rotor.position() == pytest.approx((30.0, 20.0), abs=0.01)
