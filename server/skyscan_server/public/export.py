"""A session as a file, in the formats of the field."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.errors import ExportRefused
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.errors import Refused
from skyscan_server.domain.sessions import NO_SESSION, Sessions, read_recording
from skyscan_server.web.operations import Call, Operation

_FORMATS = {
    "netcdf": ("nc", "application/x-netcdf"),
    "fits": ("fits", "application/fits"),
    "csv": ("csv", "text/csv"),
    "json": ("json", "application/json"),
}
_AT_ONCE = 2


class ExportQuery(BaseModel):
    """Which format."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["netcdf", "fits", "csv", "json"] = Field(
        default="netcdf",
        description="NetCDF with everything; FITS with the map and its samples; CSV and JSON with "
        "the points, JSON as in the specification with units.",
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

    @property
    def operations(self) -> list[Operation]:
        """The one route."""
        return [
            Operation(
                method="GET",
                path="/api/skyscan/{session_id}/export",
                handler=self.export_session,
                summary="Get a session as a file",
                description="As far as it has got; points that are missing are NaN.",
                scope=Scope.SKYSCAN_READ,
                tag="Sky Scan",
                errors={400: "no sample has a position on the sky", 404: NO_SESSION},
                produces=tuple(media_type for _, media_type in _FORMATS.values()),
                timeout_s=600.0,
            )
        ]

    async def export_session(self, call: Call[None, ExportQuery]) -> web.StreamResponse:
        """Make the file and stream it."""
        session_id = call.path["session_id"]
        suffix, media_type = _FORMATS[call.query.format]
        stored = await self._sessions.recording(session_id)
        name = f"session-{session_id}.{suffix}"
        async with self._turns:
            made = await asyncio.to_thread(_made, stored, self._folder, name)
        response = web.StreamResponse(
            headers={
                "Content-Type": media_type,
                "Content-Length": str(len(made)),
                "Content-Disposition": f'attachment; filename="{name}"',
            }
        )
        await response.prepare(call.request)
        for start in range(0, len(made), 2**16):
            await response.write(made[start : start + 2**16])
        await response.write_eof()
        return response


def _made(stored: Any, folder: Path, name: str) -> bytes:
    """Content of the file."""
    # Late, and in the thread that makes the file: they take seconds to import.
    from skyscan_lab.io import save_session
    from skyscan_lab.recording import session_of

    ds = session_of(read_recording(stored))
    with tempfile.TemporaryDirectory(dir=folder, prefix="export-") as place:
        try:
            return save_session(ds, Path(place) / name).read_bytes()
        except ExportRefused as error:
            raise Refused(str(error)) from error
