"""Files that nodes bring: said, sent in as many parts as it takes, asked about, got back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from aiohttp import web

from skyscan_lab.protocol.assets import (
    UPLOAD_COMPLETE,
    UPLOAD_LENGTH,
    UPLOAD_OFFSET,
    Asset,
    NewAsset,
)
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.assets import NO_ASSET, Assets, NoRoom, QuotaExceeded, WrongOffset
from skyscan_server.domain.nodes import Nodes
from skyscan_server.domain.sessions import NO_SESSION
from skyscan_server.domain.tasks import Tasks
from skyscan_server.gateway.installations import installation_of
from skyscan_server.store.assets import AssetRow
from skyscan_server.web.attachments import AS_ATTACHMENT
from skyscan_server.web.operations import Call, Operation
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.validation import in_words

IDLE_S = 30.0
"""Longest wait for the next bytes of an upload."""

_LONGEST_S = 6 * 3600.0
_TAG = "Assets"
_BYTES = "application/octet-stream"
_RANGE = re.compile(r"bytes (?:(\d{1,19})-(\d{1,19})|\*)/(\d{1,19})", re.ASCII)


class _Range(NamedTuple):
    """Which bytes of an asset a body has; the last one is left out."""

    start: int
    stop: int


class AssetRoutes:
    """Routes of the assets.

    Parameters
    ----------
    assets, nodes, tasks : Assets, Nodes, Tasks
        The rules.
    idle_s : float
        Longest wait for the next bytes of an upload.
    """

    def __init__(
        self, assets: Assets, nodes: Nodes, tasks: Tasks, *, idle_s: float = IDLE_S
    ) -> None:
        self._assets = assets
        self._nodes = nodes
        self._tasks = tasks
        self._idle_s = idle_s

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        one = "/v1/nodes/{node_id}/assets/{asset_id:name}"
        no_asset = {404: NO_ASSET}
        return [
            Operation(
                method="POST",
                path="/v1/nodes/{node_id}/assets",
                handler=self.announce_asset,
                summary="Say what file is going to be sent",
                description="Its room is kept from then on. The same said again is the same "
                "asset, however much of it is there.",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                status=201,
                errors={404: NO_SESSION, 413: "size = 12884901888: must be at most 4294967296 …"},
            ),
            Operation(
                method="HEAD",
                path=one,
                handler=self.asset_offset,
                summary="Ask how much of an asset is there",
                description=f"`{UPLOAD_OFFSET}`, `{UPLOAD_LENGTH}` and `{UPLOAD_COMPLETE}` say it.",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                produces=(_BYTES,),
                errors=no_asset,
            ),
            Operation(
                method="PUT",
                path=one,
                handler=self.upload_asset,
                summary="Send an asset, or go on with it",
                description="Without a range the body is the whole of it. What has come is kept "
                "where the connection breaks. Once all is there it is checked; bytes of another "
                "SHA-256 are dropped, and the asset with them: it is to be said again.",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                consumes=_BYTES,
                headers={"Content-Range": "Which part the body is, as `bytes 100-199/1000`."},
                errors={
                    408: "no bytes within 30 s",
                    409: str(WrongOffset(100)),
                    422: "body = 'more than 100 bytes': must be 100 bytes",
                    507: "the disk takes nothing: No space left on device; 100 of 1000 bytes are "
                    "kept",
                    **no_asset,
                },
                timeout_s=_LONGEST_S,
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.download_asset,
                summary="Get an asset back",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                produces=(_BYTES,),
                also={206: "The part that a header Range asked for."},
                errors={409: "this asset is not complete yet", **no_asset},
                timeout_s=_LONGEST_S,
            ),
        ]

    async def announce_asset(self, call: Call[NewAsset, None]) -> Asset:
        """Make room for a file."""
        installation = installation_of(call.principal)
        node_id, session_id = call.path["node_id"], call.body.session_id
        await self._nodes.require_own(installation, node_id)
        if session_id is not None:
            await self._tasks.require_own(node_id, session_id)
        try:
            row = await self._assets.announce(installation, call.body)
        except QuotaExceeded as error:
            raise HttpRefusal(413, str(error)) from None
        return await self._assets.described(row)

    async def asset_offset(self, call: Call[None, None]) -> web.Response:
        """Say how much is there."""
        asset = await self._assets.described(await self._own(call))
        return web.Response(
            headers={
                UPLOAD_OFFSET: str(asset.received),
                UPLOAD_LENGTH: str(asset.size),
                UPLOAD_COMPLETE: "?1" if asset.complete else "?0",
            },
            content_type=_BYTES,
        )

    async def upload_asset(self, call: Call[None, None]) -> Asset:
        """Take bytes of a file."""
        row = await self._own(call)
        wanted = _range(call.request, row.size)
        body = self._body(call.request, wanted)
        try:
            async with aclosing(body):
                row = await self._assets.receive(row, wanted.start, body)
        except WrongOffset as error:
            raise HttpRefusal(409, str(error), {UPLOAD_OFFSET: str(error.received)}) from None
        except NoRoom as error:
            raise HttpRefusal(507, str(error)) from None
        return await self._assets.described(row)

    async def download_asset(self, call: Call[None, None]) -> web.FileResponse:
        """Send a file."""
        row = await self._own(call)
        headers = {"Content-Type": row.media_type, **AS_ATTACHMENT}
        return web.FileResponse(self._assets.path(row), headers=headers)

    async def _own(self, call: Call[None, None]) -> AssetRow:
        installation = installation_of(call.principal)
        await self._nodes.require_own(installation, call.path["node_id"])
        return await self._assets.get(call.names["asset_id"], installation)

    async def _body(self, request: web.Request, wanted: _Range) -> AsyncGenerator[bytes]:
        left = wanted.stop - wanted.start
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    piece = await request.content.readany()
            except TimeoutError:
                raise HttpRefusal(408, f"no bytes within {self._idle_s:g} s") from None
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                words = f"at most {wanted.stop - wanted.start} bytes, as its range says"
                raise HttpRefusal(422, f"body: must be {words}")
            yield piece


def _range(request: web.Request, size: int) -> _Range:
    """Which bytes the body of a request has."""
    given = request.headers.get("Content-Range")
    if given is None:
        return _Range(0, size)
    found = _RANGE.fullmatch(given)
    if found is not None:
        first, last, total = found.groups()
        # "*" brings nothing: all that is there is to be checked.
        wanted = _Range(size, size) if first is None else _Range(int(first), int(last) + 1)
        if int(total) == size and wanted.start <= wanted.stop <= size:
            length = request.content_length
            if length is None or length == wanted.stop - wanted.start:
                return wanted
    words = f"'bytes FIRST-LAST/{size}' or 'bytes */{size}', of as many bytes as the body has"
    raise HttpRefusal(422, in_words("Content-Range", given, words))
