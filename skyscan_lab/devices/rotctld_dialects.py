r"""What a rotctld server understands: hamlib's own protocol, or the dialect with RSSI.

Which one it is, the server is asked, because nothing in an address tells. The question is
``+\dump_state``. hamlib answers it with the rotor's limits, and an end that can be recognized;
the dialect knows neither ``+`` nor ``\dump_state`` and answers ``RPRT -1``. Only then is the
dialect's own question ``D`` safe: to hamlib, ``D`` is a conversion that waits for four numbers
and takes the next four requests for them.

References
----------
.. [1] ``rotctld(1)``, Hamlib 4.5.4: protocol, extended response protocol.
.. [2] ``birdcage.rotctld``, the published server of the dialect with RSSI.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from skyscan_lab.devices import hamlib
from skyscan_lab.devices.base import Position, RotorLimits
from skyscan_lab.devices.connection import LineConnection
from skyscan_lab.errors import DeviceRefused, DeviceUnreachable, NoSignalSource

T = TypeVar("T")

READING_S = 0.5  # the slowest of the dishes behind the dialect takes a tenth of this a reading

_LIMIT = re.compile(r"(min|max)[a-z]*[ _](az|el)[a-z]*[:=]\s*(\S+)", re.IGNORECASE)


class Reading(NamedTuple):
    """One answer to ``R``: how many readings the dish took, their average, and the last."""

    reads: int
    average: float
    current: float


class Dialect(Protocol):
    """One way to ask a rotor what every rotor can do."""

    stop_holds: bool
    """Whether a stop makes the motors stop, and not only the server."""

    limits: RotorLimits | None
    """What the server says of its range of motion."""

    async def position(self) -> Position:
        """Where the rotor is now."""

    async def move(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Send a target, which is accepted and not yet reached."""

    async def stop(self) -> None:
        """Ask the server to stop."""

    async def park(self) -> None:
        """Ask the server to park; DeviceRefused when it cannot."""

    async def info(self) -> str:
        """Model of the rotor, in the server's words."""


async def detect(connection: LineConnection) -> HamlibDialect | RssiDialect:
    r"""Ask a server which dialect it speaks.

    Raises
    ------
    DeviceError
        When it answers neither question as one of the two would.
    """
    try:
        limits = await _extended(connection, r"+\dump_state", "dump_state", _limits)
    except DeviceRefused as refused:
        if refused.code not in hamlib.NOT_KNOWN:
            raise
        return RssiDialect(connection, await _capabilities(connection))
    return HamlibDialect(connection, limits)


