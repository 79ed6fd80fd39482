"""rotctld's traps, on our emulators of both servers and on hamlib's own program."""

import asyncio
import math
import re

import pytest

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.emulators.base import LoopbackServer
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.emulators.rssi_dialect import RssiDialectEmulator
from skyscan_lab.devices.rotctld import RotctldReceiver, RotctldRotor
from skyscan_lab.devices.settle import Settling
from skyscan_lab.errors import (
    DeviceError,
    DeviceRefused,
    DeviceTimeout,
    DeviceUnreachable,
    InvalidInput,
    NoSignalSource,
    OutOfLimits,
    PositionMismatch,
    RotorStalled,
)

SETTLING = Settling(settle_s=0.05, stall_s=0.5, timeout_s=10.0)


def driver(server, **settings):
    settings = {"settling": SETTLING, "timeout_s": 1.0, "reconnect_s": 1.0} | settings
    return RotctldRotor("127.0.0.1", server.port, **settings)


class Unlike(LoopbackServer):
    """Answers every line in the same way, as no rotctld does."""

    def __init__(self, answer):
        super().__init__()
        self._answer = answer

    async def serve(self, reader, writer):
        while await reader.readline():
            writer.write(self._answer)
            await writer.drain()


async def test_server_is_asked_which_dialect_it_speaks(linear_rotor, counting_receiver):
    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        assert rotor.model == "Emulated rotator"
        assert rotor.limits == linear_rotor.limits
        # `D` would have waited for four numbers, and taken later requests for them.
        assert list(server.received) == [r"+\dump_state", "+_"]
        assert await rotor.position() == Position(10.0, 30.0)
    async with (
        RssiDialectEmulator(linear_rotor, counting_receiver) as server,
        driver(server) as rotor,
    ):
        assert rotor.model == "Emulated dish"
        assert rotor.limits == RotorLimits()
        assert list(server.received) == [r"+\dump_state", "D", "_"]
        assert await rotor.position() == Position(10.0, 30.0)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", DeviceTimeout),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", DeviceTimeout),
        (b"hello\nRPRT 0\n", DeviceError),
        (b"dump_state:\nMinimum Azimuth: 0\nRPRT 0\n", DeviceError),
    ],
    ids=["silent", "web server", "nonsense", "no limits"],
)
async def test_server_that_is_no_rotctld_is_told_and_left(answer, error):
    async with Unlike(answer) as server:
        rotor = driver(server)
        with pytest.raises(error):
            await rotor.__aenter__()
        with pytest.raises(DeviceUnreachable, match="is not connected"):
            await rotor.position()


