"""Rotors that people move: under a claim of their own, which ends with the motion.

A stop asks nobody: it goes to the node before the store is even looked at, and ends whatever
claim a motion of ours had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
import structlog

from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rotors import JogRequest, MoveRequest, PointRequest
from skyscan_lab.protocol.rpc import JOG_RENEWAL_S, Jog
from skyscan_server.domain import calls, holding
from skyscan_server.domain.calls import MOVE_TIMEOUT_S, NodeCaller
from skyscan_server.domain.errors import DomainError
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.targets import Target, target_now
from skyscan_server.store import control
from skyscan_server.store.database import Database
from skyscan_server.store.errors import StoreError
from skyscan_server.store.rotors import RotorRow

# A move that is refused is refused within this time; longer than it, it is under way.
_REFUSED_WITHIN_S = 1.5

log = structlog.get_logger(__name__)


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
    """

    def __init__(self, database: Database, rotors: Rotors, caller: NodeCaller) -> None:
        self._database = database
        self._rotors = rotors
        self._caller = caller
        self._under_way: set[asyncio.Task[Any]] = set()
        self._renewals: dict[int, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        epoch = await self._claim(rotor, "move", MOVE_TIMEOUT_S)
        slew = calls.move(self._caller, rotor, target.azimuth, target.elevation, epoch)
        await self._begin(rotor, epoch, slew)
        return epoch

    async def point(self, rotor_id: int, request: PointRequest) -> Target:
        """Begin a slew to a named target, where it is now; raises as `move` and `target_now`."""
        rotor = await self._rotors.get(rotor_id)
        site = GraphRotor.model_validate(rotor.graph).station.site
        target = await asyncio.to_thread(target_now, request, site)
        await self.move(
            rotor_id, MoveRequest(azimuth=target.azimuth_deg, elevation=target.elevation_deg)
        )
        return target

    async def park(self, rotor_id: int) -> int:
        """Begin to park; raises as `move`."""
        rotor = await self._rotors.get(rotor_id)
        epoch = await self._claim(rotor, "park", MOVE_TIMEOUT_S)
        await self._begin(rotor, epoch, calls.park(self._caller, rotor, epoch))
        return epoch

    async def jog(self, rotor_id: int, request: JogRequest) -> int:
        """Begin a jog, or renew one by its epoch; raises as `move`.

        Not renewed within `JOG_RENEWAL_S`, it is stopped, by the node and from here.
        """
        rotor = await self._rotors.get(rotor_id)
        if request.epoch is None:
            epoch = await self._claim(rotor, "jog", 2 * JOG_RENEWAL_S)
        else:
            epoch = request.epoch
            async with self._database.write() as connection:
                await holding.renew(connection, rotor, epoch, for_s=2 * JOG_RENEWAL_S)
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
        if epoch in self._renewals:
            self._renewals[epoch].set()
        else:
            self._renewals[epoch] = asyncio.Event()
            self._own(self._dead_man(rotor, epoch))
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
        await calls.stop(self._caller, rotor)
        try:
            async with self._database.write() as connection:
                row = await control.get(connection, rotor_id)
                if row.until is not None:  # a motion of ours; a scan is held, and keeps its claim
                    await control.release(connection, rotor_id, row.epoch)
        except (StoreError, OSError, sa.exc.SQLAlchemyError) as error:
            # It stands still, which is what was asked for; the claim runs out by itself.
            log.warning("claim not given up after a stop", reason=str(error))

    async def _claim(self, rotor: RotorRow, what: str, for_s: float) -> int:
        async with self._database.write() as connection:
            return await holding.claim(connection, rotor, what, for_s=for_s)

    async def _release(self, rotor: RotorRow, epoch: int) -> None:
        async with self._database.write() as connection:
            await control.release(connection, rotor.id, epoch)

    async def _begin(
        self, rotor: RotorRow, epoch: int, motion: Coroutine[Any, Any, object]
    ) -> None:
        """Start a motion and wait for a while, so that a refusal reaches who asked."""
        task = self._own(self._carry_out(rotor, epoch, motion))
        done, _ = await asyncio.wait({task}, timeout=_REFUSED_WITHIN_S)
        if done:
            task.result()
        else:
            task.add_done_callback(_log_failure)

    async def _carry_out(
        self, rotor: RotorRow, epoch: int, motion: Coroutine[Any, Any, object]
    ) -> None:
        try:
            await motion
        finally:
            await self._release(rotor, epoch)

    async def _dead_man(self, rotor: RotorRow, epoch: int) -> None:
        """Stop a jog that is renewed no more, beside the node that does the same."""
        renewed = self._renewals[epoch]
        try:
            while True:
                renewed.clear()
                async with asyncio.timeout(JOG_RENEWAL_S):
                    await renewed.wait()
        except TimeoutError:
            async with self._database.read() as connection:
                ours = (await control.get(connection, rotor.id)).epoch == epoch
            if ours:  # else it was stopped, and somebody else may move the rotor by now
                await calls.stop(self._caller, rotor)
        finally:
            del self._renewals[epoch]
            await self._release(rotor, epoch)

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("motion ended early", reason=str(error))
