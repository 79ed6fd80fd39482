"""Every rotor and receiver that the conformance test runs over, each with its peer.

To add one, write an async context manager that yields a `RotorUnderTest` or a
`ReceiverUnderTest`, not connected, with its peer running, and list it at the end.
"""

import asyncio
import contextlib
import math
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from birdcage.demo import DemoDevice

from skyscan_lab.devices.base import Position, Receiver, Rotor, RotorLimits
from skyscan_lab.devices.emulators.pseudo_terminal import PseudoTerminal
from skyscan_lab.devices.emulators.rigctld import GqrxEmulator, RigctldEmulator
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.emulators.rssi_dialect import RssiDialectEmulator
from skyscan_lab.devices.emulators.rtl_tcp import RtlTcpEmulator
from skyscan_lab.devices.emulators.winegard import WinegardEmulator
from skyscan_lab.devices.rigctld import RigctldReceiver
from skyscan_lab.devices.rotctld import RotctldReceiver, RotctldRotor
from skyscan_lab.devices.rtl_tcp import RtlTcpReceiver
from skyscan_lab.devices.settle import Settling
from skyscan_lab.devices.winegard import WinegardReceiver, WinegardRotor

SETTLING = Settling(tolerance_deg=0.2, settle_s=0.05, stall_s=3.0, timeout_s=20.0)
TIMEOUTS = {"timeout_s": 1.0, "reconnect_s": 3.0}


async def nothing() -> None:
    """Does nothing, for peers that need nothing done."""


@dataclass
class RotorUnderTest:
    """A rotor, not yet connected, and what the test may do to its peer."""

    rotor: Rotor
    near: Position  # a degree or two from where it stands
    far: Position  # seconds away
    outside: Position  # beyond its limits
    kill: Callable[[], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]
    sent: Callable[[], list[str]] | None = None  # what the peer was sent, where it tells
    patience_s: float = 15.0  # real seconds within which an error must come


@dataclass
class ReceiverUnderTest:
    """A receiver, not yet connected, and what the test may do to its peer."""

    receiver: Receiver
    units: str
    kill: Callable[[], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]
    rotor: contextlib.AbstractAsyncContextManager = field(default_factory=contextlib.nullcontext)
    patience_s: float = 15.0


START = Position(10.0, 30.0)


class LinearRotor:
    """Moves each axis at one speed and stops dead: where it is can be told in one's head."""

    def __init__(
        self,
        speed_deg_s: float = 40.0,
        limits: RotorLimits | None = None,
        start: Position = START,
    ) -> None:
        self.limits = limits or RotorLimits((-180.0, 450.0), (0.0, 90.0))
        self.speed_deg_s = speed_deg_s
        self._from = self._to = start
        self._since = time.monotonic()

    def position(self) -> Position:
        way = self.speed_deg_s * (time.monotonic() - self._since)
        return Position(
            *(
                a + math.copysign(min(way, abs(b - a)), b - a)
                for a, b in zip(self._from, self._to, strict=True)
            )
        )

    def command(self, azimuth_deg: float, elevation_deg: float) -> None:
        self._from = self.position()
        self._to = Position(azimuth_deg, elevation_deg)
        self._since = time.monotonic()

    def halt(self) -> None:
        self.command(*self.position())


class CountingReceiver:
    """Every reading is one more than the last."""

    units = "counts"

    def __init__(self, first: float = 500.0) -> None:
        self.next = first

    def read_now(self, reads: int) -> np.ndarray:
        values = self.next + np.arange(reads)
        self.next += reads
        return values


class Peer:
    """A server process that can be killed and started again on the same port.

    The port is its last argument.
    """

    def __init__(self, *command: str) -> None:
        self.port = free_port()
        self._command = [*command, str(self.port)]
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20.0):
            await listening(self.port)

    async def kill(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return


def rotctld() -> Peer:
    return Peer("rotctld", "-m", "1", "-T", "127.0.0.1", "-t")


def birdcage() -> Peer:
    script = Path(__file__).with_name("birdcage_server.py")
    return Peer(sys.executable, str(script))


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


class WhiteNoise:
    """I and Q of a receiver that hears nothing but its own noise, −20 dBFS."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)

    def iq(
        self,
        samples: int,
        sample_rate_hz: float,  # noqa: ARG002  (white noise is the same at every rate)
    ) -> np.ndarray:
        noise = self._random.standard_normal(2 * samples, dtype=np.float32) * 9.0 + 127.5
        return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


@dataclass
class Adapter:
    """A serial adapter: its name stays when the cable is pulled and plugged in again."""

    path: Path
    terminal: PseudoTerminal

    async def pull(self) -> None:
        self.path.unlink(missing_ok=True)
        await self.terminal.__aexit__(None, None, None)

    async def plug_in(self) -> None:
        await self.terminal.__aenter__()
        self.path.symlink_to(self.terminal.path)


@contextlib.asynccontextmanager
async def adapter_to(terminal: PseudoTerminal) -> AsyncIterator[Adapter]:
    with tempfile.TemporaryDirectory() as folder:
        adapter = Adapter(Path(folder) / "usb-RS422", terminal)
        await adapter.plug_in()
        try:
            yield adapter
        finally:
            await adapter.pull()


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


class BirdcageDish(PseudoTerminal):
    """The simulated G2 of the independent winegard-birdcage, at the end of a serial line.

    It answers commands; what a line and a bare carriage return do is added here: the echo, and
    the prompt again.
    """

    def __init__(self) -> None:
        super().__init__(self._obey)
        self.device = DemoDevice()
        self.device.connect()
        self.prompt = "TRK>"

    async def _obey(self, line: str) -> bytes:
        if line:
            answer = self.device.send_raw(line)
            self.prompt = answer.rpartition("\n")[2]
        else:
            answer = self.prompt
        return f"{line}\r\n{answer}".replace("\n", "\r\n").encode("ascii")


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


ROTORS = [
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


class NoisyDish(WinegardEmulator):
    """A G2 on a bad line: what `distortions` holds is done to its next answers, in turn.

    It stands before a rotor at az 180°, el 45° and a receiver that counts up from 500.
    """

    def __init__(self) -> None:
        super().__init__(
            LinearRotor(speed_deg_s=100.0, start=Position(180.0, 45.0)), CountingReceiver()
        )
        self.distortions: list[Callable[[bytes], bytes]] = []

    async def _obey(self, line: str) -> bytes:
        answer = await super()._obey(line)
        return self.distortions.pop(0)(answer) if self.distortions else answer


@pytest.fixture
def make_dish() -> type[NoisyDish]:
    return NoisyDish
