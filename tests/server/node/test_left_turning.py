"""Truth: where a rotor behind rotctld is, once the node that was jogging it has ended or died."""

import asyncio
import signal

import pytest

from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.protocol.rpc import Jog
from tests.devices.hardware import LinearRotor
from tests.server.node.processes import Process

PATIENCE_S = 60.0  # processes take a while to start on a busy machine

pytestmark = pytest.mark.system


@pytest.fixture
async def rotctld():
    """A rotor that takes minutes to the end of its axis, and stops only when it is told to."""
    async with RotctldEmulator(LinearRotor(speed_deg_s=2.0)) as server:
        yield server


@pytest.fixture
def process(hub, rotctld, tmp_path):
    process = Process(
        hub,
        tmp_path,
        f"""
        [[rotors]]
        key = "roof"
        name = "Roof"
        rotor = {{ driver = "rotctld", port = {rotctld.port} }}
        receiver = {{ driver = "rotor" }}
        """,
    )
    yield process
    process.end()


async def turns(rotor):
    """Whether it moves by itself."""
    before = rotor.position()
    await asyncio.sleep(0.2)
    return rotor.position() != before


async def begin_jog(hub, rotor):
    await hub.until(lambda: hub.sockets, PATIENCE_S)
    await hub.call(Jog(rotor="roof", azimuth=1, epoch=1))
    start = rotor.position()
    await hub.until(lambda: rotor.position() != start)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_node_that_is_ended_stops_what_it_jogs(hub, rotctld, process, how):
    await begin_jog(hub, rotctld.rotor)
    process.send(how)
    assert await process.ended() == 0
    assert not await turns(rotctld.rotor)


async def test_a_node_that_was_killed_stops_it_when_it_starts_again_without_its_hub(
    hub, rotctld, process
):
    await begin_jog(hub, rotctld.rotor)
    process.send(signal.SIGKILL)
    await process.ended()
    await hub.stop()
    assert await turns(rotctld.rotor), "nobody is left to stop it"
    process.start()
    await hub.until(lambda: "S" in "".join(rotctld.received), PATIENCE_S)
    assert not await turns(rotctld.rotor)
    await hub.start()
