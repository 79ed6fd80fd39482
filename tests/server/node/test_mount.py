"""Truth: what an emulated rotctld was sent, and the limits of `station` and node.toml."""

import asyncio

import pytest

from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.emulators.rssi_dialect import RssiDialectEmulator
from skyscan_lab.devices.freerunning import free_running_station
from skyscan_lab.devices.turns import in_a_hurry
from skyscan_lab.errors import DeviceUnreachable, OutOfLimits
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.station import Limits, Station
from skyscan_server.node.bounds import Bounds, NotAllowed
from skyscan_server.node.mount import Mount, Overtaken

BOUNDS = Bounds(hosts=frozenset({"127.0.0.1"}))


def graph_rotor(port, *, low=0.0, receiver=None, **rotor):
    station = {
        "rotor": {"driver": "rotctld", "port": port, "settle_s": 0.0} | rotor,
        "receiver": receiver or {"driver": "rotor"},
    }
    return GraphRotor(
        key="roof",
        name="Roof dish",
        min_elevation_deg=low,
        station=Station.model_validate(station),
    )


@pytest.fixture
def hardware():
    return free_running_station(Station(), scale=1.0)


@pytest.fixture
async def dish(hardware):
    """Server of a dish with RSSI, which serves one client at a time."""
    async with RssiDialectEmulator(hardware.rotor, hardware.receiver) as server:
        yield server


@pytest.fixture
async def mount_of():
    mounts = []

    def make(rotor, bounds=BOUNDS):
        mounts.append(Mount(rotor, bounds))
        return mounts[-1]

    yield make
    for mount in mounts:
        await mount.close()


async def test_one_connection_is_shared_by_all(dish, mount_of):
    mount = mount_of(graph_rotor(dish.port))
    assert dish.clients == 0
    async with mount.listening() as receiver:
        await asyncio.gather(mount.move(20.0, 30.0), mount.position(), mount.probe(None))
        assert (await receiver.read(2)).reads == 2
    assert dish.clients == 1
    assert await mount.position() == pytest.approx((20.0, 30.0), abs=0.2)


async def test_what_was_out_of_reach_is_connected_anew(hardware, mount_of):
    async with RssiDialectEmulator(hardware.rotor, hardware.receiver) as server:
        mount = mount_of(graph_rotor(server.port))
        await mount.position()
        port = server.port
    with in_a_hurry(), pytest.raises(DeviceUnreachable):
        await mount.position()
    before = mount.devices
    with pytest.raises(DeviceUnreachable, match="nothing listens"):
        await mount.position()
    async with RssiDialectEmulator(hardware.rotor, hardware.receiver, port):
        await mount.position()
        assert mount.devices is not before
        await mount.close()


async def test_who_is_in_a_hurry_does_not_wait_for_who_calls_a_silent_device(hardware, mount_of):
    async with RssiDialectEmulator(hardware.rotor, hardware.receiver) as server:
        mount = mount_of(graph_rotor(server.port))
        await mount.position()
        port = server.port
    with in_a_hurry(), pytest.raises(DeviceUnreachable):
        await mount.position()

    async def silent(reader, writer):
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(silent, "127.0.0.1", port):
        patient = asyncio.create_task(mount.position())
        await asyncio.sleep(0.05)
        with in_a_hurry(), pytest.raises(DeviceUnreachable, match=f"rotctld 127.0.0.1:{port}"):
            await mount.position()
        assert not patient.done()
        patient.cancel()
        await asyncio.wait({patient})
        await mount.close()


async def test_a_rotor_works_without_its_receiver(hardware, mount_of):
    async with RssiDialectEmulator(hardware.rotor) as server:
        mount = mount_of(graph_rotor(server.port))
        await mount.move(10.0, 20.0)
        probed = await mount.probe(None)
        assert probed.units is None
        assert probed.model == "Emulated dish"


