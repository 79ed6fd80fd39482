"""The serial console of a Winegard Carryout G2, before any rotor and receiver.

Written from observations of firmware 02.02.48: menus and prompts, the echo, the preamble of an
RSSI reading, one command an axis that is answered before the motor has moved, limits that are
documented and not enforced, a shell that reads its next command only after the last, and the
``q`` that ends it at the root until the power is cycled.
"""

from __future__ import annotations

import contextlib
import re
from typing import Protocol

from skyscan_lab.devices.base import Position
from skyscan_lab.devices.clock import Clock, SystemClock
from skyscan_lab.devices.emulators.base import ReceiverHardware, RotorHardware
from skyscan_lab.devices.emulators.pseudo_terminal import PseudoTerminal
from skyscan_lab.errors import InvalidInput, OutOfLimits

_ROOT = "TRK"
_MENUS = {"mot": "MOT", "dvb": "DVB", "nvs": "NVS"}
_HOME = Position(0.0, 65.0)
_READING_MS = 20
_UNPOWERED_COUNTS = 400  # what the tuner reads of an LNB without power
_BOOT = b"\r\nBootloader v1.01\r\nBoot Complete\r\nTRK>"

_MOVE = re.compile(r"a (?P<axis>[01]) (?P<angle>-?\d+(\.\d+)?)")
_HOMING = re.compile(r"h (?P<axis>[01])")
_RSSI = re.compile(r"rssi (?P<reads>[1-9]\d*)")


class DishHardware(RotorHardware, Protocol):
    """A rotor whose axes are told where to go one by one."""

    def command_axis(self, index: int, angle_deg: float) -> None:
        """Start to move one axis, 0 for azimuth and 1 for elevation; the other one goes on."""


class WinegardEmulator(PseudoTerminal):
    """A simulated Carryout G2 on a pseudo-terminal.

    Parameters
    ----------
    rotor : DishHardware
        What the motors move.
    receiver : ReceiverHardware
        What the tuner reads, in counts.
    clock : Clock, optional
        Station time: a reading takes 20 ms of it.
    """

    def __init__(
        self, rotor: DishHardware, receiver: ReceiverHardware, clock: Clock | None = None
    ) -> None:
        if receiver.units != "counts":
            raise InvalidInput("receiver.units", receiver.units, "'counts', as the dish's tuner")
        super().__init__(self._obey)
        self._rotor = rotor
        self._receiver = receiver
        self._clock = clock or SystemClock()
        self._powered = True
        self._menu: str | None = _ROOT  # None: the shell has ended
        self._lnb = False

    @property
    def alive(self) -> bool:
        """Whether the shell answers: it has power, and was not ended by ``q`` at the root."""
        return self._powered and self._menu is not None

    def cut_power(self) -> None:
        """Let the dish go silent, and forget what it was told."""
        self._powered = False
        self._lnb = False
        self._rotor.halt()

    def power_cycle(self) -> None:
        """Start the dish anew, where it stands."""
        self.cut_power()
        self._powered = True
        self._menu = _ROOT
        self.say(_BOOT)

    async def _obey(self, line: str) -> bytes:
        if not self.alive:
            return b""
        body = await self._run(line.strip())
        if not self.alive:
            return b""
        parts = [line, *([body] if body else []), f"{self._menu}>"]
        return "\r\n".join(parts).encode("ascii", errors="replace")

    async def _run(self, command: str) -> str:
        if not command:
            return ""
        if command == "q":
            self._menu = _ROOT if self._menu != _ROOT else None
            return ""
        if self._menu == _ROOT and command in _MENUS:
            self._menu = _MENUS[command]
            return ""
        if self._menu == "MOT":
            return self._motor(command)
        if self._menu == "DVB":
            return await self._dvb(command)
        return f"Unknown command: {command}"

    def _motor(self, command: str) -> str:
        if command == "a":
            azimuth, elevation = self._rotor.position()
            return f"    Angle[0] = {azimuth:.2f}\r\n    Angle[1] = {elevation:.2f}"
        if move := _MOVE.fullmatch(command):
            angle_deg = float(move["angle"])
            self._turn(int(move["axis"]), angle_deg)
            return f"    Angle = {angle_deg:.2f}"
        if homing := _HOMING.fullmatch(command):
            axis = int(homing["axis"])
            self._turn(axis, _HOME[axis])
            return f"Homing motor {axis}"
        return f"Unknown command: {command}"

    def _turn(self, axis: int, angle_deg: float) -> None:
        # The firmware enforces no limit: the mount then leans on its stop, and goes nowhere.
        with contextlib.suppress(OutOfLimits):
            self._rotor.command_axis(axis, angle_deg)

    async def _dvb(self, command: str) -> str:
        if command == "lnbdc odu":
            self._lnb = True
            return "Enabled LNB ODU 13V"
        if rssi := _RSSI.fullmatch(command):
            reads = int(rssi["reads"])
            await self._clock.sleep(reads * _READING_MS / 1000.0)
            counts = self._receiver.read_now(reads)
            average, current = round(float(counts.mean())), round(float(counts[-1]))
            if not self._lnb:
                average = current = _UNPOWERED_COUNTS
            return (
                f"iterations:{reads}  interval(msec):{_READING_MS}\r\n"
                f" Reads:{reads}  RSSI[avg: {average}  cur: {current}]"
            )
        return f"Unknown command: {command}"