class HamlibDialect:
    """hamlib's rotctld, in its extended response protocol.

    Each answer names its question and ends with a result code, so that it can be told whole,
    and belonging, however many lines a version of hamlib prints.
    """

    stop_holds = True

    def __init__(self, connection: LineConnection, limits: RotorLimits) -> None:
        self.limits = limits
        self._connection = connection

    async def position(self) -> Position:
        """Where the rotor is now."""
        return await _extended(self._connection, "+p", "get_pos", _labelled_position)

    async def move(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Send a target."""
        target = f"{_angle(azimuth_deg)} {_angle(elevation_deg)}"
        await _extended(self._connection, f"+P {target}", "set_pos", _nothing)

    async def stop(self) -> None:
        """Stop the rotor."""
        await _extended(self._connection, "+S", "stop", _nothing)

    async def park(self) -> None:
        """Send the rotor to the park position that its backend knows."""
        await _extended(self._connection, "+K", "park", _nothing)

    async def info(self) -> str:
        """Model of the rotor."""
        return await _extended(self._connection, "+_", "get_info", _labelled_info)


class RssiDialect:
    """The rotctld-like server of the Winegard dishes, which can also read signal strength.

    Parameters
    ----------
    connection : LineConnection
        To the server, which serves one client at a time.
    capabilities : frozenset of str
        What its answer to ``D`` lists: ``rssi``, ``lna``.
    """

    # The published server drops its client on `S`; its motors run on to their target.
    stop_holds = False
    limits = None

    def __init__(self, connection: LineConnection, capabilities: frozenset[str]) -> None:
        self.capabilities = capabilities
        self._connection = connection
        self._lna_on: int | None = None  # the connection on which it was switched on

    async def position(self) -> Position:
        """Where the rotor is now."""
        return await _plain(self._connection, "p", 2, _bare_position)

    async def move(self, azimuth_deg: float, elevation_deg: float) -> None:
        """Send a target."""
        target = f"{_angle(azimuth_deg)} {_angle(elevation_deg)}"
        await _plain(self._connection, f"P {target}", 1, _accepted)

    async def stop(self) -> None:
        """Make the server stop tracking, which ends the connection."""
        await self._connection.request(
            "S", _result_ends, lambda lines: _check(self._connection, "S", lines), hangs_up=True
        )

    async def park(self) -> None:
        """Ask for parking, which the published server refuses."""
        await _plain(self._connection, "K", 1, _accepted)

    async def info(self) -> str:
        """Model of the rotor."""
        return await _plain(self._connection, "_", 1, lambda lines: lines[0])

    async def read_rssi(self, reads: int) -> Reading:
        """Average readings of the signal strength, in the receiver's counts.

        Raises
        ------
        NoSignalSource
            When this dish has no receiver.
        """
        try:
            for _ in range(2):
                await self._switch_lna_on()
                reading = await _plain(
                    self._connection, f"R {reads}", 3, _reading, extra_s=reads * READING_S
                )
                if self._lna_on in (None, self._connection.generation):
                    return reading
                # Read over a new connection: behind it the dish may have been restarted, too.
        except DeviceRefused as error:
            if error.code == hamlib.EIO:  # the dialect's "not available"
                raise NoSignalSource(error.device, "measures no signal strength") from error
            raise
        raise DeviceUnreachable(self._connection.device, "the connection is lost at every reading")

    async def _switch_lna_on(self) -> None:
        if "lna" in self.capabilities and self._lna_on != self._connection.generation:
            await _plain(self._connection, "L", 1, _accepted)
            self._lna_on = self._connection.generation


async def _extended(
    connection: LineConnection, line: str, name: str, parse: Callable[[list[str]], T]
) -> T:
    """Request in hamlib's extended protocol: a header, values, ``RPRT``."""

    def answer(lines: list[str]) -> T:
        _check(connection, line, lines)
        if not lines[0].startswith(f"{name}:"):
            raise ValueError(f"an answer to {name} starts with its name")
        return parse(lines[1:-1])

    return await connection.request(line, _result_ends, answer)


async def _plain(
    connection: LineConnection,
    line: str,
    count: int,
    parse: Callable[[list[str]], T],
    *,
    extra_s: float = 0.0,
) -> T:
    """Request in the plain protocol: so many lines, or ``RPRT``."""

    def answer(lines: list[str]) -> T:
        if hamlib.is_result(lines[-1]):
            _check(connection, line, lines)
        return parse(lines)

    return await connection.request(
        line, lambda lines: len(lines) == count or _result_ends(lines), answer, extra_s=extra_s
    )


async def _capabilities(connection: LineConnection) -> frozenset[str]:
    try:
        listed = await _plain(connection, "D", 1, lambda lines: _after("CAPS:", lines[0]))
    except DeviceRefused:
        listed = ""  # a plain server, with a rotor and nothing else
    return frozenset(re.split(r"[,\s]+", listed)) - {""}


def _result_ends(lines: list[str]) -> bool:
    return bool(lines) and hamlib.is_result(lines[-1])


def _check(connection: LineConnection, line: str, lines: list[str]) -> None:
    if lines:
        code = hamlib.result_code(lines[-1])
        if code:
            raise hamlib.refusal(connection.device, line, code)


def _angle(degrees: float) -> str:
    """Digits of an angle: a point in any locale, no exponent, finer than any rotor."""
    return f"{degrees:.4f}"


def _nothing(values: list[str]) -> None:
    if values:
        raise ValueError("no value was asked for")


def _accepted(lines: list[str]) -> None:
    hamlib.result_code(lines[0])


def _labelled_position(values: list[str]) -> Position:
    azimuth, elevation = values
    return Position(
        float(_after("Azimuth:", azimuth)),
        float(_after("Elevation:", elevation)),
    )


def _labelled_info(values: list[str]) -> str:
    return _after("Info:", " ".join(values)).strip()


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def _after(label: str, line: str) -> str:
    if not line.startswith(label):
        raise ValueError(f"{line!r} does not start with {label!r}")
    return line.removeprefix(label)


def _bare_position(lines: list[str]) -> Position:
    azimuth, elevation = lines
    return Position(float(azimuth), float(elevation))


def _reading(lines: list[str]) -> Reading:
    reads, average, current = lines
    if int(reads) < 1:
        raise ValueError("no reading was taken")
    return Reading(int(reads), _finite(average), _finite(current))


def _limits(values: list[str]) -> RotorLimits:
    """Limits, which hamlib labels in words or, elsewhere, as ``min_az=``."""
    found: dict[str, float] = {}
    for value in values:
        match = _LIMIT.match(value)
        if match:
            found[f"{match[1]} {match[2]}".lower()] = _finite(match[3])
    try:
        return RotorLimits(
            azimuth_deg=(found["min az"], found["max az"]),
            elevation_deg=(found["min el"], found["max el"]),
        )
    except KeyError as missing:
        raise ValueError(f"the limit {missing} is missing") from missing
