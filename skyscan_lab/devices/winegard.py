"""Winegard Carryout G2: rotor and signal strength, both on its serial console.

The firmware documents elevation limits and does not enforce them on a move, so they are ours to
enforce. Its azimuth has a cable range of 446.66°, −423.33…+23.33° by its own count, within which
it chooses the way to any direction itself; every program known to have driven it sends 0…360°
and nothing else, so this one does too: each direction has exactly one command. There is no
command to stop: what stops an axis is being sent to where it is.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import Self

from skyscan_lab.devices.base import Measurement, Position, ReadingKey, RotorLimits
from skyscan_lab.devices.clock import Clock, SystemClock
from skyscan_lab.devices.orders import Orders
from skyscan_lab.devices.settle import Settler, Settling
from skyscan_lab.devices.winegard_console import Menu, WinegardConsole
from skyscan_lab.errors import (
    DeviceProtocolError,
    DeviceUnreachable,
    InvalidInput,
)
from skyscan_lab.power import Units

LIMITS = RotorLimits(azimuth_deg=(0.0, 359.99), elevation_deg=(18.0, 65.0))
"""Where this driver sends the dish: 360.00 would be a second name of 0.00."""

HOME = Position(0.0, 65.0)

_AXES = (0, 1)  # numbers of the azimuth and the elevation motor
_READING_S = 0.05  # the console takes one every 20 ms
_RESTARTS = 2

_ANGLES = re.compile(
    r"Angle\[0\]\s*=\s*(?P<azimuth>-?\d+\.\d+)\s+Angle\[1\]\s*=\s*(?P<elevation>-?\d+\.\d+)"
)
_RSSI = re.compile(
    r"Reads:\s*(?P<reads>\d+)\s+RSSI\[avg:\s*(?P<average>\d+)\s+cur:\s*(?P<current>\d+)\]"
)
_NO_COMPLAINT = re.compile(r"\A(?!.*(unknown|invalid|error))", re.DOTALL | re.IGNORECASE)


class WinegardRotor:
    """The mount of a Carryout G2.

    Parameters
    ----------
    device : str
        Serial port of its console.
    limits : RotorLimits, optional
        Of the station; narrowed to `LIMITS`.
    park : Position, optional
        Where to park, or the nearest position within the limits; `HOME` by default.
    settling : Settling, optional
        When a move has ended.
    clock : Clock, optional
        Station time.
    timeout_s : float
        For an answer, real seconds.
    reconnect_s : float
        For how long a lost port is tried again, real seconds.

    Raises
    ------
    OutOfLimits
        Where the station's limits and the dish's have nothing in common.
    """

    def __init__(
        self,
        device: str = "/dev/ttyUSB0",
        *,
        limits: RotorLimits | None = None,
        park: Position | None = None,
        settling: Settling | None = None,
        clock: Clock | None = None,
        timeout_s: float = 5.0,
        reconnect_s: float = 30.0,
    ) -> None:
        self.name = f"Winegard G2 {device}"
        self.console = WinegardConsole(self.name, device, timeout_s, reconnect_s)
        self._limits = LIMITS if limits is None else limits.narrowed(self.name, LIMITS)
        self._park = self._limits.nearest(park or HOME)
        self._settler = Settler(
            self.name, clock or SystemClock(), settling, self._limits, chooses_turn=True
        )
        self._orders = Orders(
            self.name, self.position, self._settler, lambda: self.console.sessions
        )

    async def __aenter__(self) -> Self:
        """Open the port, and see that a G2 answers."""
        await self.console.open()
        try:
            await self.position()
        except BaseException:
            await self.console.close()
            raise
        self._settler.forget()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the console at its root and close the port; the dish stays where it is."""
        await self.console.close()

    @property
    def limits(self) -> RotorLimits:
        """Range of motion: what both the station and the dish allow."""
        return self._limits

    async def position(self) -> Position:
        """Where the dish is now, as it counts: 0.02° beyond north may be −0.02 or 359.98."""
        angles = await self.console.ask(Menu.MOTOR, "a", _ANGLES)
        return Position(float(angles["azimuth"]), float(angles["elevation"]))

    async def move(self, azimuth_deg: float, elevation_deg: float) -> Position:
        """Go to a target and return once settled there, with the position reached.

        Raises
        ------
        OutOfLimits
            Before anything is sent.
        RotorStalled
            Without progress, or stopped on the way.
        DeviceError
            Others as the console gives them.
        """
        self._limits.check(self.name, azimuth_deg, elevation_deg)
        target = Position(azimuth_deg, elevation_deg)
        follow = await self._orders.give(lambda: self._send(target))
        return await self._settler.arrive(follow, *target)

    async def stop(self) -> None:
        """Stop all motion, and return once it has stopped.

        At full speed the dish runs on by 5° and comes back to where it was asked to stop.
        """
        where = await self.position()
        # Its own place, also where the station's limits end before: a stop moves nothing.
        here = LIMITS.nearest(where._replace(azimuth_deg=where.azimuth_deg % 360.0))
        follow = await self._orders.give(lambda: self._send(here))
        await self._settler.standstill(follow)

    async def park(self) -> None:
        """Go to the park position, and return once there."""
        await self.move(*self._park)

    async def _send(self, target: Position) -> None:
        for axis, angle_deg in zip(_AXES, target, strict=True):
            await self.console.ask(Menu.MOTOR, f"a {axis} {angle_deg:.2f}", _NO_COMPLAINT)


