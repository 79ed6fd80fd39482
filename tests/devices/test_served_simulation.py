"""The simulated station behind real protocols is still the simulated station."""

import asyncio

import numpy as np
import pytest

from skyscan_lab.devices.base import Position
from skyscan_lab.devices.emulators.rtl_tcp import RtlTcpEmulator
from skyscan_lab.devices.emulators.winegard import WinegardEmulator
from skyscan_lab.devices.freerunning import free_running_station
from skyscan_lab.devices.rtl_tcp import RtlTcpReceiver
from skyscan_lab.devices.settle import Settling
from skyscan_lab.devices.winegard import WinegardReceiver, WinegardRotor
from skyscan_lab.station import SimulatedReceiver, Station

EMPTY_SKY, ON_THE_ARC = Position(180.0, 64.0), Position(170.0, 35.0)
ROUNDING = 2 / 12 / 127.5**2  # power of the converter's rounding, which a reading includes


async def test_a_winegard_console_before_it_moves_and_reads_the_same():
    station = Station(receiver=SimulatedReceiver(units="counts"), seed=3)
    simulated = free_running_station(station, scale=20.0)
    dish = WinegardEmulator(simulated.rotor, simulated.receiver, simulated.clock)
    levels = []
    async with dish:
        rotor = WinegardRotor(dish.path, settling=Settling(settle_s=0.3), clock=simulated.clock)
        async with rotor, WinegardReceiver(rotor) as receiver:
            for target in (EMPTY_SKY, ON_THE_ARC):
                reached = await rotor.move(*target)
                assert reached == pytest.approx(target, abs=0.2)
                measured = await receiver.read(8)
                truth = simulated.receiver.read_now(8)
                assert measured.mean == pytest.approx(truth.mean(), abs=4.0)
                levels.append(measured.mean)
    assert levels[1] > levels[0] + 100.0
    assert dish.alive


async def test_rtl_tcp_before_it_reads_its_level():
    simulated = free_running_station(Station(seed=3), scale=50.0)
    async with (
        RtlTcpEmulator(simulated.receiver) as server,
        RtlTcpReceiver(
            server.host, server.port, frequency_hz=11.7e8, sample_rate_hz=960_000
        ) as receiver,
    ):
        for target in (EMPTY_SKY, ON_THE_ARC):
            simulated.rotor.command(*target)
            async with asyncio.timeout(20.0):
                while simulated.rotor.moving():  # noqa: ASYNC110  (hardware wakes nobody)
                    await asyncio.sleep(0.01)
            measured = await receiver.read(4)
            level = 10 ** (simulated.receiver.level_dbfs(960_000) / 10) + ROUNDING
            assert measured.mean == pytest.approx(10 * np.log10(level), abs=0.15)
