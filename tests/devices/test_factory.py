"""A station file becomes connected devices, of the drivers that it names."""

from datetime import UTC, datetime

import pytest

from skyscan_lab.devices.emulators.rigctld import GqrxEmulator, RigctldEmulator
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.emulators.rssi_dialect import RssiDialectEmulator
from skyscan_lab.devices.factory import open_station
from skyscan_lab.errors import DeviceUnreachable, NoSignalSource, StationError
from skyscan_lab.station import Station


def station(rotor, receiver):
    return Station.model_validate({"rotor": rotor, "receiver": receiver})


def at(server, driver, **settings):
    return {"driver": driver, "host": server.host, "port": server.port, **settings}


async def test_nothing_said_is_the_simulated_station():
    async with open_station(Station(), time_scale=1000.0) as devices:
        await devices.rotor.move(120.0, 30.0)
        assert (await devices.receiver.read(3)).reads == 3
        assert devices.clock.scale == 1000.0


async def test_rotctld_and_rigctld(linear_rotor, counting_receiver):
    async with RotctldEmulator(linear_rotor) as mount, RigctldEmulator(counting_receiver) as radio:
        settings = station(
            at(mount, "rotctld", limits={"elevation_deg": [10, 80]}, tolerance_deg=0.5),
            at(radio, "rigctld"),
        )
        async with open_station(settings) as devices:
            assert devices.rotor.limits.elevation_deg == (10.0, 80.0)
            reached = await devices.rotor.move(11.0, 30.0)
            assert reached.azimuth_deg == pytest.approx(11.0, abs=0.5)
            assert devices.receiver.units == "dB"
            assert devices.clock.scale == 1.0


async def test_receiver_of_the_rotor(linear_rotor, counting_receiver):
    async with RssiDialectEmulator(linear_rotor, counting_receiver) as server:
        settings = station(at(server, "rotctld"), {"driver": "rotor"})
        async with open_station(settings, time_scale=5.0) as devices:
            assert (await devices.receiver.read(3)).mean == 501.0
            assert devices.clock.scale == 5.0


async def test_rotor_without_receiver_is_disconnected_again(linear_rotor):
    async with RotctldEmulator(linear_rotor) as server:
        opening = open_station(station(at(server, "rotctld"), {"driver": "rotor"}))
        with pytest.raises(NoSignalSource):
            await opening.__aenter__()


async def test_park_is_where_the_station_says(linear_rotor, counting_receiver):
    async with RssiDialectEmulator(linear_rotor) as dish, GqrxEmulator(counting_receiver) as radio:
        settings = station(at(dish, "rotctld", park=[12.0, 31.0]), at(radio, "rigctld"))
        async with open_station(settings) as devices:
            await devices.rotor.park()
            assert linear_rotor.position() == (12.0, 31.0)


async def test_winegard():
    settings = station({"driver": "winegard", "device": "/dev/does-not-exist"}, {"driver": "rotor"})
    with pytest.raises(DeviceUnreachable, match="does not exist"):
        await open_station(settings).__aenter__()


async def test_epoch_sets_the_calendar_of_a_simulated_station_only(linear_rotor, counting_receiver):
    epoch = datetime(2026, 2, 20, 14, 0, tzinfo=UTC)
    async with open_station(Station(), time_scale=1000.0, epoch=epoch) as devices:
        devices.clock.catch_up()
        assert devices.clock.now() == epoch
    async with RotctldEmulator(linear_rotor) as mount, RigctldEmulator(counting_receiver) as radio:
        real = station(at(mount, "rotctld"), at(radio, "rigctld"))
        with pytest.raises(StationError, match="epoch"):
            await open_station(real, epoch=epoch).__aenter__()
