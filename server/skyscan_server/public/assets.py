"""Files that nodes have brought for a session: listed, and read."""

from __future__ import annotations

from aiohttp import web
from pydantic import AwareDatetime, BaseModel

from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.assets import NO_ASSET, Assets
from skyscan_server.domain.sessions import NO_SESSION, Sessions
from skyscan_server.store.assets import AssetRow
from skyscan_server.web.attachments import AS_ATTACHMENT
from skyscan_server.web.operations import Call, Operation

_TAG = "Sky Scan"
_BYTES = "application/octet-stream"
_LONGEST_S = 6 * 3600.0


class AssetOut(BaseModel):
    """A file that belongs to a session, all of it there and checked."""

    id: str
    label: str
    media_type: str
    size: int
    sha256: str
    session_id: int
    created_at: AwareDatetime


class AssetRoutes:
    """Routes of the files.

    Parameters
    ----------
    assets, sessions : Assets, Sessions
        The rules.
    """

    def __init__(self, assets: Assets, sessions: Sessions) -> None:
        self._assets = assets
        self._sessions = sessions

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        return [
            Operation(
                method="GET",
                path="/api/skyscan/{session_id}/assets",
                handler=self.list_assets,
                summary="List the files of a session",
                description="The oldest first; those that are still coming in are not there yet.",
                scope=Scope.SKYSCAN_READ,
                tag=_TAG,
                errors={404: NO_SESSION},
            ),
            Operation(
                method="GET",
                path="/api/assets/{asset_id:name}",
                handler=self.get_asset,
                summary="Get a file of a session",
                scope=Scope.SKYSCAN_READ,
                tag=_TAG,
                produces=(_BYTES,),
                also={206: "The part that a header Range asked for."},
                errors={404: NO_ASSET, 409: "this asset is not complete yet"},
                timeout_s=_LONGEST_S,
            ),
        ]

    async def list_assets(self, call: Call[None, None]) -> list[AssetOut]:
        """List files."""
        row = await self._sessions.get(call.path["session_id"])
        return [_described(asset, row.id) for asset in await self._assets.of_session(row.id)]

    async def get_asset(self, call: Call[None, None]) -> web.FileResponse:
        """Send a file."""
        row = await self._assets.get(call.names["asset_id"])
        headers = {"Content-Type": row.media_type, **AS_ATTACHMENT}
        return web.FileResponse(self._assets.path(row), headers=headers)


def _described(row: AssetRow, session_id: int) -> AssetOut:
    return AssetOut(
        id=row.id,
        label=row.label,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        session_id=session_id,
        created_at=row.created_at,
    )
