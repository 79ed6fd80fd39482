"""Scan sessions: started, listed, held, resumed, cancelled, read.

The node owns a session that it has claimed; here is kept what its users want of it beside
what it last reported, and the node is told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.node_link import Desired
from skyscan_lab.protocol.plans import PlanLocation, ScanPlan, make_plan
from skyscan_lab.protocol.recording import Recording
from skyscan_lab.protocol.records import Entry
from skyscan_lab.protocol.rpc import Probed, RpcFailure
from skyscan_lab.protocol.skyscan import ScanRequest
from skyscan_server.bus.base import SESSIONS, TASKS, Bus
from skyscan_server.domain import calls, holding
from skyscan_server.domain.appending import append, cancelled
from skyscan_server.domain.calls import CallFailed, NodeCaller
from skyscan_server.domain.errors import Conflict, DomainError, NotFound, Refused, Unavailable
from skyscan_server.domain.messages import RECORD
from skyscan_server.domain.summary import Summary
from skyscan_server.store import records, rotors, sessions
from skyscan_server.store.database import Database
from skyscan_server.store.rotors import RotorRow
from skyscan_server.store.sessions import Page, SessionRow

log = structlog.get_logger(__name__)

NO_SESSION = "Scan session not found"
NO_ROTOR = "Rotor not found"
NO_ROTCTLD = "Cannot connect to rotctld"
NO_RSSI = "Rotor does not support RSSI"

_MUST_BE = {
    "pause": (Desired.HOLD, (ScanStatus.RUNNING,), "running"),
    "resume": (Desired.RUN, (ScanStatus.PAUSED,), "paused"),
    "cancel": (
        Desired.CANCEL,
        (ScanStatus.RUNNING, ScanStatus.PAUSED, ScanStatus.PENDING),
        "running, paused, or pending",
    ),
}


class Sessions:
    """The sessions of this hub.

    Parameters
    ----------
    database : Database
        Where they are remembered.
    bus : Bus
        Woken when something is asked of a node, and when a session has changed.
    caller : NodeCaller
        Through which rotors are probed.
    """

    def __init__(self, database: Database, bus: Bus, caller: NodeCaller) -> None:
        self._database = database
        self._bus = bus
        self._caller = caller

    async def start(self, request: ScanRequest) -> SessionRow:
        """Make a session for a node to scan.

        Parameters
        ----------
        request : ScanRequest
            What is asked for.

        Raises
        ------
        InvalidInput, Invalid
            For a grid that cannot be made.
        NotFound
            For a rotor that is not there.
        Conflict
            For a rotor that somebody holds, or has just changed.
        Unavailable
            For a rotor that its node cannot reach; nothing of the session is left behind.
        Refused
            For a rotor without RSSI, or one that cannot reach the grid.
        """
        grid = request.grid
        async with self._database.read() as connection:
            rotor = await rotors.get(connection, request.rotor_id)
            if rotor is None:
                raise NotFound(NO_ROTOR)
            await holding.require_free(connection, rotor)
        probed = await self._probe(rotor, request)
        graph = GraphRotor.model_validate(rotor.graph)
        site = graph.station.site
        plan = make_plan(
            grid,
            reads=request.rssi_iterations,
            units=probed.units,
            clip=request.clip,
            title=request.title,
            location=PlanLocation(
                latitude_deg=site.latitude_deg,
                longitude_deg=site.longitude_deg,
                height_m=site.height_m,
            ),
            rotor=probed.rotor,
            receiver=probed.receiver,
            frequency_hz=getattr(graph.station.receiver, "frequency_hz", None),
            attrs={"site": site.name},
        )
        asked = request.model_dump(mode="json", exclude={"notes", "rotor_id"})
        async with self._database.write() as connection:
            session_id = await sessions.add(
                connection,
                name=plan.session,
                rotor_id=rotor.id,
                request=asked,
                plan=plan.model_dump(mode="json"),
                total=grid.size,
                created_at=datetime.now(UTC),
                notes=request.notes,
                desired=str(Desired.RUN),
                seen=0,
                claimed=False,
                epoch=0,
                **Summary().values,
            )
            epoch = await holding.claim(connection, rotor, f"scan {session_id}")
            await _require_same(connection, rotor)
            await sessions.update(connection, session_id, epoch=epoch)
            row = await sessions.get(connection, session_id)
        if row is None:
            raise NotFound(NO_SESSION)
        self._bus.publish(TASKS)
        return row

    async def get(self, session_id: int) -> SessionRow:
        """Session of a number.

        Raises
        ------
        NotFound
            Where there is none.
        """
        async with self._database.read() as connection:
            row = await sessions.get(connection, session_id)
        if row is None:
            raise NotFound(NO_SESSION)
        return row

    async def with_rotor(self, session_id: int) -> tuple[SessionRow, RotorRow]:
        """Session and the rotor it is of, which may have been deleted since."""
        row = await self.get(session_id)
        async with self._database.read() as connection:
            rotor = await rotors.get(connection, row.rotor_id, deleted=True)
        if rotor is None:
            raise NotFound(NO_ROTOR)
        return row, rotor

    async def page(self, wanted: Page) -> list[SessionRow]:
        """List sessions, the most recent first."""
        async with self._database.read() as connection:
            return await sessions.page(connection, wanted)

    async def count(self, wanted: Page) -> int:
        """Count the sessions that a page is a part of."""
        async with self._database.read() as connection:
            return await sessions.count(connection, wanted)

    async def by_status(self) -> dict[str, int]:
        """Count all sessions, by status."""
        async with self._database.read() as connection:
            return await sessions.by_status(connection)

    async def points(self, session_id: int) -> list[str]:
        """Stored points of a session, in the order of measurement, as JSON."""
        async with self._database.read() as connection:
            if await sessions.get(connection, session_id) is None:
                raise NotFound(NO_SESSION)
            return await records.of_points(connection, session_id)

    async def recording(self, session_id: int) -> tuple[dict[str, Any], list[tuple[int, str]]]:
        """Plan and records of a session as they are stored; `read_recording` reads them."""
        async with self._database.read() as connection:
            row = await sessions.get(connection, session_id)
            if row is None:
                raise NotFound(NO_SESSION)
            return row.plan, await records.bodies(connection, session_id)

    async def set_notes(self, session_id: int, notes: str | None) -> SessionRow:
        """Change the notes of a session."""
        async with self._database.write() as connection:
            await sessions.update(connection, session_id, notes=notes)
            row = await sessions.get(connection, session_id)
        if row is None:
            raise NotFound(NO_SESSION)
        return row

    async def pause(self, session_id: int) -> None:
        """Ask for a running session to be held."""
        await self._want(session_id, "pause")

    async def resume(self, session_id: int) -> None:
        """Ask for a paused session to go on."""
        await self._want(session_id, "resume")

    async def cancel(self, session_id: int) -> None:
        """Ask for a session to end.

        One that no node has claimed, or whose journal its node has lost, ends here and now.
        """
        await self._want(session_id, "cancel")

    async def _want(self, session_id: int, verb: str) -> None:
        desired, allowed, words = _MUST_BE[verb]
        async with self._database.write() as connection:
            row = await sessions.get(connection, session_id, lock=True)
            if row is None:
                raise NotFound(NO_SESSION)
            if row.status not in allowed:
                raise Refused(f"Cannot {verb} scan in '{row.status}' state (must be {words})")
            if row.desired == Desired.CANCEL and desired is not Desired.CANCEL:
                # Its node has yet to say so, but that is what it is by now.
                raise Refused(f"Cannot {verb} scan in 'cancelled' state (must be {words})")
            changes: dict[str, Any] = {"desired": str(desired), "seen": row.number}
            if desired is Desired.CANCEL and (not row.claimed or row.held is not None):
                await append(connection, row, cancelled(), **changes)
            else:
                await sessions.update(connection, session_id, **changes)
        self._bus.publish(TASKS)
        self._bus.publish(SESSIONS)

    async def _probe(self, rotor: RotorRow, request: ScanRequest) -> Probed:
        try:
            probed = await calls.probe(self._caller, rotor, request.grid)
        except CallFailed as error:
            raise _no_probe(error) from error
        if probed.units is None:
            raise Refused(NO_RSSI)
        if probed.unreachable_points is not None and not request.clip:
            raise Refused(probed.unreachable_points)
        return probed


async def _require_same(connection: AsyncConnection, rotor: RotorRow) -> None:
    """See that a rotor, now ours, is still the one that was probed."""
    now = await rotors.get(connection, rotor.id)
    if now is None:
        raise NotFound(NO_ROTOR)
    if now.graph != rotor.graph:
        raise Conflict(f"{rotor.name} was changed just now: start the scan again")


def read_recording(stored: tuple[dict[str, Any], list[tuple[int, str]]]) -> Recording:
    """Recording from what is stored of a session; takes a while for a long one."""
    plan, bodies = stored
    entries = tuple(Entry(number, RECORD.validate_json(body)) for number, body in bodies)
    return Recording(ScanPlan.model_validate(plan), entries)


def _no_probe(error: CallFailed) -> DomainError:
    log.warning("rotor cannot be probed", failure=str(error.failure), reason=error.words)
    at_the_site = error.failure in (RpcFailure.UNREACHABLE, RpcFailure.REFUSED)
    return Unavailable(NO_ROTCTLD if at_the_site else error.words)
