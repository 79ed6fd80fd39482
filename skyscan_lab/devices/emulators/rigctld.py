"""hamlib's rigctld 4.5.4, and gqrx which imitates it, in front of any receiver.

Only what measures a level. The two differ where a client notices: rigctld prints whole decibels
over S9, refuses an unknown level with hamlib's negative codes, knows ``+``, and meets an
unknown command with silence; gqrx prints dBFS with one decimal, and refuses everything else
with ``RPRT 1``.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from skyscan_lab.devices import hamlib
from skyscan_lab.devices.emulators.base import LoopbackServer, ReceiverHardware
from skyscan_lab.errors import DeviceError


class _LevelServer(LoopbackServer):
    """What both have in common: a line in, an answer out."""

    def __init__(self, receiver: ReceiverHardware, port: int = 0) -> None:
        super().__init__(port)
        self.receiver = receiver
        self.frequency_hz = 145_000_000

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client."""
        while line := await reader.readline():
            text = line.decode("ascii", "replace").strip()
            self.received.append(text)
            words = text.split()
            if words:
                writer.write(self.answer(words).encode())
                await writer.drain()
            if words in (["q"], ["Q"]):
                return

    @abstractmethod
    def answer(self, words: list[str]) -> str:
        """Answer to one line; empty for silence."""

    def level(self) -> float:
        """Latest reading."""
        return float(self.receiver.read_now(1)[0])


class RigctldEmulator(_LevelServer):
    """Serves a receiver's level as hamlib's rigctld does.

    Parameters
    ----------
    receiver : ReceiverHardware
        What measures; its readings are taken as decibels over S9.
    port : int
        0 for any free one.
    """

    def answer(self, words: list[str]) -> str:
        """Answer to one line."""
        extended = words[0].startswith("+")
        command = words[0].removeprefix("+")
        code = 0
        values: list[tuple[str, str]] = []
        match [command, *words[1:]]:
            case ["l" | r"\get_level", level]:
                name = f"get_level: {level}"
                try:
                    values = [("", self._value(level))]
                except DeviceError:
                    code = hamlib.EIO
                except KeyError:
                    code = hamlib.EINVAL
            case ["f" | r"\get_freq"]:
                name = "get_freq:"
                values = [("Frequency: ", f"{self.frequency_hz}")]
            case ["F" | r"\set_freq", frequency]:
                name = f"set_freq: {frequency}"
                self.frequency_hz = int(float(frequency))
            case ["_" | r"\get_info"]:
                name = "get_info:"
                values = [("Info: ", "Nothing much (emulated)")]
            case ["q" | "Q"]:
                return "RPRT 0\n"
            case _:
                return ""
        if extended:
            lines = [name, *(label + value for label, value in values), f"RPRT {code}"]
        else:
            lines = [value for _, value in values] or [f"RPRT {code}"]
        return "".join(f"{line}\n" for line in lines)

    def _value(self, level: str) -> str:
        if level not in ("STRENGTH", "RAWSTR"):
            raise KeyError(level)
        return f"{self.level():.0f}"


class GqrxEmulator(_LevelServer):
    """Serves a receiver's level as gqrx's remote control does.

    Parameters
    ----------
    receiver : ReceiverHardware
        What measures; its readings are taken as dBFS.
    port : int
        0 for any free one.

    Attributes
    ----------
    playing : bool
        Whether its receiver runs; while it does not, the level stands still.
    """

    def __init__(self, receiver: ReceiverHardware, port: int = 0) -> None:
        super().__init__(receiver, port)
        self.playing = True
        self._last = -200.0

    def answer(self, words: list[str]) -> str:
        """Answer to one line."""
        match words:
            case ["l"] | ["l", "STRENGTH"]:
                if self.playing:
                    self._last = self.level()
                return f"{self._last:.1f}\n"
            case ["u", "DSP"]:
                return f"{int(self.playing)}\n"
            case ["f"]:
                return f"{self.frequency_hz}\n"
            case ["F", frequency]:
                self.frequency_hz = int(float(frequency))
                return "RPRT 0\n"
            case ["_"]:
                return "Gqrx 2.17.5\n"
            case ["q" | "Q"]:
                return ""
            case _:
                return "RPRT 1\n"
