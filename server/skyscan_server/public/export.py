"""A session as a file, in the formats of the field."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Literal

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.errors import ExportRefused
from skyscan_lab.protocol.skyscan import ExportedPoint
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.errors import Refused, Unavailable
from skyscan_server.domain.sessions import NO_SESSION, Sessions, read_recording
from skyscan_server.web.operations import Call, Operation

_FORMATS = {
    "netcdf": ("nc", "application/x-netcdf"),
    "fits": ("fits", "application/fits"),
    "csv": ("csv", "text/csv"),
    "json": ("json", "application/json"),
}
# Made in memory, a few at a time; then they wait on the disk for their readers.
_AT_ONCE = 2
_MOST_SENT = 32
_MAKING_S = 600.0
_SILENCE_S = 60.0
_PART = 2**18


class ExportQuery(BaseModel):
    """Which format."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["netcdf", "fits", "csv", "json"] = Field(
        default="netcdf",
        description="NetCDF with everything; FITS with the map and its samples; CSV with a row a "
        'cell, after comment lines (comment="#"); JSON with the points as the specification has '
        "them, and beside those fields the exact readings, their units, and the points that are "
        "missing, with null for what is not known.",
    )


class Export:
    """Route of the files.

    Parameters
    ----------
    sessions : Sessions
        The rules.
    folder : Path
        Where a file is made before it goes out.
    """

    def __init__(self, sessions: Sessions, folder: Path) -> None:
        self._sessions = sessions
        self._folder = folder
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._sending = 0

    @property
    def operations(self) -> list[Operation]:
        """The one route."""
        return [
            Operation(
                method="GET",
                path="/api/skyscan/{session_id}/export",
                handler=self.export_session,
                summary="Get a session as a file",
                description="As far as it has got; points that are missing are NaN, in JSON null.",
                scope=Scope.SKYSCAN_READ,
                tag="Sky Scan",
                errors={
                    400: "no sample has a position on the sky",
                    404: NO_SESSION,
                    503: f"{_MOST_SENT} files are being sent already: try again later",
                },
                produces=tuple(media_type for _, media_type in _FORMATS.values()),
                timeout_s=None,
            )
        ]

    async def export_session(
        self, call: Call[None, ExportQuery]
    ) -> list[ExportedPoint] | web.StreamResponse:
        """Make the file, and stream it from the disk at the pace of its reader."""
        if self._sending >= _MOST_SENT:
            raise Unavailable(f"{_MOST_SENT} files are being sent already: try again later")
        self._sending += 1
        try:
            session_id = call.path["session_id"]
            suffix, media_type = _FORMATS[call.query.format]
            name = f"session-{session_id}.{suffix}"
            file = await self._make(session_id, name)
            with file:
                return await _sent(call.request, file, name, media_type)
        finally:
            self._sending -= 1

    async def _make(self, session_id: int, name: str) -> BinaryIO:
        row = await self._sessions.get(session_id)
        stored = await self._sessions.recording(session_id)
        try:
            async with asyncio.timeout(_MAKING_S), self._turns:
                return await asyncio.to_thread(_made, stored, row.notes, self._folder, name)
        except TimeoutError:
            raise Unavailable(f"the file was not made within {_MAKING_S:g} s") from None


async def _sent(
    request: web.Request, file: BinaryIO, name: str, media_type: str
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            "Content-Type": media_type,
            "Content-Length": str(os.fstat(file.fileno()).st_size),
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    while part := await asyncio.to_thread(file.read, _PART):
        async with asyncio.timeout(_SILENCE_S):
            await response.write(part)
    await response.write_eof()
    return response


def _made(stored: Any, notes: str | None, folder: Path, name: str) -> BinaryIO:
    """Make the file; it has no name any more, and is gone once it is closed."""
    # Late, and in the thread that makes the file: they take seconds to import.
    from skyscan_lab.io import save_session
    from skyscan_lab.recording import session_of

    ds = session_of(read_recording(stored))
    if notes is not None:
        ds.attrs["notes"] = notes
    with tempfile.TemporaryDirectory(dir=folder, prefix="export-") as place:
        try:
            return save_session(ds, Path(place) / name).open("rb")
        except ExportRefused as error:
            raise Refused(str(error)) from error
