r"""hamlib's rotctld 4.5.4, as it was observed to answer, in front of any rotor.

True to the original also where that is unkind: an unknown letter, an unknown long name and an
empty line are not answered at all; a command that lacks arguments takes them from the next
line; numbers are read up to the first character that is none, so ``10,5`` is 10; NaN is
accepted; ``RPRT 0`` means accepted, not arrived.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable
from typing import NamedTuple

from skyscan_lab.devices import hamlib
from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.devices.emulators.base import LoopbackServer, RotorHardware
from skyscan_lab.errors import DeviceError

UP, DOWN, LEFT, RIGHT = 2, 4, 8, 16
"""Directions of ``M``."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|nan|inf)", re.IGNORECASE)


class _Value(NamedTuple):
    """A line of an answer, in the extended protocol and in the plain one."""

    extended: str
    plain: str


class _Refused(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


class _Command(NamedTuple):
    name: str
    arguments: int
    run: Callable[[RotctldEmulator, list[str]], list[_Value]]


class RotctldEmulator(LoopbackServer):
    """Serves a rotor as hamlib's rotctld does, to any number of clients.

    Parameters
    ----------
    rotor : RotorHardware
        What moves.
    port : int
        0 for any free one.
    """

    def __init__(self, rotor: RotorHardware, port: int = 0) -> None:
        super().__init__(port)
        self.rotor = rotor

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client."""
        while line := await reader.readline():
            text = line.decode("ascii", "replace").strip()
            self.received.append(text)
            extended = text.startswith("+")
            words = text.removeprefix("+").split()
            if words == ["q"]:
                return
            command = _lookup(words[0]) if words else None
            if command is None:
                # Only a plain word is refused; a letter or a long name meets silence.
                if words and len(words[0]) > 1 and not words[0].startswith("\\"):
                    writer.write(b"RPRT -1\n")
                continue
            arguments = words[1:]
            while len(arguments) < command.arguments:
                more = await reader.readline()
                if not more:
                    return
                self.received.append(more.decode("ascii", "replace").strip())
                arguments += more.decode("ascii", "replace").split()
            writer.write(self._answer(command, arguments[: command.arguments], extended).encode())
            await writer.drain()

    def _answer(self, command: _Command, arguments: list[str], extended: bool) -> str:
        code = 0
        values: list[_Value] = []
        try:
            values = command.run(self, arguments)
        except _Refused as refused:
            code = refused.code
        except DeviceError:
            code = hamlib.EIO
        if extended:
            header = " ".join([f"{command.name}:", *arguments])
            lines = [header, *(value.extended for value in values), f"RPRT {code}"]
        else:
            lines = [value.plain for value in values] or [f"RPRT {code}"]
        return "".join(f"{line}\n" for line in lines)

    def get_pos(self, _: list[str]) -> list[_Value]:
        """``p``."""
        azimuth, elevation = (f"{angle:.2f}" for angle in self.rotor.position())
        return [
            _Value(f"Azimuth: {azimuth}", azimuth),
            _Value(f"Elevation: {elevation}", elevation),
        ]

    def set_pos(self, arguments: list[str]) -> list[_Value]:
        """``P``: limits are checked as hamlib does, which lets NaN pass."""
        azimuth, elevation = map(_number, arguments)
        limits = self.rotor.limits
        for angle, (low, high) in (
            (azimuth, limits.azimuth_deg),
            (elevation, limits.elevation_deg),
        ):
            if angle < low or angle > high:
                raise _Refused(hamlib.EINVAL)
        # Where the original then goes is undefined; ours cannot go to no number, and stays.
        if math.isfinite(azimuth) and math.isfinite(elevation):
            self.rotor.command(azimuth, elevation)
        return []

    def stop(self, _: list[str]) -> list[_Value]:
        """``S``."""
        self.rotor.halt()
        return []

    def park(self, _: list[str]) -> list[_Value]:
        """``K``: the dummy parks at the origin, here at what the limits leave of it."""
        limits = self.rotor.limits
        self.rotor.command(
            min(max(0.0, limits.azimuth_deg[0]), limits.azimuth_deg[1]),
            min(max(0.0, limits.elevation_deg[0]), limits.elevation_deg[1]),
        )
        return []

    def reset(self, _: list[str]) -> list[_Value]:
        """``R``."""
        return []

    def move(self, arguments: list[str]) -> list[_Value]:
        """``M``: towards the end of an axis."""
        limits = self.rotor.limits
        azimuth, elevation = self.rotor.position()
        targets = {
            UP: (azimuth, limits.elevation_deg[1]),
            DOWN: (azimuth, limits.elevation_deg[0]),
            LEFT: (limits.azimuth_deg[0], elevation),
            RIGHT: (limits.azimuth_deg[1], elevation),
        }
        direction, _ = map(_number, arguments)
        if direction not in targets:
            raise _Refused(hamlib.EINVAL)
        self.rotor.command(*targets[int(direction)])
        return []

    def get_info(self, _: list[str]) -> list[_Value]:
        """``_``."""
        return [_Value("Info: Emulated rotator", "Emulated rotator")]

    def dump_state(self, _: list[str]) -> list[_Value]:
        r"""``\dump_state``."""
        return _state(self.rotor.limits)

    def dms2dec(self, arguments: list[str]) -> list[_Value]:
        """``D``, which the dialect with RSSI uses for something else."""
        degrees, minutes, seconds, west = map(_number, arguments)
        value = (abs(degrees) + minutes / 60.0 + seconds / 3600.0) * (-1.0 if west else 1.0)
        return [_Value(f"Dec Degrees: {value:.6f}", f"{value:.6f}")]


_COMMANDS = {
    "p": _Command("get_pos", 0, RotctldEmulator.get_pos),
    "P": _Command("set_pos", 2, RotctldEmulator.set_pos),
    "S": _Command("stop", 0, RotctldEmulator.stop),
    "K": _Command("park", 0, RotctldEmulator.park),
    "R": _Command("reset", 1, RotctldEmulator.reset),
    "M": _Command("move", 2, RotctldEmulator.move),
    "_": _Command("get_info", 0, RotctldEmulator.get_info),
    "D": _Command("dms2dec", 4, RotctldEmulator.dms2dec),
    "dump_state": _Command("dump_state", 0, RotctldEmulator.dump_state),
}
_LONG_NAMES = {f"\\{command.name}": command for command in _COMMANDS.values()}


def _lookup(word: str) -> _Command | None:
    if word.startswith("\\"):
        return _LONG_NAMES.get(word)
    return _COMMANDS.get(word) if len(word) == 1 else None


def _number(text: str) -> float:
    """Number as C's ``sscanf("%f")`` reads it: what follows it is left."""
    match = _NUMBER.match(text)
    if match is None:
        raise _Refused(hamlib.EINVAL)
    return float(match[0])


def _state(limits: RotorLimits) -> list[_Value]:
    (min_az, max_az), (min_el, max_el) = limits.azimuth_deg, limits.elevation_deg
    return [
        _Value("rotctld Protocol Ver: 1", "1"),
        _Value("Rotor Model: 1", "1"),
        _Value(f"Minimum Azimuth: {min_az:.6f}", f"min_az={min_az:.6f}"),
        _Value(f"Maximum Azimuth: {max_az:.6f}", f"max_az={max_az:.6f}"),
        _Value(f"Minimum Elevation: {min_el:.6f}", f"min_el={min_el:.6f}"),
        _Value(f"Maximum Elevation: {max_el:.6f}", f"max_el={max_el:.6f}"),
        _Value("South Zero: 0", "south_zero=0"),
        _Value("rot_type=AzEl", "rot_type=AzEl"),
        _Value("done", "done"),
    ]