async def test_a_probe_tells_of_everything(dish, mount_of):
    mount = mount_of(graph_rotor(dish.port, low=15.0))
    grid = ScanGrid(az=(0, 10), el=(10, 20), step=5)
    probed = await mount.probe(grid)
    assert probed.rotor == f"rotctld 127.0.0.1:{dish.port}"
    assert probed.receiver == f"rotctld 127.0.0.1:{dish.port} RSSI"
    assert probed.units == "counts"
    assert probed.limits == Limits(azimuth_deg=(0, 360), elevation_deg=(15, 90))
    assert "elevation 10° (1 of 3 grid values) cannot be reached" in probed.unreachable_points
    assert (await mount.probe(ScanGrid(az=(0, 10), el=(15, 20), step=5))).unreachable_points is None


async def test_people_stay_above_the_lowest_elevation_and_parking_does_not(dish, mount_of):
    mount = mount_of(graph_rotor(dish.port, low=15.0, park=(0.0, 0.0)))
    with pytest.raises(OutOfLimits, match=r"elevation 14.0° is outside \[15.0°, 90.0°\]"):
        await mount.move(10.0, 14.0)
    await mount.move(10.0, 15.0)
    assert await mount.park() == pytest.approx((0.0, 0.0), abs=0.2)


async def test_hard_limits_hold_also_for_parking(hardware, mount_of):
    bounds = Bounds(BOUNDS.hosts, limits={"roof": Limits(elevation_deg=(10.0, 80.0))})
    async with RotctldEmulator(hardware.rotor) as server:
        mount = mount_of(graph_rotor(server.port, park=(0.0, 0.0)), bounds)
        await mount.position()
        assert mount.limits == RotorLimits((-180.0, 450.0), (10.0, 80.0))
        with pytest.raises(OutOfLimits):
            await mount.move(10.0, 81.0)
        assert await mount.park() == pytest.approx((0.0, 10.0), abs=0.2)
        assert "K" not in server.received  # the controller's own park position knows no limits


async def test_a_lowest_elevation_above_the_limits_leaves_nothing(dish, mount_of):
    rotor = graph_rotor(dish.port, low=70.0, limits={"elevation_deg": [0, 60]})
    mount = mount_of(rotor)
    with pytest.raises(OutOfLimits, match="leaves nothing"):
        await mount.move(10.0, 20.0)


async def test_hosts_that_may_not_be_dialled_are_refused_before_connecting(dish, mount_of):
    mount = mount_of(graph_rotor(dish.port), Bounds())
    with pytest.raises(NotAllowed):
        await mount.position()
    assert dish.clients == 0


async def test_another_order_is_told_from_a_stall(hardware, mount_of):
    async with RotctldEmulator(hardware.rotor) as server:
        mount = mount_of(graph_rotor(server.port))
        move = asyncio.ensure_future(mount.move(300.0, 20.0))
        while hardware.rotor.position().azimuth_deg < 5.0:  # noqa: ASYNC110 -- steel has no events
            await asyncio.sleep(0.005)
        await mount.stop()
        with pytest.raises(Overtaken):
            await move


async def test_a_changed_description_connects_anew(hardware, dish, mount_of):
    mount = mount_of(graph_rotor(dish.port))
    await mount.position()
    async with RotctldEmulator(hardware.rotor) as other:
        mount.configure(graph_rotor(other.port))
        await mount.position()
        assert other.clients == 1
        await asyncio.sleep(0.05)
        assert dish.clients == 0
        await mount.close()


async def test_a_receiver_out_of_reach_hinders_no_move(dish, mount_of):
    receiver = {"driver": "rtl_tcp", "host": "127.0.0.1", "frequency_hz": 1e9, "gain_db": 30}
    mount = mount_of(graph_rotor(dish.port, receiver=receiver))
    await mount.move(5.0, 20.0)  # the receiver is not needed for that
    with pytest.raises(DeviceUnreachable, match=r"rtl_tcp 127\.0\.0\.1:1234"):
        await mount.probe(None)
    await mount.remove()
    with pytest.raises(DeviceUnreachable, match="no longer in the hub's graph"):
        await mount.position()
