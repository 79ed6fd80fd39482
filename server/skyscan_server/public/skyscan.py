"""The Sky Scan API: sessions listed, started, held, resumed, cancelled; and their points."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.skyscan import (
    DataPoint,
    ScanDetail,
    ScanReply,
    ScanRequest,
    ScanSession,
    SessionNotes,
)
from skyscan_lab.protocol.times import AskedTime
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.ingest import Ingest
from skyscan_server.domain.messages import data_points
from skyscan_server.domain.nodes import Nodes
from skyscan_server.domain.sessions import (
    NO_ROTCTLD,
    NO_ROTOR,
    NO_RSSI,
    NO_SESSION,
    Sessions,
)
from skyscan_server.domain.troubles import Troubles
from skyscan_server.public.views import scan_detail, scan_session
from skyscan_server.store.sessions import Page
from skyscan_server.web.operations import Call, Operation

_TAG = "Sky Scan"
_NOT_FOUND = {404: NO_SESSION}


class SessionsQuery(BaseModel):
    """Which sessions to list; by default all of them."""

    model_config = ConfigDict(extra="forbid")

    limit: int | None = Field(default=None, ge=1, le=1000, description="Most to list.")
    offset: int = Field(default=0, ge=0, description="How many to pass over.")
    status: ScanStatus | None = Field(default=None, description="Those of one status.")
    rotor_id: int | None = Field(default=None, description="Those of one rotor.")
    created_after: AskedTime | None = Field(default=None, description="Made then or later.")
    created_before: AskedTime | None = Field(default=None, description="Made before.")

    @property
    def page(self) -> Page:
        """The same, as the store wants it."""
        return Page(
            limit=self.limit,
            offset=self.offset,
            status=None if self.status is None else str(self.status),
            rotor_id=self.rotor_id,
            after=self.created_after,
            before=self.created_before,
        )


class SkyScan:
    """Routes of the sessions.

    Parameters
    ----------
    sessions : Sessions
        The rules.
    nodes : Nodes
        Which of them are connected.
    troubles : Troubles
        What is the matter with sessions.
    ingest : Ingest
        What keeps the hub from storing what they measure.
    """

    def __init__(
        self, sessions: Sessions, nodes: Nodes, troubles: Troubles, ingest: Ingest
    ) -> None:
        self._sessions = sessions
        self._nodes = nodes
        self._troubles = troubles
        self._ingest = ingest

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        one = "/api/skyscan/{session_id}"
        read, write = Scope.SKYSCAN_READ, Scope.SKYSCAN_WRITE
        return [
            Operation(
                method="GET",
                path="/api/skyscan/sessions",
                handler=self.list_sessions,
                summary="List sessions, the most recent first",
                answers={"X-Total-Count": "With a limit: how many there are in all."},
                scope=read,
                tag=_TAG,
            ),
            Operation(
                method="POST",
                path="/api/skyscan/start",
                handler=self.start_scan,
                summary="Start a scan",
                scope=write,
                tag=_TAG,
                errors={
                    400: NO_RSSI,
                    404: NO_ROTOR,
                    409: "Roof is held by scan 3",
                    503: NO_ROTCTLD,
                },
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.get_session,
                summary="Get a session",
                scope=read,
                tag=_TAG,
                errors=_NOT_FOUND,
            ),
            Operation(
                method="PATCH",
                path=one,
                handler=self.edit_session,
                summary="Change the notes of a session",
                scope=write,
                tag=_TAG,
                errors=_NOT_FOUND,
            ),
            Operation(
                method="GET",
                path=f"{one}/detail",
                handler=self.get_detail,
                summary="Get a session with why it is held, its units and its node",
                scope=read,
                tag=_TAG,
                errors=_NOT_FOUND,
            ),
            Operation(
                method="GET",
                path=f"{one}/data",
                handler=self.get_data,
                summary="Get the points of a session, in the order of measurement",
                scope=read,
                tag=_TAG,
                errors=_NOT_FOUND,
                produces=("application/json",),
            ),
            *(
                Operation(
                    method="POST",
                    path=f"{one}/{verb}",
                    handler=handler,
                    summary=summary,
                    scope=write,
                    tag=_TAG,
                    errors={
                        400: f"Cannot {verb} scan in '{state}' state (must be {must})",
                        **_NOT_FOUND,
                    },
                )
                for verb, handler, summary, state, must in (
                    ("pause", self.pause_scan, "Pause a running scan", "paused", "running"),
                    ("resume", self.resume_scan, "Resume a paused scan", "running", "paused"),
                    (
                        "cancel",
                        self.cancel_scan,
                        "Cancel a scan; what is measured stays",
                        "completed",
                        "running, paused, or pending",
                    ),
                )
            ),
        ]

    async def list_sessions(self, call: Call[None, SessionsQuery]) -> list[ScanSession]:
        """List sessions."""
        wanted = call.query.page
        if wanted.limit is not None:
            call.answer_headers["X-Total-Count"] = str(await self._sessions.count(wanted))
        return [scan_session(row) for row in await self._sessions.page(wanted)]

    async def start_scan(self, call: Call[ScanRequest, None]) -> ScanSession:
        """Start a scan."""
        return scan_session(await self._sessions.start(call.body))

    async def get_session(self, call: Call[None, None]) -> ScanSession:
        """Get a session."""
        return scan_session(await self._sessions.get(call.path["session_id"]))

    async def edit_session(self, call: Call[SessionNotes, None]) -> ScanSession:
        """Change the notes of a session."""
        changed = await self._sessions.set_notes(call.path["session_id"], call.body.notes)
        return scan_session(changed)

    async def get_detail(self, call: Call[None, None]) -> ScanDetail:
        """Get a session in detail."""
        row, rotor = await self._sessions.with_rotor(call.path["session_id"])
        trouble = self._troubles.of(row.id)
        if trouble is None and not ScanStatus(row.status).final:
            trouble = self._ingest.trouble
        return scan_detail(
            row, rotor, online=await self._nodes.online(rotor.node_id), trouble=trouble
        )

    async def get_data(self, call: Call[None, None]) -> list[DataPoint] | web.Response:
        """Get the points of a session."""
        stored = await self._sessions.points(call.path["session_id"])
        # A long session is a second's work, which must not hold up everybody else.
        body = await asyncio.to_thread(
            lambda: json.dumps(data_points(stored), ensure_ascii=False).encode()
        )
        return web.Response(body=body, content_type="application/json")

    async def pause_scan(self, call: Call[None, None]) -> ScanReply:
        """Pause a scan."""
        session_id = call.path["session_id"]
        await self._sessions.pause(session_id)
        return ScanReply(status="pausing", session_id=session_id)

    async def resume_scan(self, call: Call[None, None]) -> ScanReply:
        """Resume a scan."""
        session_id = call.path["session_id"]
        await self._sessions.resume(session_id)
        return ScanReply(status="resuming", session_id=session_id)

    async def cancel_scan(self, call: Call[None, None]) -> ScanReply:
        """Cancel a scan."""
        session_id = call.path["session_id"]
        await self._sessions.cancel(session_id)
        return ScanReply(status="cancelling", session_id=session_id)
