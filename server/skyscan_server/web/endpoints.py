"""From a declaration to what aiohttp calls: read, validate, handle in time, write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict

from skyscan_server.web.authentication import CREDENTIALS, principal_of
from skyscan_server.web.bodies import BodyReader, query_reader
from skyscan_server.web.open_sockets import OpenSockets
from skyscan_server.web.operations import Call, Channel, Declared, Operation
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.routes import LITERAL_PATHS
from skyscan_server.web.sockets import Socket


def operation_endpoint(operation: Operation) -> Handler:
    """Make the aiohttp handler of an operation."""
    signature = operation.signature
    read_parts = _PartsReader(operation)
    body = (
        None
        if signature.body is None
        else BodyReader(
            signature.body,
            operation.consumes,
            needed=signature.body_needed,
            most_bytes=operation.max_body_bytes,
        )
    )
    answer, status = signature.answer, operation.status
    handler, timeout_s = operation.handler, operation.timeout_s

    async def endpoint(request: web.Request) -> web.StreamResponse:
        call = read_parts(request)
        scope = asyncio.timeout(timeout_s)
        try:
            async with scope:
                if body is not None:
                    call.body = await body.read(request)
                given = await handler(call)
        except TimeoutError:
            if timeout_s is None or not scope.expired():
                raise
            raise HttpRefusal(503, f"not answered within {timeout_s:g} s") from None
        if isinstance(given, web.StreamResponse):
            return given
        if answer is None:
            return web.Response(status=status, headers=call.answer_headers)
        headers = {hdrs.CONTENT_TYPE: "application/json", **call.answer_headers}
        return web.Response(status=status, body=answer.dump_json(given), headers=headers)

    return endpoint


def channel_endpoint(channel: Channel, open_sockets: OpenSockets) -> Handler:
    """Make the aiohttp handler of a channel."""
    signature = channel.signature
    read_parts = _PartsReader(channel)

    async def endpoint(request: web.Request) -> web.StreamResponse:
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            words = "this is a WebSocket: the request must ask for the upgrade"
            raise HttpRefusal(426, words, {hdrs.UPGRADE: "websocket"})
        call = read_parts(request)
        socket: Socket[Any, Any] = Socket(
            request,
            channel.template.plain,
            call.principal,
            signature.receives,
            signature.sends,
            open_sockets,
            heartbeat_s=channel.heartbeat_s,
            max_message_bytes=channel.max_message_bytes,
            check_values=channel.check_values,
        )
        handling = channel.handler(call, socket)
        del call  # a handler that stays for long may have no need of it
        return await socket.run(handling, channel.timeout_s)

    return endpoint


class _NoFields(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _PartsReader:
    """Reads the path and the query of a request into a call.

    Unknown fields are refused, also where there are no known ones: who misspells one would else
    take a whole list for its filtered part. Public routes without fields leave them alone: those
    that call them, browsers, load balancers and clients of OAuth, add fields of their own.
    """

    def __init__(self, declared: Declared) -> None:
        self._template = declared.template
        query = declared.signature.query
        self._takes_fields = query is not None
        if query is None and not declared.public:
            query = _NoFields
        self._query = None if query is None else query_reader(query)
        self._is_socket = isinstance(declared, Channel)

    def __call__(self, request: web.Request) -> Call[Any, Any]:
        try:
            path, names = self._template.read(request.match_info)
        except HttpRefusal:
            # "GET /api/skyscan/start" is no session, but the wrong method for another route.
            methods = request.app[LITERAL_PATHS].get(request.path)
            if methods is not None:
                raise web.HTTPMethodNotAllowed(request.method, methods) from None
            raise
        query = None if self._query is None else self._query.read(self._fields(request))
        if not self._takes_fields:
            query = None
        return Call(request, principal_of(request), path, names, query, None)

    def _fields(self, request: web.Request) -> Iterable[tuple[str, str]]:
        fields = request.query.items()
        if not self._is_socket:
            return fields
        return ((name, text) for name, text in fields if name not in CREDENTIALS)
