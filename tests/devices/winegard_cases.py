"""The Winegard console and rtl_tcp, for the conformance test."""

import contextlib
from collections.abc import AsyncIterator

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.emulators.rtl_tcp import RtlTcpEmulator
from skyscan_lab.devices.emulators.winegard import WinegardEmulator
from skyscan_lab.devices.rtl_tcp import RtlTcpReceiver
from skyscan_lab.devices.winegard import WinegardReceiver, WinegardRotor
from tests.devices.dishes import BirdcageDish, adapter_to
from tests.devices.hardware import CountingReceiver, LinearRotor, WhiteNoise
from tests.devices.under_test import SETTLING, TIMEOUTS, ReceiverUnderTest, RotorUnderTest


@contextlib.asynccontextmanager
async def winegard_emulated() -> AsyncIterator[RotorUnderTest]:
    dish = LinearRotor(limits=RotorLimits((-180.0, 450.0), (10.0, 80.0)), start=Position(180, 45))
    terminal = WinegardEmulator(dish, CountingReceiver())
    async with adapter_to(terminal) as adapter:
        yield RotorUnderTest(
            WinegardRotor(
                str(adapter.path), park=Position(178.0, 47.0), settling=SETTLING, **TIMEOUTS
            ),
            near=Position(181.0, 46.0),
            far=Position(300.0, 60.0),
            outside=Position(181.0, 65.1),
            kill=adapter.pull,
            restart=adapter.plug_in,
            sent=lambda: list(terminal.written),
        )


@contextlib.asynccontextmanager
async def winegard_birdcage() -> AsyncIterator[RotorUnderTest]:
    dish = BirdcageDish()
    async with adapter_to(dish) as adapter:
        yield RotorUnderTest(
            WinegardRotor(
                str(adapter.path), park=Position(178.0, 47.0), settling=SETTLING, **TIMEOUTS
            ),
            near=Position(181.0, 46.0),
            far=Position(300.0, 60.0),
            outside=Position(181.0, 17.9),
            kill=adapter.pull,
            restart=adapter.plug_in,
            sent=lambda: list(dish.written),
        )


@contextlib.asynccontextmanager
async def winegard_birdcage_receiver() -> AsyncIterator[ReceiverUnderTest]:
    async with adapter_to(BirdcageDish()) as adapter:
        rotor = WinegardRotor(str(adapter.path), settling=SETTLING, **TIMEOUTS)
        yield ReceiverUnderTest(
            WinegardReceiver(rotor),
            units="counts",
            kill=adapter.pull,
            restart=adapter.plug_in,
            rotor=rotor,
        )


@contextlib.asynccontextmanager
async def winegard_receiver() -> AsyncIterator[ReceiverUnderTest]:
    async with adapter_to(WinegardEmulator(LinearRotor(), CountingReceiver())) as adapter:
        rotor = WinegardRotor(str(adapter.path), settling=SETTLING, **TIMEOUTS)
        yield ReceiverUnderTest(
            WinegardReceiver(rotor),
            units="counts",
            kill=adapter.pull,
            restart=adapter.plug_in,
            rotor=rotor,
        )


@contextlib.asynccontextmanager
async def rtl_tcp_receiver() -> AsyncIterator[ReceiverUnderTest]:
    async with RtlTcpEmulator(WhiteNoise()) as server:
        yield ReceiverUnderTest(
            RtlTcpReceiver(
                server.host, server.port, frequency_hz=1.4204e9, sample_rate_hz=960_000, **TIMEOUTS
            ),
            units="dBFS",
            kill=lambda: server.__aexit__(None, None, None),
            restart=server.__aenter__,
        )
