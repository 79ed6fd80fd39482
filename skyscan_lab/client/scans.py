"""Scans at a server: started, held, resumed, cancelled, listed, followed, and their sessions."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from skyscan_lab.client.calls import Calls, body_of
from skyscan_lab.client.errors import Refused
from skyscan_lab.client.link import Repeat
from skyscan_lab.client.watching import Watch
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.skyscan import (
    DataPoint,
    NumberedProgress,
    ScanDetail,
    ScanReply,
    ScanRequest,
    ScanSession,
    SessionNotes,
)

if TYPE_CHECKING:
    import xarray as xr

_SESSION = TypeAdapter(ScanSession)
_SESSIONS = TypeAdapter(list[ScanSession])
_DETAIL = TypeAdapter(ScanDetail)
_POINTS = TypeAdapter(list[DataPoint])
_REPLY = TypeAdapter(ScanReply)

# Before it starts a scan the server asks the rotor, and a long session takes a while to write.
_START_S = 60.0
_DATA_S = 300.0

_NAMES = {"rotor_id": "rotor", "rssi_iterations": "reads"}
_LOOK = (
    "client.sessions(limit=1) shows the newest session; if it is not the one asked for, ask again"
)


class ScanCalls(Calls):
    """The part of `SkyScanClient` that is about scans."""

    async def start(
        self,
        grid: ScanGrid,
        rotor: int,
        *,
        reads: int = 10,
        clip: bool = False,
        title: str = "Sky scan",
        notes: str | None = None,
    ) -> ScanSession:
        """Start a scan; it runs at the rotor's site, whatever becomes of this program.

        It is asked for once. Where no answer comes, nobody here knows whether there is a scan
        now, and the error says how to find out.

        Parameters
        ----------
        grid : ScanGrid
            What to visit, and in which order.
        rotor : int
            Number of the rotor.
        reads : int
            Readings averaged at each point.
        clip : bool
            Mark points that the rotor cannot reach as missing, instead of refusing the scan.
        title : str
            Of the session.
        notes : str, optional
            For people; they can be changed later.

        Returns
        -------
        ScanSession
            As it stands; ``id`` is its number.

        Raises
        ------
        InvalidInput
            Naming what is wrong with an argument.
        NotFound
            For a rotor that is not there.
        Refused
            For one without a receiver, or one that cannot reach the grid.
        Conflict
            For one that somebody holds.
        Unavailable
            For one that its site cannot reach.
        OutcomeUnknown
            Where no answer came.
        """
        request = body_of(
            ScanRequest,
            _NAMES,
            rotor_id=rotor,
            az_start=grid.az[0],
            az_end=grid.az[1],
            el_start=grid.el[0],
            el_end=grid.el[1],
            step_deg=grid.step,
            rssi_iterations=reads,
            order=grid.order,
            fast_axis=grid.fast_axis,
            clip=clip,
            title=title,
            notes=notes,
        )
        return await self._link.ask(
            "POST",
            "/api/skyscan/start",
            _SESSION,
            body=request,
            repeat=Repeat.UNSENT,
            timeout_s=_START_S,
            remedy=_LOOK,
        )

    async def scan(
        self,
        grid: ScanGrid,
        rotor: int,
        *,
        reads: int = 10,
        clip: bool = False,
        title: str = "Sky scan",
        notes: str | None = None,
    ) -> AsyncGenerator[NumberedProgress, None]:
        """Start a scan and follow it to its end.

        Leaving the loop early leaves the scan running, as closing the notebook does: it is the
        site's. To end it, `cancel` the ``session_id`` that every update has.

        Parameters
        ----------
        grid, rotor, reads, clip, title, notes
            As for `start`.

        Yields
        ------
        NumberedProgress
            As `watch`.

        Raises
        ------
        SkyscanError
            As `start` and `watch`.
        """
        session = await self.start(grid, rotor, reads=reads, clip=clip, title=title, notes=notes)
        async with aclosing(self.watch(session.id)) as updates:
            async for update in updates:
                yield update

    def watch(
        self,
        session_id: int,
        after: int = 0,
        *,
        on_trouble: Callable[[str], None] | None = None,
    ) -> AsyncGenerator[NumberedProgress, None]:
        """Follow a scan: every point and every change of status, once, in order.

        It goes on over lost connections and restarts of the server, misses nothing, and ends
        with the scan. Of a scan that began earlier it first tells all that has been.

        Parameters
        ----------
        session_id : int
            Which one.
        after : int
            Number of the last update already known. To begin with what comes next, give the
            ``number`` of `detail`.
        on_trouble : callable, optional
            Told in words each time the connection is lost.

        Yields
        ------
        NumberedProgress
            ``point`` is None for a change of status, for a point without a reading, and for
            the first, which says that nothing has been measured yet.

        Raises
        ------
        NotFound
            For a session that is not there.
        ServerUnreachable
            Where the server stays away for longer than the client has patience.
        """
        return Watch(self._link, session_id, after, on_trouble).news()

    async def pause(self, session_id: int) -> ScanReply:
        """Have a running scan held at its next point.

        It is asked again where no answer comes, for as long as there is patience; so are
        `resume` and `cancel`. A refusal then counts as done where the scan is as it was to be.

        Raises
        ------
        NotFound
            For a session that is not there.
        Refused
            For one that is not running.
        """
        return await self._want(session_id, "pause", {ScanStatus.PAUSED})

    async def resume(self, session_id: int) -> ScanReply:
        """Have a paused scan go on; raises as `pause`, for one that is not paused."""
        # Until we ask again it may have come to its end.
        return await self._want(session_id, "resume", {ScanStatus.RUNNING, ScanStatus.COMPLETED})

    async def cancel(self, session_id: int) -> ScanReply:
        """End a scan; what is measured stays. Raises as `pause`, for one that has ended."""
        return await self._want(session_id, "cancel", {ScanStatus.CANCELLED})

    async def sessions(
        self,
        *,
        limit: int | None = None,
        offset: int = 0,
        status: ScanStatus | str | None = None,
        rotor: int | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
    ) -> list[ScanSession]:
        """List sessions, the most recent first.

        Parameters
        ----------
        limit, offset : int, optional
            How many at most, and how many to pass over.
        status : ScanStatus or str, optional
            Only those of this status.
        rotor : int, optional
            Only those of this rotor.
        created_after, created_before : datetime or str, optional
            Only those made then or later, and made before; UTC where they have no zone.
        """
        query = {
            "limit": limit,
            "offset": offset or None,
            **_of_which(status, rotor, created_after, created_before),
        }
        return await self._link.ask("GET", "/api/skyscan/sessions", _SESSIONS, query=query)

    async def count_sessions(
        self,
        *,
        status: ScanStatus | str | None = None,
        rotor: int | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
    ) -> int:
        """Count sessions without listing them.

        Parameters
        ----------
        status, rotor, created_after, created_before
            As for `sessions`.
        """
        query = {"limit": 1, **_of_which(status, rotor, created_after, created_before)}
        return await self._link.ask_total("/api/skyscan/sessions", query)

    async def detail(self, session_id: int) -> ScanDetail:
        """Everything about a session but its points; raises `NotFound`."""
        return await self._link.ask("GET", f"/api/skyscan/{session_id}/detail", _DETAIL)

    async def data(self, session_id: int) -> list[DataPoint]:
        """Points of a session as the API lists them, in integers; raises `NotFound`.

        `session` has them exact, on their grid, with what else is known.
        """
        path = f"/api/skyscan/{session_id}/data"
        return await self._link.ask("GET", path, _POINTS, timeout_s=_DATA_S)

    async def set_notes(self, session_id: int, notes: str | None) -> ScanSession:
        """Change the notes of a session, or take them away; raises `NotFound`."""
        return await self._link.ask(
            "PATCH",
            f"/api/skyscan/{session_id}",
            _SESSION,
            body=body_of(SessionNotes, notes=notes),
        )

    async def session(self, session_id: int) -> xr.Dataset:
        """Session as a Dataset, as far as it has got.

        It is exact to the last bit, since it travels as NetCDF.

        Parameters
        ----------
        session_id : int
            Which one.

        Raises
        ------
        NotFound
            For a session that is not there.
        FileError
            For what arrived and is no session.
        """
        with tempfile.TemporaryDirectory(prefix="skyscan-") as folder:
            file = Path(folder) / f"session-{session_id}.nc"
            await self._link.download(
                f"/api/skyscan/{session_id}/export",
                file,
                query={"format": "netcdf"},
                silence_s=_DATA_S,
            )
            return await asyncio.to_thread(_loaded, file)

    async def _want(self, session_id: int, verb: str, done: Collection[ScanStatus]) -> ScanReply:
        try:
            return await self._link.ask("POST", f"/api/skyscan/{session_id}/{verb}", _REPLY)
        except Refused as refused:
            # Where an answer was lost, it may be refused because it has been done.
            if refused.repeated and (await self.detail(session_id)).status in done:
                return ScanReply.model_validate({"status": _DONE[verb], "session_id": session_id})
            raise


def _of_which(
    status: ScanStatus | str | None,
    rotor: int | None,
    created_after: datetime | str | None,
    created_before: datetime | str | None,
) -> dict[str, str | int | None]:
    return {
        "status": None if status is None else str(status),
        "rotor_id": rotor,
        "created_after": _as_text(created_after),
        "created_before": _as_text(created_before),
    }


def _as_text(moment: datetime | str | None) -> str | None:
    if not isinstance(moment, datetime):
        return moment
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat()


def _loaded(file: Path) -> xr.Dataset:
    from skyscan_lab.io import load_session  # late, and in a thread: it takes seconds to import

    return load_session(file)


_DONE = {"pause": "pausing", "resume": "resuming", "cancel": "cancelling"}