async def test_targets_are_written_with_points_and_both_angles(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        await rotor.move(10.5, 30.123456)
        await rotor.move(-1e-5, 30.0)
        moves = [line for line in server.received if line.startswith("+P")]
    assert moves == ["+P 10.5000 30.1235", "+P -0.0000 30.0000"]
    assert all(re.fullmatch(r"\+P -?\d+\.\d+ -?\d+\.\d+", line) for line in moves)


async def test_limits_of_station_and_server_both_hold(linear_rotor):
    station = RotorLimits((0.0, 500.0), (5.0, 80.0))
    async with RotctldEmulator(linear_rotor) as server:
        async with driver(server, limits=station) as rotor:
            assert rotor.limits == RotorLimits((0.0, 450.0), (5.0, 80.0))
            with pytest.raises(OutOfLimits, match=r"elevation 4.0° is outside \[5.0°, 80.0°\]"):
                await rotor.move(10.0, 4.0)
        with pytest.raises(OutOfLimits, match="nothing in common"):
            await driver(server, limits=RotorLimits((500.0, 600.0))).__aenter__()


async def test_cable_turns_are_different_places(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        assert (await rotor.move(10.0, 30.0)).azimuth_deg == 10.0
        assert (await rotor.move(-20.0, 30.0)).azimuth_deg == pytest.approx(-20.0, abs=0.2)


async def test_move_that_another_client_ends_elsewhere_is_a_stall(linear_rotor):
    async with (
        RotctldEmulator(linear_rotor) as server,
        driver(server) as ours,
        driver(server) as theirs,
    ):
        moving = asyncio.create_task(ours.move(50.0, 30.0))
        await asyncio.sleep(0.1)
        await theirs.move(5.0, 30.0)
        with pytest.raises(RotorStalled, match=r"az 50.00°.* stands at az 5.00°"):
            await moving


async def test_dead_hardware_behind_the_server_is_a_refusal(linear_rotor):
    def dead():
        raise DeviceUnreachable("motor", "no power")

    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        linear_rotor.position = dead
        with pytest.raises(DeviceRefused, match="RPRT -6, the server cannot talk to the hardware"):
            await rotor.position()


async def test_refusal_leaves_the_connection_in_step(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        linear_rotor.limits = RotorLimits((0.0, 20.0))  # narrower than it said at the start
        with pytest.raises(DeviceRefused, match="RPRT -1") as refused:
            await rotor.move(30.0, 30.0)
        assert refused.value.code == -1
        assert await rotor.position() == Position(10.0, 30.0)


async def test_position_that_is_no_number_is_a_lie(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        linear_rotor.position = lambda: Position(math.nan, 30.0)
        with pytest.raises(PositionMismatch):
            await rotor.position()


async def test_move_that_is_stopped_is_told_where(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        moving = asyncio.create_task(rotor.move(90.0, 30.0))
        await asyncio.sleep(0.2)
        await rotor.stop()
        with pytest.raises(RotorStalled, match="stopped on the way"):
            await moving


async def test_dialect_stops_the_motors_though_its_server_only_hangs_up(
    linear_rotor, counting_receiver
):
    async with (
        RssiDialectEmulator(linear_rotor, counting_receiver) as server,
        driver(server) as rotor,
    ):
        moving = asyncio.create_task(rotor.move(90.0, 30.0))
        await asyncio.sleep(0.2)
        await rotor.stop()
        with pytest.raises(RotorStalled):
            await moving
        assert (await rotor.position()).azimuth_deg < 60.0
        after = list(server.received)[server.received.index("S") :]
        stay = next(line for line in after if line.startswith("P "))
        assert float(stay.split()[1]) < 60.0


async def test_dialect_stops_also_what_an_earlier_session_has_started(linear_rotor):
    linear_rotor.command(90.0, 30.0)
    async with RssiDialectEmulator(linear_rotor) as server, driver(server) as rotor:
        await rotor.stop()
        assert (await rotor.position()).azimuth_deg < 60.0


async def test_dialect_serves_one_client_and_the_next_one_is_told(linear_rotor):
    async with RssiDialectEmulator(linear_rotor) as server:
        async with driver(server):
            with pytest.raises(DeviceTimeout):
                await driver(server).__aenter__()
        async with driver(server) as second:
            assert await second.position() == Position(10.0, 30.0)


async def test_dialect_parks_where_the_station_says(linear_rotor):
    limits = RotorLimits((0.0, 360.0), (18.0, 65.0))
    async with (
        RssiDialectEmulator(linear_rotor) as server,
        driver(server, limits=limits, park=Position(12.0, 0.0)) as rotor,
    ):
        await rotor.park()
        assert await rotor.position() == Position(12.0, 18.0)


async def test_rssi_is_read_with_the_lna_switched_on_once_a_connection(
    linear_rotor, counting_receiver
):
    async with (
        RssiDialectEmulator(linear_rotor, counting_receiver) as server,
        driver(server) as rotor,
        RotctldReceiver(rotor) as receiver,
    ):
        first = await receiver.read(5)
        assert (first.reads, first.mean, first.last) == (5, 502.0, 504.0)
        assert math.isnan(first.std)  # the dish does not tell
        await receiver.read(2)
        assert list(server.received)[3:] == ["L", "R 5", "R 2"]
        await server.drop_clients()
        await receiver.read(1)
        assert list(server.received)[6:] == ["R 1", "L", "R 1"]
        with pytest.raises(InvalidInput, match="reads"):
            await receiver.read(0)


async def test_rotor_without_receiver_says_so(linear_rotor):
    async with RssiDialectEmulator(linear_rotor) as server, driver(server) as rotor:
        with pytest.raises(NoSignalSource, match="rotor does not support RSSI"):
            await RotctldReceiver(rotor).__aenter__()
    async with RotctldEmulator(linear_rotor) as server, driver(server) as rotor:
        with pytest.raises(NoSignalSource, match="rotor does not support RSSI"):
            await RotctldReceiver(rotor).__aenter__()


async def test_receiver_that_refuses_after_all_is_no_signal_source(linear_rotor, counting_receiver):
    async with (
        RssiDialectEmulator(linear_rotor, counting_receiver) as server,
        driver(server) as rotor,
        RotctldReceiver(rotor) as receiver,
    ):
        server.receiver = None
        with pytest.raises(NoSignalSource):
            await receiver.read(1)


async def test_receiver_needs_its_rotor_connected():
    with pytest.raises(DeviceUnreachable, match="is not connected"):
        await RotctldReceiver(RotctldRotor()).__aenter__()


@pytest.mark.system
@pytest.mark.program("rotctld")
async def test_hamlib_tells_its_model_and_the_limits_it_was_given(peer):
    limited = peer("rotctld", "-m", "1", "-C", "min_el=18,max_el=65", "-T", "127.0.0.1")
    async with limited as server, driver(server) as rotor:
        assert rotor.model == "Dummy rotator"
        assert rotor.limits == RotorLimits((-180.0, 450.0), (18.0, 65.0))


@pytest.mark.system
@pytest.mark.program("rotctld")
async def test_hamlib_whose_rotor_died_refuses(peer):
    async with (
        peer("rotctld", "-m", "1", "-T", "127.0.0.1") as behind,
        peer("rotctld", "-m", "2", "-r", f"127.0.0.1:{behind.port}", "-T", "127.0.0.1") as server,
        driver(server, timeout_s=10.0) as rotor,
    ):
        assert await rotor.position() == Position(0.0, 0.0)
        await behind.kill()
        with pytest.raises(DeviceRefused) as refused:
            await rotor.position()
        assert refused.value.code == -6
        with pytest.raises(DeviceRefused):
            await rotor.move(5.0, 5.0)
