"""A rotor with its receiver and clock, connected once and shared by all who use it.

Servers of the dialect with RSSI serve one client at a time, so the node has one connection to
a rotor, which scans, calls and snapshots share. It is made when somebody first needs it, and
made anew after the device could not be reached. A rotor works without its receiver: the
receiver is connected only while somebody listens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from skyscan_lab.devices.base import Measurement, Position, ReadingKey, Receiver, RotorLimits
from skyscan_lab.devices.clock import Clock
from skyscan_lab.devices.factory import OpenStation, drivers_of
from skyscan_lab.devices.turns import hurry_s
from skyscan_lab.errors import (
    DeviceError,
    DeviceRefused,
    DeviceUnreachable,
    NoSignalSource,
    OutOfLimits,
    RotorStalled,
    SkyscanError,
)
from skyscan_lab.grid import ScanGrid
from skyscan_lab.power import Units
from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rpc import PositionNow, Probed
from skyscan_lab.scanning.route import plan_route
from skyscan_lab.station import Limits, Station
from skyscan_server.node.bounds import Bounds
from skyscan_server.node.stand_ins import MountClock, MountReceiver

# A clock that keeps to ours may be so much ahead, by a wait that it has still to make up for.
_AHEAD = timedelta(seconds=1)

T = TypeVar("T")
Permit = Callable[[], None]


class Overtaken(RotorStalled):
    """The rotor was stopped, or sent elsewhere, before it had arrived."""


def _always() -> None:
    """Let an order through."""


class Mount:
    """A rotor of the graph and all that belongs to it.

    Parameters
    ----------
    rotor : GraphRotor
        What stands there.
    bounds : Bounds
        What the node's own file allows.

    Attributes
    ----------
    key : str
        Of the rotor.
    clock : Clock
        Time at the station, also before it is connected.
    moved_by : object or None
        Whose the newest order to move is; None after a stop.
    """

    def __init__(self, rotor: GraphRotor, bounds: Bounds) -> None:
        self.key = rotor.key
        self.moved_by: object = None
        self.clock: Clock = MountClock(self._current_clock)
        self._rotor = rotor
        self._bounds = bounds
        self._removed = False
        self._opened = AsyncExitStack()
        self._heard = AsyncExitStack()
        self._devices: OpenStation | None = None
        self._hears = False
        self._lost = False
        self._changing = asyncio.Lock()
        self._listeners = 0
        self._under_way = 0
        self._given = 0
        self._not_before: datetime | None = None
        self._seen: tuple[float, PositionNow] | None = None
        self._refused: tuple[float, DeviceUnreachable] | None = None
        self._away: DeviceUnreachable | None = None

    @property
    def name(self) -> str:
        """How people know the rotor."""
        return self._rotor.name if self._devices is None else self._devices.rotor.name

    @property
    def station(self) -> Station:
        """What stands there."""
        return self._rotor.station

    @property
    def devices(self) -> OpenStation | None:
        """Devices that are connected now."""
        return self._devices

    @property
    def moving(self) -> bool:
        """Whether an order to move is being carried out."""
        return self._under_way > 0

    @property
    def limits(self) -> RotorLimits:
        """Range that people may use: of the driver and the node's file, above the lowest elevation.

        Raises
        ------
        OutOfLimits
            Where nothing is left.
        """
        limits = self.hard_limits
        low, high = limits.elevation_deg
        lowest = max(low, self._rotor.min_elevation_deg)
        if lowest >= high:
            raise OutOfLimits(
                self.name,
                f"its lowest elevation, {lowest:g}°, leaves nothing of its limits ({limits})",
            )
        return RotorLimits(limits.azimuth_deg, (lowest, high))

    @property
    def hard_limits(self) -> RotorLimits:
        """Range of the driver, in which that of the node's file is contained."""
        if self._devices is not None:
            return self._devices.rotor.limits
        described = self.station.rotor.limits
        return RotorLimits() if described is None else RotorLimits.of(described)

    def configure(self, rotor: GraphRotor) -> None:
        """Go on with another description; devices are connected anew where it is of others."""
        if rotor.station != self._rotor.station:
            self._lost = True
        self._rotor = rotor

    async def remove(self) -> None:
        """Disconnect for good: the rotor is no longer in the graph."""
        self._removed = True
        await self.close()

    async def close(self) -> None:
        """Disconnect; whoever uses the rotor next connects it again."""
        async with self._changing:
            await self._disconnect()

    def begin_after(self, moment: datetime | None) -> None:
        """Let the time of a simulated station go on from there, should it be ahead of ours.

        Such a station may run faster than we do; taken up again, its scans would go back in
        time.
        """
        if moment is not None:
            self._not_before = max(moment, self._not_before or moment)

    async def reach(self) -> None:
        """See that the rotor can be reached; nothing moves.

        Raises
        ------
        DeviceError
            Where it cannot.
        """
        await self._ready(receiver=False)

    async def position(self) -> Position:
        """Where the rotor is now."""
        return await self._use(lambda devices: devices.rotor.position(), note=True)

    async def position_now(self, *, max_age_s: float = 0.0) -> PositionNow:
        """Where the rotor is, as it is told to others; one seen that recently is good enough."""
        if self._seen is None or time.monotonic() - self._seen[0] > max_age_s:
            await self.position()
        if self._seen is None:
            raise DeviceUnreachable(self.name, "has not said where it is")
        return self._seen[1]

    async def move(
        self,
        azimuth_deg: float,
        elevation_deg: float,
        permit: Permit = _always,
        by: object = None,
    ) -> Position:
        """Go to a target and return once settled there.

        Parameters
        ----------
        azimuth_deg, elevation_deg : float
            On the rotor's own turn, within `limits`.
        permit : callable
            Called at the last moment before the order is given; may raise to prevent it.
        by : object, optional
            Whose order it is, for `moved_by`.

        Raises
        ------
        DeviceError
            As the driver does, and whatever `permit` raises.
        """

        def check() -> None:
            self.limits.check(self.name, azimuth_deg, elevation_deg)
            permit()

        return await self._order(
            lambda devices: devices.rotor.move(azimuth_deg, elevation_deg), check, by
        )

    async def turn_to(
        self, target: Position, permit: Permit = _always, by: object = None
    ) -> Position:
        """Go to a target within the hard limits alone, as an axis that stays may be lower.

        Parameters
        ----------
        target : Position
            Where to.
        permit, by : callable, object
            As for `move`.
        """
        return await self._order(lambda devices: devices.rotor.move(*target), permit, by)

    async def park(self, permit: Permit = _always, by: object = None) -> Position:
        """Go to the park position, which may lie below the lowest elevation for people.

        Where the node's file has hard limits, the rotor is sent to the nearest place within
        them: a controller with a park position of its own does not know them.

        Parameters
        ----------
        permit, by : callable, object
            As for `move`.
        """

        async def go(devices: OpenStation) -> Position:
            if self._bounds.has_hard_limits(self.key):
                place = devices.rotor.limits.nearest(Position(*self.station.rotor.park))
                return await devices.rotor.move(*place)
            await devices.rotor.park()
            return await devices.rotor.position()

        return await self._order(go, permit, by)

    async def stop(self) -> None:
        """Stop all motion, whoever ordered it."""
        await self._use(self._stop)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Receiver]:
        """Receiver, connected for as long as anybody is in such a block.

        Raises
        ------
        NoSignalSource
            Where there is no signal to be had.
        DeviceError
            Where rotor or receiver cannot be reached.
        """
        self._listeners += 1
        try:
            await self._ready(receiver=True)
            yield MountReceiver(self._present.receiver, self.read)
        finally:
            self._listeners -= 1
            if self._listeners == 0:
                async with self._changing:
                    if self._listeners == 0:
                        await self._stop_hearing()

    async def read(self, reads: int, key: ReadingKey | None) -> Measurement:
        """Take readings; only within `listening`."""
        return await self._use(lambda devices: devices.receiver.read(reads, key), receiver=True)

    async def probe(self, grid: ScanGrid | None) -> Probed:
        """Connect everything and say what it is; nothing moves.

        Parameters
        ----------
        grid : ScanGrid, optional
            Of which to say whether the rotor reaches all points.
        """
        await self.position()
        units: Units | None = None
        try:
            async with self.listening() as receiver:
                units, hears = receiver.units, receiver.name
        except NoSignalSource as error:
            hears = error.device
        limits, problem = self.limits, None
        if grid is not None:
            try:
                plan_route(grid, limits, rotor=self.name)
            except OutOfLimits as error:
                problem = str(error)
        return Probed(
            model=str(getattr(self._present.rotor, "model", "") or self.name),
            rotor=self.name,
            receiver=hears,
            units=units,
            limits=Limits(azimuth_deg=limits.azimuth_deg, elevation_deg=limits.elevation_deg),
            unreachable_points=problem,
        )

    @property
    def _present(self) -> OpenStation:
        if self._devices is None:
            raise DeviceUnreachable(self.name, "is not connected")
        return self._devices

    def _current_clock(self) -> Clock | None:
        return None if self._devices is None else self._devices.clock

    async def _order(
        self,
        go: Callable[[OpenStation], Awaitable[Position]],
        check: Permit,
        by: object,
    ) -> Position:
        order = 0

        async def give(devices: OpenStation) -> Position:
            nonlocal order
            check()
            self._given += 1
            order, self.moved_by = self._given, by
            return await go(devices)

        self._under_way += 1
        try:
            return await self._use(give, note=True)
        except RotorStalled as error:
            if self._given != order:
                raise Overtaken(self.name, error.reason) from error
            raise
        finally:
            self._under_way -= 1

    async def _stop(self, devices: OpenStation) -> None:
        self._given += 1
        self.moved_by = None
        await devices.rotor.stop()

    async def _use(
        self,
        step: Callable[[OpenStation], Awaitable[T]],
        *,
        receiver: bool = False,
        note: bool = False,
    ) -> T:
        """Carry out a step with the devices connected; notice when they are out of reach."""
        devices = await self._ready(receiver=receiver)
        try:
            result = await step(devices)
        except DeviceUnreachable as error:
            if devices is self._devices:
                self._lost, self._away = True, error
            raise
        if note and isinstance(result, Position):
            self._note(result)
        return result

    def _note(self, where: Position) -> None:
        self._seen = (
            time.monotonic(),
            PositionNow(
                azimuth_deg=where.azimuth_deg,
                elevation_deg=where.elevation_deg,
                time=self.clock.now(),
            ),
        )

    async def _ready(self, *, receiver: bool) -> OpenStation:
        if self._devices is not None and not self._lost and (self._hears or not receiver):
            return self._devices
        asked = time.monotonic()
        async with self._turn_to_change():
            if self._removed:
                raise DeviceUnreachable(self.key, "this rotor is no longer in the hub's graph")
            if self._refused is not None and self._refused[0] > asked:
                # Tried while we waited: everybody in turn would wait for the same to happen.
                raise DeviceUnreachable(self._refused[1].device, self._refused[1].reason)
            if self._lost:
                await self._disconnect()
            if self._devices is None:
                try:
                    self._devices = await self._connect()
                    self._away = None
                except DeviceUnreachable as error:
                    self._refused, self._away = (time.monotonic(), error), error
                    raise
            if receiver and not self._hears:
                await self._heard.enter_async_context(self._devices.receiver)
                self._hears = True
            return self._devices

    @asynccontextmanager
    async def _turn_to_change(self) -> AsyncIterator[None]:
        """Connect nothing beside others; who is in a hurry waits a moment for a lost device.

        Raises
        ------
        DeviceUnreachable
            To who is in a hurry, while another one calls the device in vain.
        """
        away = self._away
        if away is None:
            await self._changing.acquire()
        else:
            try:
                async with asyncio.timeout(hurry_s()):
                    await self._changing.acquire()
            except TimeoutError:
                raise DeviceUnreachable(away.device, away.reason) from None
        try:
            yield
        finally:
            self._changing.release()

    async def _connect(self) -> OpenStation:
        station = self._bounds.apply(self._rotor)
        epoch = None
        if station.rotor.driver == "simulated" and self._not_before is not None:
            ahead = self._not_before - datetime.now(UTC)
            epoch = self._not_before if ahead > _AHEAD else None
        try:
            # In a thread, because it may import a driver from a slow disk.
            devices = await asyncio.to_thread(drivers_of, station, epoch=epoch)
        except DeviceError:
            raise
        except (SkyscanError, ImportError) as error:
            # Settings that do not go together, or a package that is not installed here.
            raise DeviceRefused(self._rotor.name, str(error)) from error
        await self._opened.enter_async_context(devices.rotor)
        return devices

    async def _disconnect(self) -> None:
        if self._devices is not None:
            self.begin_after(self._devices.clock.now())
        self._devices = None
        self._lost = False
        try:
            # The receiver first: it may borrow the rotor's connection.
            await self._stop_hearing()
        finally:
            await self._opened.aclose()

    async def _stop_hearing(self) -> None:
        self._hears = False
        await self._heard.aclose()
