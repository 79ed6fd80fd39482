"""rotctld, its dialect with RSSI, rigctld and gqrx, for the conformance test."""

import contextlib
from collections.abc import AsyncIterator

from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.emulators.rigctld import GqrxEmulator, RigctldEmulator
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.emulators.rssi_dialect import RssiDialectEmulator
from skyscan_lab.devices.rigctld import RigctldReceiver
from skyscan_lab.devices.rotctld import RotctldReceiver, RotctldRotor
from tests.devices.hardware import CountingReceiver, LinearRotor
from tests.devices.peers import Peer, birdcage, rotctld
from tests.devices.under_test import SETTLING, TIMEOUTS, ReceiverUnderTest, RotorUnderTest


@contextlib.asynccontextmanager
async def rotctld_emulated() -> AsyncIterator[RotorUnderTest]:
    async with RotctldEmulator(LinearRotor()) as server:
        yield RotorUnderTest(
            RotctldRotor(server.host, server.port, settling=SETTLING, **TIMEOUTS),
            near=Position(11.0, 31.0),
            far=Position(170.0, 80.0),
            outside=Position(451.0, 30.0),
            kill=lambda: server.__aexit__(None, None, None),
            restart=server.__aenter__,
            sent=lambda: list(server.received),
        )


@contextlib.asynccontextmanager
async def rotctld_hamlib() -> AsyncIterator[RotorUnderTest]:
    async with rotctld() as peer:
        yield RotorUnderTest(
            RotctldRotor("127.0.0.1", peer.port, settling=SETTLING, **TIMEOUTS),
            near=Position(2.0, 1.0),
            far=Position(-90.0, 45.0),
            outside=Position(10.0, 90.5),
            kill=peer.kill,
            restart=peer.start,
        )


@contextlib.asynccontextmanager
async def dialect_emulated() -> AsyncIterator[RotorUnderTest]:
    async with RssiDialectEmulator(LinearRotor(), CountingReceiver()) as server:
        yield RotorUnderTest(
            RotctldRotor(server.host, server.port, settling=SETTLING, **TIMEOUTS),
            near=Position(11.0, 31.0),
            far=Position(170.0, 80.0),
            outside=Position(-1.0, 30.0),
            kill=lambda: server.__aexit__(None, None, None),
            restart=server.__aenter__,
            sent=lambda: list(server.received),
        )


@contextlib.asynccontextmanager
async def dialect_birdcage() -> AsyncIterator[RotorUnderTest]:
    async with birdcage() as peer:
        limits = RotorLimits(elevation_deg=(18.0, 65.0))
        yield RotorUnderTest(
            RotctldRotor(
                "127.0.0.1",
                peer.port,
                limits=limits,
                park=Position(178.0, 47.0),
                settling=SETTLING,
                **TIMEOUTS,
            ),
            near=Position(181.0, 46.0),
            far=Position(300.0, 60.0),
            outside=Position(181.0, 66.0),
            kill=peer.kill,
            restart=peer.start,
        )


@contextlib.asynccontextmanager
async def dialect_receiver() -> AsyncIterator[ReceiverUnderTest]:
    async with RssiDialectEmulator(LinearRotor(), CountingReceiver()) as server:
        rotor = RotctldRotor(server.host, server.port, settling=SETTLING, **TIMEOUTS)
        yield ReceiverUnderTest(
            RotctldReceiver(rotor),
            units="counts",
            kill=lambda: server.__aexit__(None, None, None),
            restart=server.__aenter__,
            rotor=rotor,
        )


@contextlib.asynccontextmanager
async def birdcage_receiver() -> AsyncIterator[ReceiverUnderTest]:
    async with birdcage() as peer:
        rotor = RotctldRotor("127.0.0.1", peer.port, settling=SETTLING, **TIMEOUTS)
        yield ReceiverUnderTest(
            RotctldReceiver(rotor),
            units="counts",
            kill=peer.kill,
            restart=peer.start,
            rotor=rotor,
        )


@contextlib.asynccontextmanager
async def rigctld_receiver() -> AsyncIterator[ReceiverUnderTest]:
    async with RigctldEmulator(CountingReceiver(-40.0)) as server:
        yield ReceiverUnderTest(
            RigctldReceiver(server.host, server.port, fresh_s=0.01, **TIMEOUTS),
            units="dB",
            kill=lambda: server.__aexit__(None, None, None),
            restart=server.__aenter__,
        )


@contextlib.asynccontextmanager
async def rigctld_hamlib() -> AsyncIterator[ReceiverUnderTest]:
    async with Peer("rigctld", "-m", "1", "-T", "127.0.0.1", "-t") as peer:
        yield ReceiverUnderTest(
            RigctldReceiver("127.0.0.1", peer.port, fresh_s=0.01, **TIMEOUTS),
            units="dB",
            kill=peer.kill,
            restart=peer.start,
        )


@contextlib.asynccontextmanager
async def gqrx_receiver() -> AsyncIterator[ReceiverUnderTest]:
    async with GqrxEmulator(CountingReceiver(-90.0)) as server:
        yield ReceiverUnderTest(
            RigctldReceiver(server.host, server.port, fresh_s=0.01, **TIMEOUTS),
            units="dBFS",
            kill=lambda: server.__aexit__(None, None, None),
            restart=server.__aenter__,
        )
