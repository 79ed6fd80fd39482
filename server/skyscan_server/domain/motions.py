"""Rotors that people move: under a claim of their own, which ends with the motion.

A stop asks nobody: it goes to the node before the store is even looked at, and ends whatever
claim a motion of ours had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rotors import JogRequest, MoveRequest, PointRequest
from skyscan_lab.protocol.rpc import JOG_RENEWAL_S, Jog
from skyscan_server.domain import calls, holding
from skyscan_server.domain.calls import MOVE_TIMEOUT_S, NodeCaller
from skyscan_server.domain.errors import DomainError
from skyscan_server.domain.orbits import Orbits
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.targets import Target, target_now
from skyscan_server.store import control
from skyscan_server.store.control import ControlRow
from skyscan_server.store.database import Database
from skyscan_server.store.errors import StoreError
from skyscan_server.store.rotors import RotorRow

# A move that is refused is refused within this time; longer than it, it is under way.
_REFUSED_WITHIN_S = 1.5

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Jog:
    """A jog that this hub watches over."""

    renewed: asyncio.Event = field(default_factory=asyncio.Event)
    ending: bool = False


class Motions:
    """Moves, parks, jogs and stops. Entered, it owns the motions under way.

    Parameters
    ----------
    database : Database
        Where claims are.
    rotors : Rotors
        The rotors.
    caller : NodeCaller
        Through which they are moved.
    orbits : Orbits
        Satellites that can be pointed at.
    refused_within_s : float
        How long a motion is waited for, so that its refusal reaches who asked.
    renewal_s : float
        Time within which a jog must be renewed.
    """

    def __init__(
        self,
        database: Database,
        rotors: Rotors,
        caller: NodeCaller,
        orbits: Orbits,
        *,
        refused_within_s: float = _REFUSED_WITHIN_S,
        renewal_s: float = JOG_RENEWAL_S,
    ) -> None:
        self._database = database
        self._rotors = rotors
        self._caller = caller
        self._orbits = orbits
        self._refused_within_s = refused_within_s
        self._renewal_s = renewal_s
        self._under_way: set[asyncio.Task[Any]] = set()
        self._jogs: dict[tuple[int, int], _Jog] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.sleep(0)  # a task that has not begun would be cancelled without its end
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def move(self, rotor_id: int, target: MoveRequest) -> int:
        """Begin a slew and return the epoch of its claim.

        Raises
        ------
        NotFound, Conflict
            For a rotor that is not there, or that somebody holds.
        Refused, Unavailable, Upstream
            For a target outside of its limits, and for one that cannot be reached.
        """
        rotor = await self._rotors.get(rotor_id)
        return await self._begin(
            rotor,
            "move",
            lambda epoch: calls.move(self._caller, rotor, target.azimuth, target.elevation, epoch),
        )

    async def point(self, rotor_id: int, request: PointRequest) -> Target:
        """Begin a slew to a named target, where it is now; raises as `move` and `target_now`."""
        rotor = await self._rotors.get(rotor_id)
        site = GraphRotor.model_validate(rotor.graph).station.site
        target = await asyncio.to_thread(target_now, request, site, self._orbits)
        await self.move(
            rotor_id, MoveRequest(azimuth=target.azimuth_deg, elevation=target.elevation_deg)
        )
        return target

    async def park(self, rotor_id: int) -> int:
        """Begin to park; raises as `move`."""
        rotor = await self._rotors.get(rotor_id)
        return await self._begin(
            rotor, "park", lambda epoch: calls.park(self._caller, rotor, epoch)
        )

    async def jog(self, rotor_id: int, request: JogRequest) -> int:
        """Begin a jog, or renew one by its epoch; raises as `move`.

        Not renewed within `JOG_RENEWAL_S`, it is stopped, by the node and from here.
        """
        rotor = await self._rotors.get(rotor_id)
        if request.epoch is None:
            epoch = await self._claim(rotor, "jog", 2 * self._renewal_s)
        else:
            epoch = request.epoch
            await self._renew(rotor, epoch)
        try:
            await calls.jog(
                self._caller,
                rotor,
                Jog(
                    rotor=rotor.key,
                    azimuth=request.azimuth,
                    elevation=request.elevation,
                    epoch=epoch,
                ),
            )
        except DomainError:
            await self._release(rotor, epoch)
            raise
        jog = self._jogs.get((rotor.id, epoch))
        if jog is None:
            self._jogs[rotor.id, epoch] = _Jog()
            self._own(self._dead_man(rotor, epoch))
        else:
            jog.renewed.set()
        return epoch

    async def stop(self, rotor_id: int) -> None:
        """Stop a rotor, whoever holds it.

        Raises
        ------
        NotFound
            For a rotor that is not there.
        Unavailable, Upstream
            Where its node cannot be told: it then has to be stopped at the site.
        """
        rotor = self._rotors.known(rotor_id) or await self._rotors.get(rotor_id)
        # Read beside the call, which waits for nothing: afterwards, it may be the next one's.
        holder = self._own(self._holder(rotor))
        await calls.stop(self._caller, rotor)
        # It stands still, which is what was asked for, whatever the store is busy with.
        ending = self._own(self._end_motion(rotor, holder))
        await asyncio.wait({ending}, timeout=self._refused_within_s)

    async def _begin(
        self, rotor: RotorRow, what: str, motion: Callable[[int], Awaitable[object]]
    ) -> int:
        """Start a motion and wait for a while, so that a refusal reaches who asked.

        It is a task of ours from the claim to the release, so that it ends as it must even
        where nobody waits for it any more.
        """
        claimed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = self._own(self._carry_out(rotor, what, motion, claimed))
        either: set[asyncio.Future[Any]] = {task, claimed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        done, _ = await asyncio.wait({task}, timeout=self._refused_within_s)
        for ended in done:
            ended.result()
        return claimed.result()

    async def _carry_out(
        self,
        rotor: RotorRow,
        what: str,
        motion: Callable[[int], Awaitable[object]],
        claimed: asyncio.Future[int],
    ) -> None:
        epoch = await self._claim(rotor, what, MOVE_TIMEOUT_S)
        try:
            if not claimed.done():
                claimed.set_result(epoch)
            await motion(epoch)
        finally:
            await self._release(rotor, epoch)

    async def _claim(self, rotor: RotorRow, what: str, for_s: float) -> int:
        async with self._database.write() as connection:
            return await holding.claim(connection, rotor, what, for_s=for_s)

    async def _renew(self, rotor: RotorRow, epoch: int) -> None:
        self._require_going_on(rotor, epoch)
        async with self._database.write() as connection:
            await holding.renew(connection, rotor, epoch, "jog", for_s=2 * self._renewal_s)
        self._require_going_on(rotor, epoch)

    def _require_going_on(self, rotor: RotorRow, epoch: int) -> None:
        jog = self._jogs.get((rotor.id, epoch))
        if jog is not None and jog.ending:
            raise holding.ended(rotor, epoch)

    async def _release(self, rotor: RotorRow, epoch: int) -> None:
        try:
            async with self._database.write() as connection:
                await control.release(connection, rotor.id, epoch)
        except StoreError as error:
            log.warning("claim not given up: it runs out", rotor=rotor.name, reason=str(error))

    async def _holder(self, rotor: RotorRow) -> ControlRow | None:
        try:
            async with self._database.read() as connection:
                return await control.get(connection, rotor.id)
        except StoreError as error:
            log.warning("claim cannot be read", rotor=rotor.name, reason=str(error))
            return None

    async def _end_motion(self, rotor: RotorRow, holder: asyncio.Task[ControlRow | None]) -> None:
        """End the claim that a motion had, and not that of a scan, which is held."""
        row = await holder
        if row is not None and row.until is not None:
            await self._release(rotor, row.epoch)

    async def _dead_man(self, rotor: RotorRow, epoch: int) -> None:
        """Stop a jog that is renewed no more, beside the node that does the same."""
        jog = self._jogs[rotor.id, epoch]
        try:
            while await self._is_renewed(rotor, epoch, jog):
                pass
        finally:
            del self._jogs[rotor.id, epoch]
            await self._release(rotor, epoch)

    async def _is_renewed(self, rotor: RotorRow, epoch: int, jog: _Jog) -> bool:
        """Wait for a renewal; where there is none, stop the rotor."""
        try:
            async with asyncio.timeout(self._renewal_s):
                await jog.renewed.wait()
        except TimeoutError:
            pass
        else:
            jog.renewed.clear()
            return True
        jog.ending = True  # a renewal that comes from now on comes too late
        try:
            async with self._database.read() as connection:
                row, now = await control.get(connection, rotor.id), await control.now(connection)
        except StoreError as error:
            # Nobody can have taken the rotor meanwhile.
            log.warning("claim of a jog cannot be read", rotor=rotor.name, reason=str(error))
        else:
            if row.epoch != epoch:  # it was stopped, and somebody else may move the rotor
                return False
            if row.until is not None and row.until - now > timedelta(seconds=self._renewal_s):
                jog.ending = False  # renewed by way of another hub, or just now
                return True
        await calls.stop(self._caller, rotor)
        return False

    def _own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("motion ended early", reason=str(error))
