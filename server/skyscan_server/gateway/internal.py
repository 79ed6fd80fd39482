"""Routes for the hub's own services: calls at nodes, and tiles of the map of a session.

They have a listener of their own, on which nobody else can come.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.rpc import Answer, RpcCall
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.calls import CallFailed, in_domain
from skyscan_server.domain.errors import NotFound, Upstream
from skyscan_server.domain.nodes import NO_NODE
from skyscan_server.domain.sessions import NO_SESSION, Sessions
from skyscan_server.gateway.direct_rpc import DirectRpc
from skyscan_server.gateway.etags import is_known
from skyscan_server.gateway.tile_renderer import TileRenderer
from skyscan_server.gateway.tiles import MAX_ZOOM, Tile
from skyscan_server.web.operations import JSON, Call, Operation
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.refusals import words_of

RPC_FAILURE = "X-Rpc-Failure"
"""Header of an answer that says why a call came to nothing: an `RpcFailure`."""

MAX_TIMEOUT_S = 600.0

_LOOK_S = 0.2
_LINES = "application/x-ndjson"
_TAG = "Internal"
_NO_TILE = f"z, x, y: no such tile; zoom is within [0, {MAX_ZOOM}]"

T = TypeVar("T")


class NodeCall(BaseModel):
    """Body of a call at a node.

    With ``stream`` the answer comes in lines, each a JSON object: any number of
    ``{"kind": "chunk", "value": …}``, then ``{"kind": "result", "value": …}`` or
    ``{"kind": "error", "failure": …, "words": …}``.
    """

    model_config = ConfigDict(extra="forbid")

    call: RpcCall
    timeout_s: float = Field(default=5.0, gt=0, le=MAX_TIMEOUT_S)
    stream: bool = False


class TileScale(BaseModel):
    """Readings at which the colours of a tile begin and end; the session's own if not given."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.low is None) is not (self.high is None):
            raise InvalidInput("low, high", (self.low, self.high), "given both, or neither")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise InvalidInput("high", self.high, f"above low, {self.low}")
        return self

    @property
    def pair(self) -> tuple[float, float] | None:
        """Both; None where they were not given."""
        return None if self.low is None or self.high is None else (self.low, self.high)


