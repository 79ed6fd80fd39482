"""The simulated station as a rotor and a receiver: the default lab.

Its rotor and receiver keep the promises of `skyscan_lab.devices.base` in station time
(`skyscan_lab.devices.station_clock`): a scan depends on the station's model, its seed, the
epoch and the plan of the scan. It depends neither on how fast the clock runs nor on who polls.
"""

from __future__ import annotations

import asyncio
import math
import os
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import TracebackType
from typing import Self

from skyscan_lab.catalogs import body_direction
from skyscan_lab.devices.base import Measurement, Position, ReadingKey, RotorLimits
from skyscan_lab.devices.station_clock import Operation, StationClock
from skyscan_lab.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    InvalidInput,
    PositionMismatch,
    RotorStalled,
)
from skyscan_lab.power import Units, response_of
from skyscan_lab.simulation.defaults import default_model
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.simulation.station import SimulatedStation, StationModel
from skyscan_lab.station import Station

TIME_SCALE_VARIABLE = "SKYSCAN_TIME_SCALE"


def time_scale_from_environment() -> float:
    """Station seconds in a real second, from ``SKYSCAN_TIME_SCALE``; 1 where it is not set.

    Raises
    ------
    InvalidInput
        Where it is set to something else than a positive number.
    """
    text = os.environ.get(TIME_SCALE_VARIABLE, "").strip()
    if not text:
        return 1.0
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0.0 < scale < math.inf:
        raise InvalidInput(TIME_SCALE_VARIABLE, text, "a number greater than 0")
    return scale


@dataclass(frozen=True, slots=True)
class SimulatedDevices:
    """Devices of a simulated station, not connected yet.

    Attributes
    ----------
    rotor : SimulatedRotor
        Points.
    receiver : SimulatedReceiver
        Reads.
    clock : StationClock
        Time at the station.
    hardware : SimulatedStation
        What both of them are made of.
    """

    rotor: SimulatedRotor
    receiver: SimulatedReceiver
    clock: StationClock
    hardware: SimulatedStation


def simulated_station(
    station: Station,
    *,
    scale: float | None = None,
    epoch: datetime | None = None,
    model: StationModel | None = None,
) -> SimulatedDevices:
    """Make the devices of a simulated station.

    Parameters
    ----------
    station : Station
        Its description.
    scale : float, optional
        Station seconds in a real second; by default what the environment says.
    epoch : datetime, optional
        When its time begins, timezone-aware; now by default.
    model : StationModel, optional
        What is to be simulated; by default what the description asks for.

    Raises
    ------
    InvalidInput
        For a scale or an epoch that is none.

    Examples
    --------
    >>> async def look() -> int:
    ...     devices = simulated_station(Station(), scale=1000.0)
    ...     async with devices.rotor as rotor, devices.receiver as receiver:
    ...         await rotor.move(165.0, 35.0)
    ...         return (await receiver.read(5)).reads
    >>> asyncio.run(look())
    5
    """
    clock = StationClock(time_scale_from_environment() if scale is None else scale, epoch)
    model = default_model(station) if model is None else model
    hardware = SimulatedStation(model, clock.epoch)
    rotor = SimulatedRotor(
        hardware,
        clock,
        park=Position(*station.rotor.park),
        tolerance_deg=station.rotor.tolerance_deg,
    )
    return SimulatedDevices(rotor, SimulatedReceiver(hardware, clock), clock, hardware)


class _Cable:
    """The connection that simulated hardware would have, and that can be pulled."""

    name: str

    def __init__(self) -> None:
        self._connected = False
        self._plugged_in = True

    async def __aenter__(self) -> Self:
        """Connect."""
        await asyncio.to_thread(_read_earth_orientation)
        self._connected = True
        try:
            self._check_connection()
        except DeviceUnreachable:
            self._connected = False
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._connected = False

    def unplug(self) -> None:
        """Pull the cable: nothing can be reached until `plug_in`; a move under way goes on."""
        self._plugged_in = False

    def plug_in(self) -> None:
        """Put the cable back."""
        self._plugged_in = True

    def _check_connection(self) -> None:
        if not self._connected:
            raise DeviceUnreachable(self.name, "not connected; use it in an async with block")
        if not self._plugged_in:
            raise DeviceUnreachable(self.name, "the cable is unplugged")


