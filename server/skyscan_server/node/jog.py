"""Jogs: an axis turns for as long as somebody says so, again and again.

A driver knows moves and stops, so a jog is a move to the end of the axis that is stopped on the
way: when it is not renewed in time, when the link to the hub is lost, when another direction is
asked for. This is the dead-man's switch, and it is here because here nothing can come between
it and the motor: neither the link nor the hub has to work for it.

A node that is ended stops what it jogs before it leaves. What it cannot do is stop a motor after
it has died: the rotor then goes on until the node is started again, which stops every rotor before
it does anything else, or to the end of its axis, where its limits stop it.
"""

from __future__ import annotations

import asyncio
from typing import Literal

import structlog

from skyscan_lab.devices.base import Position
from skyscan_lab.errors import DeviceError
from skyscan_lab.protocol.rpc import JOG_RENEWAL_S
from skyscan_lab.scanning.unbroken import unbroken
from skyscan_server.node.crew import Crew
from skyscan_server.node.fence import Fence
from skyscan_server.node.fenced import FencedRotor
from skyscan_server.node.mount import Mount

Sense = Literal[-1, 0, 1]

# A move that was stopped returns by itself; a driver that is stuck is left behind.
_RETURN_S = 2.0
_STOP_TRIES = 3
# Nearer to the end of its axis than this, a rotor has nowhere to turn to.
_END_DEG = 0.05

log = structlog.get_logger(__name__)


class Jogger:
    """The jogs of one mount: one at a time.

    Parameters
    ----------
    mount : Mount
        What turns.
    fence : Fence
        Knows who holds it.
    crew : Crew
        Owns the turning.
    renewal_s : float
        How long a jog goes on without being renewed, real seconds.
    """

    def __init__(
        self, mount: Mount, fence: Fence, crew: Crew, renewal_s: float = JOG_RENEWAL_S
    ) -> None:
        self.mount = mount
        self._fence = fence
        self._crew = crew
        self._renewal_s = renewal_s
        self._turn: _Turn | None = None
        self._starting = asyncio.Lock()
        self._stops = 0

    @property
    def turning(self) -> bool:
        """Whether a jog is under way, or still being stopped."""
        return self._turn is not None and not self._turn.ended.is_set()

    async def jog(self, azimuth: Sense, elevation: Sense, epoch: int) -> None:
        """Begin a jog, renew it, or change its direction; returns at once.

        Parameters
        ----------
        azimuth, elevation : {-1, 0, 1}
            Which way each axis turns; both 0 ends a jog.
        epoch : int
            Of the claim under which the rotor turns.

        Raises
        ------
        StaleEpoch
            Where that claim is over; whatever turns goes on.
        DeviceError
            Where the rotor cannot be asked where it is, and once, what ended the last jog.
        """
        stops = self._stops
        self._fence.check(self.mount.key, epoch)
        async with self._starting:
            turn = self._turn
            if turn is not None and turn.is_for(azimuth, elevation, epoch) and not turn.over:
                turn.renew()
                return
            await self._end_turn()
            if turn is not None and turn.failure is not None:
                failure, turn.failure = turn.failure, None
                raise failure
            if azimuth == elevation == 0:
                return
            rotor = FencedRotor(self.mount, self._fence, epoch)
            where = await rotor.position()
            target = _end(where, azimuth, elevation, self.mount)
            if max(abs(a - b) for a, b in zip(where, target, strict=True)) < _END_DEG:
                return
            await self._fence.admit(self.mount.key, epoch)
            if stops != self._stops:
                return  # stopped while we asked where it is
            self._turn = _Turn(rotor, target, (azimuth, elevation), self._renewal_s)
            self._crew.start(self._turn.run())

    async def end(self) -> None:
        """End a jog, also one that is about to begin; returns once the rotor has been stopped."""
        self._stops += 1
        await self._end_turn()

    def forget(self) -> None:
        """End a jog without stopping the rotor, because whoever calls stops it anyway."""
        self._stops += 1
        if self._turn is not None:
            self._turn.end(stop=False)

    async def _end_turn(self) -> None:
        turn = self._turn
        if turn is not None:
            turn.end()
            await turn.ended.wait()


