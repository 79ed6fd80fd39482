"""Rotor behind a rotctld server, and the receiver of a dish that has one behind it."""

from __future__ import annotations

import contextlib
import math
from types import TracebackType
from typing import Self

from skyscan_lab.devices import hamlib
from skyscan_lab.devices.base import Measurement, Position, ReadingKey, RotorLimits
from skyscan_lab.devices.clock import Clock, SystemClock
from skyscan_lab.devices.connection import LineConnection
from skyscan_lab.devices.orders import Orders
from skyscan_lab.devices.rotctld_dialects import HamlibDialect, RssiDialect, detect
from skyscan_lab.devices.settle import PARK_STANDSTILL_S, Settler, Settling
from skyscan_lab.errors import (
    DeviceRefused,
    DeviceUnreachable,
    InvalidInput,
    NoSignalSource,
    PositionMismatch,
)
from skyscan_lab.power import Units


class RotctldRotor:
    """A rotor behind hamlib's rotctld, or behind a server of its dialect with RSSI.

    Which of the two, it finds out when it connects. Targets are checked before they are sent,
    because rotctld accepts NaN, and reads the number before a comma; arrival is measured,
    because it answers before the rotor moves. When the server is restarted during a move, the
    target is sent again.

    Parameters
    ----------
    host : str
        Name or address of the server.
    port : int
        Its TCP port.
    limits : RotorLimits, optional
        Of the station; narrowed by what the server reports.
    park : Position, optional
        Where to park a rotor whose server cannot; the nearest position within the limits.
    settling : Settling, optional
        When a move has ended.
    clock : Clock, optional
        Station time.
    timeout_s : float
        For a connection and for an answer, real seconds.
    reconnect_s : float
        For how long a lost connection is tried again, real seconds.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 4533,
        *,
        limits: RotorLimits | None = None,
        park: Position | None = None,
        settling: Settling | None = None,
        clock: Clock | None = None,
        timeout_s: float = 5.0,
        reconnect_s: float = 30.0,
    ) -> None:
        self.name = f"rotctld {host}:{port}"
        self.model = ""
        """What the server calls the rotor, once connected."""
        self._station_limits = limits
        self._limits = limits or RotorLimits()
        self._park = park or Position(0.0, 0.0)
        self._settler = Settler(self.name, clock or SystemClock(), settling)
        self._connection = LineConnection(
            self.name, host, port, timeout_s=timeout_s, reconnect_s=reconnect_s
        )
        self._dialect: HamlibDialect | RssiDialect | None = None
        self._orders = Orders(
            self.name, self.position, self._settler, lambda: self._connection.generation
        )

    async def __aenter__(self) -> Self:
        """Connect, and find out what the server speaks and how far the rotor turns."""
        await self._connection.open()
        try:
            self._dialect = await detect(self._connection)
            self._limits = self._narrowed(self._dialect.limits)
            with contextlib.suppress(DeviceRefused):  # a name is good to have, no more
                self.model = await self._dialect.info()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        self._settler.limits = self._limits
        self._settler.forget()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; the rotor stays where it is."""
        self._dialect = None
        await self._connection.close()

    @property
    def limits(self) -> RotorLimits:
        """Range of motion: what both the station and, once connected, the server allow."""
        return self._limits

    def rssi_source(self) -> RssiDialect:
        """Server that reads the signal strength as well.

        Raises
        ------
        NoSignalSource
            When the rotor's server lists no such capability.
        """
        dialect = self._connected()
        if isinstance(dialect, RssiDialect) and "rssi" in dialect.capabilities:
            return dialect
        raise NoSignalSource(self.name, "rotor does not support RSSI")

    async def position(self) -> Position:
        """Where the rotor is now."""
        where = await self._connected().position()
        if not all(map(math.isfinite, where)):
            raise PositionMismatch(self.name, f"reports the position {tuple(where)}")
        return where

    async def move(self, azimuth_deg: float, elevation_deg: float) -> Position:
        """Go to a target and return once settled there, with the position reached.

        Raises
        ------
        OutOfLimits
            Before anything is sent.
        RotorStalled
            Without progress, or stopped on the way.
        DeviceError
            Others as the connection and the server give them.
        """
        self._limits.check(self.name, azimuth_deg, elevation_deg)
        dialect = self._connected()
        follow = await self._orders.give(lambda: dialect.move(azimuth_deg, elevation_deg))
        return await self._settler.arrive(follow, azimuth_deg, elevation_deg)

    async def stop(self) -> None:
        """Stop all motion, and return once it has stopped."""
        dialect = self._connected()
        follow = await self._orders.give(dialect.stop, repeat=False)
        if not dialect.stop_holds:
            # What stops these motors is being sent to where they are, also when it was
            # another program, or an earlier session, that had sent them on.
            where = await self.position()
            follow = await self._orders.give(lambda: dialect.move(*where))
        await self._settler.standstill(follow)

    async def park(self) -> None:
        """Go to the park position, and return once there."""
        dialect = self._connected()
        try:
            follow = await self._orders.give(dialect.park)
        except DeviceRefused as error:
            if error.code not in hamlib.NOT_KNOWN:
                raise
            await self.move(*self._limits.nearest(self._park))
        else:
            await self._settler.standstill(follow, PARK_STANDSTILL_S)

    def _connected(self) -> HamlibDialect | RssiDialect:
        if self._dialect is None:
            raise DeviceUnreachable(self.name, "is not connected")
        return self._dialect

    def _narrowed(self, reported: RotorLimits | None) -> RotorLimits:
        """What both the station and the server allow, as far as they say."""
        if self._station_limits is None or reported is None:
            return reported or self._station_limits or RotorLimits()
        return self._station_limits.narrowed(self.name, reported)


class RotctldReceiver:
    """Signal strength that a rotor's own server reads, in the receiver's counts.

    It borrows the rotor's connection, because such a server serves one client at a time.

    Parameters
    ----------
    rotor : RotctldRotor
        Connected for as long as this receiver is used.
    """

    units: Units = "counts"

    def __init__(self, rotor: RotctldRotor) -> None:
        self.name = f"{rotor.name} RSSI"
        self._rotor = rotor

    async def __aenter__(self) -> Self:
        """Check that the rotor has a receiver.

        Raises
        ------
        NoSignalSource
            When it has none.
        DeviceUnreachable
            When the rotor is not connected.
        """
        self._rotor.rssi_source()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the connection to the rotor."""

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:  # noqa: ARG002 -- only simulated noise needs the key
        """Let the dish take readings and average them.

        The dish reports their average, rounded, and the last one; their scatter stays unknown.

        Raises
        ------
        InvalidInput
            For fewer than one reading.
        """
        if reads < 1:
            raise InvalidInput("reads", reads, "at least 1")
        taken, average, current = await self._rotor.rssi_source().read_rssi(reads)
        return Measurement(taken, average, math.nan, current, "native units, uncorrected")