class SimulatedRotor(_Cable):
    """Rotor of a simulated station.

    Parameters
    ----------
    hardware : SimulatedStation
        What it moves.
    clock : StationClock
        Time at the station.
    park : Position
        Where to park; the nearest place within the limits is taken.
    tolerance_deg : float
        How near to its target a move must end.
    """

    name = "simulated rotor"

    def __init__(
        self,
        hardware: SimulatedStation,
        clock: StationClock,
        *,
        park: Position,
        tolerance_deg: float = 0.2,
    ) -> None:
        super().__init__()
        self.limits = RotorLimits.of(hardware.model.rotor.limits)
        self._park = self.limits.nearest(park)
        self._drive = hardware.drive
        self._settle_s = hardware.model.rotor.settle_s
        self._clock = clock
        self._tolerance_deg = tolerance_deg
        self._move: Operation | None = None

    async def position(self) -> Position:
        """Where the encoders say that it is now."""
        await asyncio.sleep(0)
        self._check_connection()
        return self._reported()

    async def move(self, azimuth_deg: float, elevation_deg: float) -> Position:
        """Go to a target and return once settled there, with the position reached.

        A move that another one or `stop` takes over raises `RotorStalled`. Cancelling it
        brakes the rotor.
        """
        self._check_connection()
        self.limits.check(self.name, azimuth_deg, elevation_deg)
        self._take_over()
        begin_s = self._clock.seconds
        self._drive.command(begin_s, azimuth_deg, elevation_deg)
        target = Position(azimuth_deg, elevation_deg)
        if not await self._wait_for_drive(self._settle_s):
            raise RotorStalled(self.name, f"stopped on the way to {target}")
        self._check_connection()
        return self._arrived(target)

    async def stop(self) -> None:
        """Brake, and return once it has stopped."""
        self._check_connection()
        self._take_over()
        self._drive.halt(self._clock.seconds)
        await self._wait_for_drive(0.0)

    async def park(self) -> None:
        """Go to the park position."""
        await self.move(*self._park)

    def inject(self, faults: RotorFaults) -> None:
        """Break the hardware, or repair it with ``RotorFaults()``, at this moment."""
        self._drive.inject(self._clock.seconds, faults)

    async def _wait_for_drive(self, then_s: float) -> bool:
        """Until the motors have come to rest, and some more; False where interrupted."""
        end_s = max(self._drive.end_s, self._clock.seconds) + then_s
        self._move = operation = self._clock.begin(end_s)
        try:
            return await operation.finished()
        except asyncio.CancelledError:
            self._drive.halt(self._clock.seconds)
            raise
        finally:
            if self._move is operation:
                self._move = None

    def _take_over(self) -> None:
        if self._move is not None:
            self._move.interrupt()

    def _reported(self) -> Position:
        return Position(*self._drive.reported(self._clock.seconds))

    def _arrived(self, target: Position) -> Position:
        position = self._reported()
        lowest, highest = zip(self.limits.azimuth_deg, self.limits.elevation_deg, strict=True)
        for angle, low, high in zip(position, lowest, highest, strict=True):
            if not low - self._tolerance_deg <= angle <= high + self._tolerance_deg:
                raise PositionMismatch(
                    self.name,
                    f"sent to {target} and says it is at {position}, "
                    "outside its limits; check its encoders and limit switches",
                )
        if max(abs(a - b) for a, b in zip(position, target, strict=True)) > self._tolerance_deg:
            raise RotorStalled(
                self.name,
                f"sent to {target} and stands at {position}; check for obstacles and the motors",
            )
        return position


class SimulatedReceiver(_Cable):
    """Receiver of a simulated station.

    Parameters
    ----------
    hardware : SimulatedStation
        What it listens with.
    clock : StationClock
        Time at the station.
    """

    name = "simulated receiver"

    def __init__(self, hardware: SimulatedStation, clock: StationClock) -> None:
        super().__init__()
        self._hardware = hardware
        self._clock = clock
        self._model = hardware.model.receiver
        self._looks_aside = 0
        self._failures = 0

    @property
    def units(self) -> Units:
        """Units of its readings."""
        return self._model.units

    @property
    def integration_s(self) -> float:
        """Station seconds that a reading takes."""
        return self._model.reading_s

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:
        """Take readings at the present position and average them.

        Readings without a key are a look aside: they take as long, with noise that no session
        has, but station time does not move on for them.
        """
        self._check_connection()
        if reads < 1:
            raise InvalidInput("reads", reads, "at least 1")
        if self._failures:
            self._failures -= 1
            raise DeviceTimeout(self.name, "no reading within its time")
        begin_s = self._clock.seconds
        duration_s = reads * self._model.reading_s
        if key is None:
            self._looks_aside += 1
            session, sequence = f"looks aside since {self._clock.epoch}", self._looks_aside
            readings = self._hardware.readings(begin_s, reads, session, sequence)
            await self._clock.sleep(duration_s)
        else:
            operation = self._clock.begin(begin_s + duration_s)
            readings = self._hardware.readings(begin_s, reads, key.session, key.sequence)
            await operation.finished()
        self._check_connection()
        # Where the units do not say what a reading means, nobody who uses it knows either.
        response = response_of(self.units)
        return Measurement.of(readings, response, self._model.looks if response else None)

    def fail(self, times: int) -> None:
        """Let the next readings fail."""
        self._failures = times


@cache
def _read_earth_orientation() -> None:
    """Have astropy read its tables of the Earth: a second, which no event loop has to spare."""
    body_direction("sun", 0.0, (0.0, 0.0))