class _Turn:
    """One jog in one direction."""

    def __init__(
        self, rotor: FencedRotor, target: Position, sense: tuple[Sense, Sense], renewal_s: float
    ) -> None:
        self.failure: DeviceError | None = None
        self.ended = asyncio.Event()
        self._rotor = rotor
        self._target = target
        self._sense = sense
        self._renewal_s = renewal_s
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + renewal_s
        self._wanted = True
        self._stops = True
        self._wake = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether it turns no more, or is about to end."""
        return self.ended.is_set() or not self._wanted

    def is_for(self, azimuth: Sense, elevation: Sense, epoch: int) -> bool:
        """Whether it turns this way, under this claim."""
        return self._sense == (azimuth, elevation) and self._rotor.epoch == epoch

    def renew(self) -> None:
        """Go on for another while."""
        self._until = self._loop.time() + self._renewal_s

    def end(self, *, stop: bool = True) -> None:
        """Turn no more; the rotor is stopped at once, or only should it go on by itself."""
        self._stops = stop
        self._wanted = False
        self._wake.set()

    async def run(self) -> None:
        """Turn until the end of the axis, or until told to stop, or no longer told to go on."""
        move = asyncio.ensure_future(self._rotor.turn_to(self._target))
        move.add_done_callback(lambda _: self._wake.set())
        try:
            await self._watch(move)
        finally:
            self._wanted = False
            try:
                await unbroken(self._finish(move))
            finally:
                self.ended.set()

    async def _watch(self, move: asyncio.Future[Position]) -> None:
        while self._wanted and not move.done():
            left_s = self._until - self._loop.time()
            if left_s <= 0.0:
                log.warning("jog stopped: it was not renewed", rotor=self._rotor.name)
                return
            try:
                async with asyncio.timeout(left_s):
                    await self._wake.wait()
            except TimeoutError:
                continue  # it may have been renewed meanwhile

    async def _finish(self, move: asyncio.Future[Position]) -> None:
        stopped = not move.done()
        self._rotor.hold()  # an order that has not been given yet is not given after the stop
        if stopped and not self._stops:
            await asyncio.wait({move}, timeout=_RETURN_S)
        if not move.done():
            # Stopped first and cancelled then: a driver that is cancelled in the middle of an
            # exchange would have to connect anew before it could stop anything.
            await self._stop()
            await asyncio.wait({move}, timeout=_RETURN_S)
        if not move.done():
            move.cancel()
            await asyncio.wait({move}, timeout=_RETURN_S)
        if move.done() and not move.cancelled():
            error = move.exception()
            if isinstance(error, DeviceError) and not stopped:
                self.failure = error
                log.warning("jog ended early", reason=str(error))
            elif error is not None and not isinstance(error, DeviceError):
                log.error("jog failed", exc_info=error)

    async def _stop(self) -> None:
        for left in reversed(range(_STOP_TRIES)):
            try:
                await self._rotor.stop()
            except DeviceError as error:
                log.critical("jog could not be stopped", reason=str(error), tries_left=left)
            else:
                return


def _end(where: Position, azimuth: Sense, elevation: Sense, mount: Mount) -> Position:
    """Where a jog would end: each axis that turns at its end, the other where it is."""
    limits = mount.limits
    return mount.hard_limits.nearest(
        Position(
            _axis(where.azimuth_deg, azimuth, limits.azimuth_deg),
            _axis(where.elevation_deg, elevation, limits.elevation_deg),
        )
    )


def _axis(now: float, sense: Sense, limits: tuple[float, float]) -> float:
    """End of an axis; where it is now, if that is beyond the end already."""
    low, high = limits
    return (min(now, low), now, max(now, high))[sense + 1]