class WinegardReceiver:
    """Signal strength from a Carryout G2's own tuner, in its counts.

    Counts rise with the logarithm of the power by an unknown slope, from a noise floor near
    400 to 500: they are averaged as they are, by the dish itself. It borrows the rotor's
    console, because there is only one.

    Parameters
    ----------
    rotor : WinegardRotor
        Connected for as long as this receiver is used.
    """

    units: Units = "counts"

    def __init__(self, rotor: WinegardRotor) -> None:
        self.name = f"{rotor.name} RSSI"
        self._console = rotor.console
        self._powered_in = 0

    async def __aenter__(self) -> Self:
        """See that the rotor is connected; it stays the owner of the connection."""
        if not self._console.is_open:
            raise DeviceUnreachable(self.name, "connect the rotor first: it owns the console")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the console to the rotor."""

    async def read(
        self,
        reads: int,
        key: ReadingKey | None = None,  # noqa: ARG002  (only the simulated receiver needs it)
    ) -> Measurement:
        """Let the dish take readings at its present position and average them.

        The dish reports the average and the last reading, not the scatter.

        Raises
        ------
        InvalidInput
            For less than one reading.
        DeviceError
            As the console gives it.
        """
        if reads < 1:
            raise InvalidInput("reads", reads, "at least 1")
        for _ in range(_RESTARTS):
            await self._power_lnb()
            answer = await self._console.ask(
                Menu.DVB,
                f"rssi {reads}",
                _RSSI,
                timeout_s=self._console.timeout_s + reads * _READING_S,
            )
            if self._console.sessions == self._powered_in:
                break
        else:
            raise DeviceProtocolError(self.name, "restarts again and again: check its power")
        if int(answer["reads"]) != reads:
            raise DeviceProtocolError(self.name, f"took {answer['reads']} readings, not {reads}")
        return Measurement(
            reads=reads,
            mean=float(answer["average"]),
            std=float("nan"),
            last=float(answer["current"]),
            domain="native units, uncorrected",
        )

    async def _power_lnb(self) -> None:
        """Power the LNB, once for as long as the dish stays up."""
        if self._powered_in != self._console.sessions:
            await self._console.ask(Menu.DVB, "lnbdc odu", _NO_COMPLAINT)
            self._powered_in = self._console.sessions
