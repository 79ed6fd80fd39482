"""Winegard dishes at the end of a serial line: ours, an independent one, and its cable."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from birdcage.demo import DemoDevice

from skyscan_lab.devices.base import Position
from skyscan_lab.devices.emulators.pseudo_terminal import PseudoTerminal
from skyscan_lab.devices.emulators.winegard import WinegardEmulator
from tests.devices.hardware import CountingReceiver, LinearRotor


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
