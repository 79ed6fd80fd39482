"""Every rotor and receiver that the conformance test runs over, each with its peer.

To add one, write an async context manager that yields a `RotorUnderTest` or a
`ReceiverUnderTest`, not connected, with its peer running, and list it here.
"""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.devices.dishes import BirdcageDish, NoisyDish
from tests.devices.hamlib_cases import (
    birdcage_receiver,
    dialect_birdcage,
    dialect_emulated,
    dialect_receiver,
    gqrx_receiver,
    rigctld_hamlib,
    rigctld_receiver,
    rotctld_emulated,
    rotctld_hamlib,
)
from tests.devices.hardware import CountingReceiver, LinearRotor
from tests.devices.peers import Peer
from tests.devices.simulated_cases import rotctld_simulated, simulated, simulated_receiver
from tests.devices.under_test import ReceiverUnderTest, RotorUnderTest
from tests.devices.winegard_cases import (
    rtl_tcp_receiver,
    winegard_birdcage,
    winegard_birdcage_receiver,
    winegard_emulated,
    winegard_receiver,
)

ROTORS = [
    pytest.param(simulated, id="simulated"),
    pytest.param(rotctld_simulated, id="rotctld-simulated"),
    pytest.param(rotctld_emulated, id="rotctld"),
    pytest.param(
        rotctld_hamlib,
        id="rotctld-hamlib",
        marks=[pytest.mark.system, pytest.mark.program("rotctld")],
    ),
    pytest.param(dialect_emulated, id="rssi-dialect"),
    pytest.param(dialect_birdcage, id="rssi-dialect-birdcage", marks=pytest.mark.system),
    pytest.param(winegard_emulated, id="winegard"),
    pytest.param(winegard_birdcage, id="winegard-birdcage"),
]

RECEIVERS = [
    pytest.param(simulated_receiver, id="simulated"),
    pytest.param(dialect_receiver, id="rssi-dialect"),
    pytest.param(birdcage_receiver, id="rssi-dialect-birdcage", marks=pytest.mark.system),
    pytest.param(rigctld_receiver, id="rigctld"),
    pytest.param(
        rigctld_hamlib,
        id="rigctld-hamlib",
        marks=[pytest.mark.system, pytest.mark.program("rigctld")],
    ),
    pytest.param(gqrx_receiver, id="gqrx"),
    pytest.param(winegard_receiver, id="winegard"),
    pytest.param(winegard_birdcage_receiver, id="winegard-birdcage"),
    pytest.param(rtl_tcp_receiver, id="rtl_tcp"),
]


@pytest.fixture(params=ROTORS)
async def rotor_case(request: pytest.FixtureRequest) -> AsyncIterator[RotorUnderTest]:
    async with request.param() as case:
        yield case


@pytest.fixture(params=RECEIVERS)
async def receiver_case(request: pytest.FixtureRequest) -> AsyncIterator[ReceiverUnderTest]:
    async with request.param() as case:
        yield case


@pytest.fixture
def linear_rotor() -> LinearRotor:
    return LinearRotor()


@pytest.fixture
def counting_receiver() -> CountingReceiver:
    return CountingReceiver()


@pytest.fixture
def peer() -> Callable[..., Peer]:
    """Makes a server process of hamlib from its command line, without the port."""
    return lambda *command: Peer(*command, "-t")


@pytest.fixture
async def birdcage_dish() -> AsyncIterator[BirdcageDish]:
    async with BirdcageDish() as dish:
        yield dish


@pytest.fixture
def make_dish() -> type[NoisyDish]:
    return NoisyDish
