"""A station's devices, connected: from its description to a rotor and a receiver.

Drivers are imported when a station asks for them, because some need packages that others do
without.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from skyscan_lab import station as settings
from skyscan_lab.devices.base import Position, Receiver, Rotor, RotorLimits
from skyscan_lab.devices.clock import Clock, ScaledClock, SystemClock
from skyscan_lab.devices.settle import Settling
from skyscan_lab.errors import StationError


@dataclass(frozen=True, slots=True)
class OpenStation:
    """Devices of a station, connected.

    Attributes
    ----------
    rotor : Rotor
        Points the antenna.
    receiver : Receiver
        Reads the signal strength.
    clock : Clock
        Time at the station.
    """

    rotor: Rotor
    receiver: Receiver
    clock: Clock


@asynccontextmanager
async def open_station(
    station: settings.Station,
    *,
    time_scale: float | None = None,
    epoch: datetime | None = None,
) -> AsyncIterator[OpenStation]:
    """Connect the devices of a station, and disconnect them at the end.

    Parameters
    ----------
    station : Station
        What stands there.
    time_scale : float, optional
        Station seconds in a real second. By default the simulated station asks the
        environment (``SKYSCAN_TIME_SCALE``) and every other runs in real time; another value
        is for emulators behind real protocols.
    epoch : datetime, optional
        When the scan begins at a simulated station, with its time zone: the Sun, the drift and
        the noise are then the same each time. By default now.

    Yields
    ------
    OpenStation
        Rotor, receiver and clock.

    Raises
    ------
    DeviceError
        When a device cannot be reached, or is not what the description says.
    StationError
        When rotor and receiver do not go together, or a real station is given an epoch.

    Examples
    --------
    >>> import asyncio
    >>> from skyscan_lab.station import Station
    >>> async def look() -> None:
    ...     async with open_station(Station(), time_scale=1000.0) as devices:
    ...         await devices.rotor.move(120.0, 30.0)
    ...         print((await devices.receiver.read(4)).reads)
    >>> asyncio.run(look())
    4
    """
    devices = drivers_of(station, time_scale=time_scale, epoch=epoch)
    async with AsyncExitStack() as stack:
        # The rotor first: a receiver may borrow its connection.
        await stack.enter_async_context(devices.rotor)
        await stack.enter_async_context(devices.receiver)
        yield devices


def drivers_of(
    station: settings.Station,
    *,
    time_scale: float | None = None,
    epoch: datetime | None = None,
) -> OpenStation:
    """Make the drivers of a station and connect none, so that its settings can be checked alone.

    Parameters
    ----------
    station, time_scale, epoch
        As for `open_station`.

    Raises
    ------
    InvalidInput
        For a setting that its driver does not have.
    OutOfLimits
        For limits that its mount does not have.
    StationError
        As `open_station`.
    """
    if station.rotor.driver == "simulated":
        from skyscan_lab.devices.simulated import simulated_station

        simulated = simulated_station(station, scale=time_scale, epoch=epoch)
        return OpenStation(simulated.rotor, simulated.receiver, simulated.clock)
    if epoch is not None:
        raise StationError(f"epoch = {epoch}: must be left out, real hardware keeps real time")
    clock = SystemClock() if time_scale is None else ScaledClock(time_scale)
    rotor = _rotor(station.rotor, clock)
    return OpenStation(rotor, _receiver(station.receiver, rotor, clock), clock)


def _rotor(rotor: settings.RotorSettings, clock: Clock) -> Rotor:
    limits = None if rotor.limits is None else RotorLimits.of(rotor.limits)
    # Without a park position in the station file, the rotor's own is the better default.
    park = Position(*rotor.park) if "park" in rotor.model_fields_set else None
    settling = Settling(
        tolerance_deg=rotor.tolerance_deg,
        settle_s=rotor.settle_s,
        timeout_s=rotor.move_timeout_s,
    )
    if isinstance(rotor, settings.RotctldRotor):
        from skyscan_lab.devices.rotctld import RotctldRotor

        return RotctldRotor(
            rotor.host, rotor.port, limits=limits, park=park, settling=settling, clock=clock
        )
    if isinstance(rotor, settings.WinegardRotor):
        from skyscan_lab.devices.winegard import WinegardRotor

        return WinegardRotor(rotor.device, limits=limits, park=park, settling=settling, clock=clock)
    raise StationError(f"rotor: there is no driver {rotor.driver!r} for real hardware")


def _receiver(receiver: settings.ReceiverSettings, rotor: Rotor, clock: Clock) -> Receiver:
    if isinstance(receiver, settings.RigctldReceiver):
        from skyscan_lab.devices.rigctld import RigctldReceiver

        return RigctldReceiver(
            receiver.host,
            receiver.port,
            level=receiver.level,
            frequency_hz=receiver.frequency_hz,
            clock=clock,
        )
    if isinstance(receiver, settings.RtlTcpReceiver):
        from skyscan_lab.devices.rtl_tcp import RtlTcpReceiver

        return RtlTcpReceiver(
            receiver.host,
            receiver.port,
            frequency_hz=receiver.frequency_hz,
            sample_rate_hz=receiver.sample_rate_hz,
            gain_db=receiver.gain_db,
            integration_s=receiver.integration_s,
            correction_ppm=receiver.correction_ppm,
        )
    if isinstance(receiver, settings.RotorReceiver):
        return _receiver_of(rotor)
    raise StationError(f"receiver: there is no driver {receiver.driver!r} for real hardware")


def _receiver_of(rotor: Rotor) -> Receiver:
    """Receiver that a rotor brings along."""
    from skyscan_lab.devices.rotctld import RotctldReceiver, RotctldRotor

    if isinstance(rotor, RotctldRotor):
        return RotctldReceiver(rotor)
    from skyscan_lab.devices.winegard import WinegardReceiver, WinegardRotor

    if isinstance(rotor, WinegardRotor):
        return WinegardReceiver(rotor)
    raise StationError(f"receiver: {rotor.name} brings no receiver along")
