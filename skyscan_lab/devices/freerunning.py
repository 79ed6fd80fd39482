"""The simulated station as hardware that runs by itself: what emulators serve.

Everything is as it is at the moment of the call; nothing waits. A move is accepted and goes
on, readings are those that have just ended, and the clock never stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.clock import ScaledClock
from skyscan_lab.devices.simulated import time_scale_from_environment
from skyscan_lab.power import Units
from skyscan_lab.simulation.defaults import default_model
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.simulation.station import SimulatedStation, StationModel
from skyscan_lab.station import Station


@dataclass(frozen=True, slots=True)
class FreeRunningDevices:
    """Devices of a simulated station that runs by itself.

    Attributes
    ----------
    rotor : FreeRunningRotor
        Points.
    receiver : FreeRunningReceiver
        Reads.
    clock : ScaledClock
        Time at the station.
    hardware : SimulatedStation
        What both of them are made of.
    """

    rotor: FreeRunningRotor
    receiver: FreeRunningReceiver
    clock: ScaledClock
    hardware: SimulatedStation


def free_running_station(
    station: Station,
    *,
    scale: float | None = None,
    epoch: datetime | None = None,
    model: StationModel | None = None,
) -> FreeRunningDevices:
    """Make a simulated station that runs by itself.

    Parameters
    ----------
    station, scale, epoch, model
        As for `skyscan_lab.devices.simulated.simulated_station`.

    Examples
    --------
    >>> devices = free_running_station(Station(), scale=1.0)
    >>> devices.rotor.command(120.0, 40.0)
    >>> devices.rotor.moving()
    True
    """
    epoch = epoch or datetime.now(UTC)
    clock = ScaledClock(time_scale_from_environment() if scale is None else scale, epoch)
    hardware = SimulatedStation(default_model(station) if model is None else model, epoch)
    time = _StationTime(clock, epoch)
    rotor = FreeRunningRotor(hardware, time, home=Position(*station.rotor.park))
    return FreeRunningDevices(rotor, FreeRunningReceiver(hardware, time), clock, hardware)


@dataclass(frozen=True, slots=True)
class _StationTime:
    clock: ScaledClock
    epoch: datetime

    def seconds(self) -> float:
        return (self.clock.now() - self.epoch).total_seconds()


class FreeRunningRotor:
    """Rotor that moves while time passes.

    Parameters
    ----------
    hardware : SimulatedStation
        What it moves.
    time : _StationTime
        Station time.
    home : Position
        Where it goes when it is told to go home; the nearest place within the limits.
    """

    name = "simulated rotor"

    def __init__(self, hardware: SimulatedStation, time: _StationTime, *, home: Position) -> None:
        self.limits = RotorLimits.of(hardware.model.rotor.limits)
        self.home_position = self.limits.nearest(home)
        self._drive = hardware.drive
        self._time = time

    def command(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Start to move to a target, also in the middle of another move.

        Raises
        ------
        OutOfLimits
            For a target outside the limits, or one that is not a number; nothing moves then.
        """
        self.limits.check(self.name, azimuth_deg, elevation_deg)
        self._drive.command(self._time.seconds(), azimuth_deg, elevation_deg)

    def command_axis(self, index: int, angle_deg: float) -> None:
        """Start to move one axis, 0 for azimuth and 1 for elevation; the other one goes on.

        Raises
        ------
        OutOfLimits
            As for `command`.
        """
        target = [self.limits.azimuth_deg[0], self.limits.elevation_deg[0]]
        target[index] = angle_deg
        self.limits.check(self.name, *target)
        self._drive.command_axis(self._time.seconds(), index, angle_deg)

    def position(self) -> Position:
        """Where the encoders say that it is."""
        return Position(*self._drive.reported(self._time.seconds()))

    def moving(self) -> bool:
        """Whether its motors turn."""
        return self._time.seconds() < self._drive.end_s

    def halt(self) -> None:
        """Brake, and stay where that ends."""
        self._drive.halt(self._time.seconds())

    def inject(self, faults: RotorFaults) -> None:
        """Break the hardware, or repair it with ``RotorFaults()``."""
        self._drive.inject(self._time.seconds(), faults)


class FreeRunningReceiver:
    """Receiver whose latest readings can be had at once.

    Parameters
    ----------
    hardware : SimulatedStation
        What it listens with.
    time : _StationTime
        Station time.
    """

    name = "simulated receiver"

    def __init__(self, hardware: SimulatedStation, time: _StationTime) -> None:
        self._hardware = hardware
        self._model = hardware.model.receiver
        self._time = time
        self._session = f"free running since {time.epoch}"
        self._sequence = 0

    @property
    def units(self) -> Units:
        """Units of its readings."""
        return self._model.units

    @property
    def integration_s(self) -> float:
        """Station seconds that a reading takes."""
        return self._model.reading_s

    def read_now(self, reads: int) -> NDArray[np.float64]:
        """The readings that end now, shape ``(reads,)``."""
        self._sequence += 1
        begin_s = self._time.seconds() - reads * self._model.reading_s
        return self._hardware.readings(begin_s, reads, self._session, self._sequence)

    def level_dbfs(self, sample_rate_hz: float) -> float:
        """Mean power in a bandwidth now, relative to a full-scale tone, without noise."""
        share = sample_rate_hz / self._model.bandwidth_hz
        return float(self._model.level_dbfs(self._hardware.power_mw(self._time.seconds()) * share))

    def iq(self, samples: int, sample_rate_hz: float) -> NDArray[np.uint8]:
        """Samples from now on, I and Q in turns, shape ``(2 · samples,)``, offset binary."""
        self._sequence += 1
        return self._hardware.iq(
            self._time.seconds(), samples, sample_rate_hz, self._session, self._sequence
        )
