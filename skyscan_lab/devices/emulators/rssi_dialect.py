"""The rotctld-like server of the Winegard dishes, in front of any rotor and receiver.

True to the published server also where that is unkind: one client at a time is served while
the next ones wait unanswered; what arrives in one piece is one command, so that a second one
in it is lost; nothing but a bare result tells errors apart; ``S`` closes the connection
without an answer and stops no motor.
"""

from __future__ import annotations

import asyncio

from skyscan_lab.devices.emulators.base import LoopbackServer, ReceiverHardware, RotorHardware
from skyscan_lab.errors import DeviceError

DEFAULT_READS = 10
PIECE_BYTES = 1024

REFUSED = "RPRT -1\n"
NO_RECEIVER = "RPRT -6\n"
ACCEPTED = "RPRT 0\n"


class RssiDialectEmulator(LoopbackServer):
    """Serves a rotor, and a receiver if it has one, to one client at a time.

    Parameters
    ----------
    rotor : RotorHardware
        What moves.
    receiver : ReceiverHardware, optional
        What reads the signal strength; without one, every reading is refused.
    port : int
        0 for any free one.
    """

    def __init__(
        self, rotor: RotorHardware, receiver: ReceiverHardware | None = None, port: int = 0
    ) -> None:
        super().__init__(port)
        self.rotor = rotor
        self.receiver = receiver
        self.lna_on = False
        self._turn = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client, when its turn has come."""
        async with self._turn:
            while piece := await reader.read(PIECE_BYTES):
                text = piece.decode("utf-8", "replace").strip()
                self.received.append(text)
                words = text.split()
                if not words:
                    continue
                if words[0] in ("S", "q"):
                    return
                writer.write(self._answer(words[0], words[1:]).encode())
                await writer.drain()

    def _answer(self, command: str, arguments: list[str]) -> str:
        try:
            match command:
                case "p":
                    azimuth, elevation = self.rotor.position()
                    return f"{float(azimuth)}\n{float(elevation)}\n"
                case "P":
                    self.rotor.command(float(arguments[0]), float(arguments[1]))
                    return ACCEPTED
                case "_":
                    return "Emulated dish\n"
                case "D":
                    return "CAPS:rssi,lna\n" if self.receiver else "CAPS:\n"
                case "L":
                    self.lna_on = self.receiver is not None
                    return ACCEPTED if self.receiver else NO_RECEIVER
                case "R":
                    return self._readings(arguments)
        except (DeviceError, ValueError, IndexError):
            return REFUSED
        return REFUSED

    def _readings(self, arguments: list[str]) -> str:
        if self.receiver is None:
            return NO_RECEIVER
        reads = int(arguments[0]) if arguments else DEFAULT_READS
        values = self.receiver.read_now(reads)
        return f"{reads}\n{round(float(values.mean()))}\n{round(float(values[-1]))}\n"
