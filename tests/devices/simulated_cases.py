"""The simulated station, alone and behind the protocols that it serves."""

import contextlib
from collections.abc import AsyncIterator

from skyscan_lab.devices.base import Position
from skyscan_lab.devices.clock import ScaledClock
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.freerunning import free_running_station
from skyscan_lab.devices.rotctld import RotctldRotor
from skyscan_lab.devices.simulated import SimulatedDevices, simulated_station
from skyscan_lab.station import Station
from tests.devices.under_test import SETTLING, TIMEOUTS, ReceiverUnderTest, RotorUnderTest

SCALE = 5.0
PARKED = Position(2.0, 3.0)
STATION = Station.model_validate({"rotor": {"driver": "simulated", "park": PARKED}})


@contextlib.asynccontextmanager
async def simulated() -> AsyncIterator[RotorUnderTest]:
    devices = simulated_station(STATION, scale=SCALE)
    kill, restart = _plug(devices, "rotor")
    yield RotorUnderTest(
        devices.rotor,
        near=Position(4.0, 5.0),
        far=Position(170.0, 80.0),
        outside=Position(451.0, 30.0),
        kill=kill,
        restart=restart,
    )


@contextlib.asynccontextmanager
async def simulated_receiver() -> AsyncIterator[ReceiverUnderTest]:
    devices = simulated_station(STATION, scale=SCALE)
    kill, restart = _plug(devices, "receiver")
    yield ReceiverUnderTest(
        devices.receiver, units="dBm", kill=kill, restart=restart, rotor=devices.rotor
    )


@contextlib.asynccontextmanager
async def rotctld_simulated() -> AsyncIterator[RotorUnderTest]:
    devices = free_running_station(STATION, scale=SCALE)
    async with RotctldEmulator(devices.rotor) as server:
        yield RotorUnderTest(
            RotctldRotor(
                server.host, server.port, clock=ScaledClock(SCALE), settling=SETTLING, **TIMEOUTS
            ),
            near=Position(4.0, 5.0),
            far=Position(170.0, 80.0),
            outside=Position(451.0, 30.0),
            kill=lambda: server.__aexit__(None, None, None),
            restart=server.__aenter__,
            sent=lambda: list(server.received),
        )


def _plug(devices: SimulatedDevices, which: str):
    device = getattr(devices, which)

    async def kill() -> None:
        device.unplug()

    async def restart() -> None:
        device.plug_in()

    return kill, restart
