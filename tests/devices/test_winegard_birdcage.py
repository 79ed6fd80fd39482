"""Against the independent winegard-birdcage: our drivers with its dish, its client with ours."""

import asyncio

import pytest
from birdcage.protocol import CarryoutG2Protocol

from skyscan_lab.devices.settle import Settling
from skyscan_lab.devices.winegard import WinegardReceiver, WinegardRotor
from skyscan_lab.errors import OutOfLimits

QUICK = Settling(settle_s=0.05)


async def test_each_axis_is_sent_and_the_console_left_at_its_root(birdcage_dish):
    async with WinegardRotor(birdcage_dish.path, settling=QUICK) as rotor:
        reached = await rotor.move(183.0, 44.0)
    assert reached == pytest.approx((183.0, 44.0), abs=0.2)
    assert (birdcage_dish.device._target_az, birdcage_dish.device._target_el) == (183.0, 44.0)
    assert birdcage_dish.prompt == "TRK>"


async def test_its_source_is_seen_with_the_lnb_powered_once(birdcage_dish):
    dish = birdcage_dish.device
    async with (
        WinegardRotor(birdcage_dish.path, settling=QUICK) as rotor,
        WinegardReceiver(rotor) as receiver,
    ):
        dish._az, dish._el = dish._target_az, dish._target_el = 200.0, 38.0
        on_source = await receiver.read(5)
        dish._az = dish._target_az = 230.0
        off_source = await receiver.read(5)
    assert birdcage_dish.written.count("lnbdc odu") == 1
    assert 2400 <= on_source.mean <= 2560  # floor 500, peak 2000, drift ±50
    assert 440 <= off_source.mean <= 560
    assert on_source.reads == 5


async def test_limits_that_it_does_not_enforce_are_ours(birdcage_dish):
    birdcage_dish.device.send_raw("mot")
    birdcage_dish.device.send_raw("a 1 5")
    assert birdcage_dish.device._target_el == 5.0  # it would go
    async with WinegardRotor(birdcage_dish.path) as rotor:
        with pytest.raises(OutOfLimits, match=r"elevation 5\.0"):
            await rotor.move(180.0, 5.0)


async def test_its_client_drives_our_dish(make_dish):
    def drive():
        client = CarryoutG2Protocol()
        client.connect(dish.path)
        client.initialize()
        before = client.get_position()
        client.move_motor(0, 181.0)
        client.move_motor(1, 44.0)
        client.enter_dvb_menu()
        client.enable_lna()
        reading = client.get_rssi(4)
        client.enter_motor_menu()
        after = client.get_position()
        client.home_motor(1)
        client._serial.close()
        return before, reading, after

    async with make_dish() as dish:
        before, reading, after = await asyncio.to_thread(drive)
        assert dish.alive
    assert (before.azimuth, before.elevation) == (180.0, 45.0)
    assert (reading.reads, reading.average, reading.current) == (4, 502, 503)
    assert (after.azimuth, after.elevation) == pytest.approx((181.0, 44.0), abs=0.01)