class InternalRoutes:
    """Internal routes.

    Parameters
    ----------
    rpc : DirectRpc
        Calls at nodes.
    sessions : Sessions
        The rules.
    renderer : TileRenderer
        Makes tiles.
    """

    def __init__(self, rpc: DirectRpc, sessions: Sessions, renderer: TileRenderer) -> None:
        self._rpc = rpc
        self._sessions = sessions
        self._renderer = renderer

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        return [
            Operation(
                method="POST",
                path="/internal/nodes/{node_id}/rpc",
                handler=self.call_node,
                summary="Make a call at a node",
                description=f"The header `{RPC_FAILURE}` says why it came to nothing. Whoever "
                "leaves before the answer has the call cancelled.",
                scope=Scope.INTERNAL,
                tag=_TAG,
                produces=(JSON, _LINES),
                errors={
                    400: "elevation 95.0° is outside [0°, 90°]",
                    404: NO_NODE,
                    409: "the claim with epoch 3 has ended",
                    502: "the rotor refused",
                    503: "node lab is not connected",
                },
                timeout_s=MAX_TIMEOUT_S + 10.0,
            ),
            self._tile_operation("png", "image/png", "Get a tile of a session's map as a picture"),
            self._tile_operation(
                "f32",
                "application/octet-stream",
                "Get a tile of a session's map as 256 × 256 little-endian float32, row by row "
                "from the highest elevation",
            ),
        ]

    def _tile_operation(self, suffix: str, media_type: str, summary: str) -> Operation:
        return Operation(
            method="GET",
            path=f"/internal/sessions/{{session_id}}/tiles/{{z}}/{{x}}/{{y}}.{suffix}",
            handler=self.picture_tile if suffix == "png" else self.float_tile,
            summary=summary,
            description="Plate carrée: azimuth 0 to 360°, elevation 90 to -90°; zoom 0 is two "
            "tiles side by side. Transparent, or NaN, where nothing was measured.",
            scope=Scope.INTERNAL,
            tag=_TAG,
            headers={"If-None-Match": "The ETag that is known."},
            produces=(media_type,),
            also={304: "The tile is the one that is known."},
            errors={404: NO_SESSION, 503: "64 tiles wait to be rendered already"},
        )

    async def call_node(self, call: Call[NodeCall, None]) -> Answer | web.StreamResponse:
        """Make a call and hand back what the node answers."""
        node_id, wanted = call.path["node_id"], call.body
        try:
            if wanted.stream:
                return await _unless_gone(call.request, self._stream(call.request, node_id, wanted))
            answering = self._rpc.call(node_id, wanted.call, timeout_s=wanted.timeout_s)
            answer = await _unless_gone(call.request, answering)
        except CallFailed as error:
            status, words = words_of(in_domain(error)) or (502, error.words)
            raise HttpRefusal(status, words, {RPC_FAILURE: str(error.failure)}) from None
        if not isinstance(answer, Answer):
            raise Upstream(f"the node answered {type(answer).__name__}")
        return answer

    async def picture_tile(self, call: Call[None, TileScale]) -> web.Response:
        """Render a picture, unless it is known."""
        tile, number = await self._tile(call)
        scale = call.query.pair
        etag = _etag(call.path["session_id"], number, *tile, "png", *(scale or ()))
        if is_known(call.request.headers.get("If-None-Match"), etag):
            return web.Response(status=304, headers={"ETag": etag})
        body = await self._renderer.png(call.path["session_id"], number, tile, scale)
        return web.Response(body=body, content_type="image/png", headers={"ETag": etag})

    async def float_tile(self, call: Call[None, None]) -> web.Response:
        """Evaluate a tile, unless it is known."""
        tile, number = await self._tile(call)
        etag = _etag(call.path["session_id"], number, *tile, "f32")
        if is_known(call.request.headers.get("If-None-Match"), etag):
            return web.Response(status=304, headers={"ETag": etag})
        body = await self._renderer.raw(call.path["session_id"], number, tile)
        headers = {"ETag": etag, "Content-Type": "application/octet-stream"}
        return web.Response(body=body, headers=headers)

    async def _tile(self, call: Call[None, TileScale] | Call[None, None]) -> tuple[Tile, int]:
        row = await self._sessions.get(call.path["session_id"])
        tile = Tile(call.path["z"], call.path["x"], call.path["y"])
        if not tile.exists:
            raise NotFound(_NO_TILE)
        return tile, row.number

    async def _stream(
        self, request: web.Request, node_id: int, wanted: NodeCall
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": _LINES})
        calling = self._rpc.stream(node_id, wanted.call, timeout_s=wanted.timeout_s)
        try:
            async with calling as reply:
                await response.prepare(request)
                async for chunk in reply:
                    await response.write(_line(kind="chunk", value=chunk))
                result = await reply.result()
                await response.write(_line(kind="result", value=result.model_dump(mode="json")))
        except CallFailed as error:
            if not response.prepared:
                raise
            line = _line(kind="error", failure=str(error.failure), words=error.words)
            await response.write(line)
        await response.write_eof()
        return response


async def _unless_gone(request: web.Request, work: Coroutine[Any, Any, T]) -> T:
    """Do some work, and stop when the caller has left, which aiohttp tells nobody."""
    working = asyncio.create_task(work)
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_LOOK_S)
            if not working.done() and (request.transport is None or request.transport.is_closing()):
                raise ConnectionResetError("the caller has left")
        return working.result()
    finally:
        if working.cancel():
            await asyncio.wait({working})


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def _etag(*parts: object) -> str:
    return f'"{"-".join(map(str, parts))}"'
