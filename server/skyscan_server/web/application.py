"""All of the web layer put on one aiohttp application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from functools import partial

import structlog
from aiohttp import hdrs, web

from skyscan_server.auth.scopes import Scope
from skyscan_server.web.authentication import Authentication
from skyscan_server.web.browsers import Browsers
from skyscan_server.web.documents import Documents
from skyscan_server.web.endpoints import channel_endpoint, operation_endpoint
from skyscan_server.web.front_door import front_door
from skyscan_server.web.health import Readiness, health_operations
from skyscan_server.web.metrics import Metrics, metrics_operation
from skyscan_server.web.open_sockets import OpenSockets
from skyscan_server.web.operations import Channel, Declared, Operation
from skyscan_server.web.problems import problem_response
from skyscan_server.web.protected import refuse_undeclared
from skyscan_server.web.request_log import RequestLog
from skyscan_server.web.routes import LITERAL_PATHS, ROUTES

log = structlog.get_logger(__name__)


def make_application(
    operations: Iterable[Operation],
    channels: Iterable[Channel] = (),
    *,
    authentication: Authentication,
    browsers: Browsers | None = None,
    open_sockets: OpenSockets | None = None,
    metrics: Metrics | None = None,
    metrics_scope: Scope | None = Scope.ADMIN,
    readiness: Readiness | None = None,
    documents: Documents | None = None,
) -> web.Application:
    """Make an application of declared routes.

    Parameters
    ----------
    operations, channels : iterable
        Its routes.
    authentication : Authentication
        Finds out who calls.
    browsers : Browsers, optional
        The server's names and the pages that may call it; loopback and none if not given.
    open_sockets : OpenSockets, optional
        Looks after sockets; with the intervals of its defaults if not given.
    metrics : Metrics, optional
        Where requests are counted, to share a registry.
    metrics_scope : Scope or None
        What is needed to read them; None for everybody.
    readiness : Readiness, optional
        What ``/readyz`` looks at.
    documents : Documents, optional
        Title and version of the documents; none are served if not given.

    Returns
    -------
    aiohttp.web.Application
        It refuses to start with a route that was put on its router by other means. Its runner
        should have ``access_log=None``, since requests are logged here.

    Raises
    ------
    ValueError
        Where two declarations have one route, or one name.
    """
    browsers = browsers or Browsers()
    open_sockets = open_sockets or OpenSockets(authentication.verifier)
    metrics = metrics or Metrics()
    channels = list(channels)
    operations = [
        *operations,
        *health_operations(readiness or Readiness()),
        metrics_operation(metrics, metrics_scope),
        *(documents.operations() if documents is not None else ()),
    ]
    if documents is not None:
        documents.make(operations, channels)
    app = web.Application(middlewares=[front_door(authentication, browsers, RequestLog(metrics))])
    _add_routes(app, operations, channels, open_sockets)
    for channel in channels:
        path = channel.template.plain
        metrics.count_sockets(path, partial(open_sockets.count, path))
    app.on_response_prepare.append(browsers.dress)
    app.on_startup.append(refuse_undeclared)

    async def look_after_sockets(_app: web.Application) -> AsyncIterator[None]:
        watching = asyncio.create_task(open_sockets.look_after())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    async def close_sockets(_app: web.Application) -> None:
        await open_sockets.close_all()

    app.cleanup_ctx.append(look_after_sockets)
    app.on_shutdown.append(close_sockets)
    return app


def _add_routes(
    app: web.Application,
    operations: Iterable[Operation],
    channels: Iterable[Channel],
    open_sockets: OpenSockets,
) -> None:
    routes: dict[web.AbstractRoute, Declared] = {}
    literal: dict[str, set[str]] = {}
    taken: set[tuple[str, str]] = set()
    everything: list[Declared] = [*operations, *channels]
    heads = {("HEAD", one.template.plain) for one in everything if one.method == "HEAD"}
    for declared in everything:
        path = declared.template.plain
        if (declared.method, path) in taken:
            raise ValueError(f"{declared.method} {path} is declared twice")
        taken.add((declared.method, path))
        endpoint = (
            channel_endpoint(declared, open_sockets)
            if isinstance(declared, Channel)
            else operation_endpoint(declared)
        )
        methods = [declared.method]
        if isinstance(declared, Operation) and declared.method == "GET":
            # The same without its body, as HTTP wants it wherever there is a GET.
            methods += [] if ("HEAD", path) in heads else ["HEAD"]
        if path == declared.path and "{" not in path:
            literal.setdefault(path, set()).update(methods)
        for method in methods:
            route = app.router.add_route(method, path, endpoint, expect_handler=_expect)
            routes[route] = declared
    app[ROUTES] = routes
    app[LITERAL_PATHS] = {path: frozenset(methods) for path, methods in literal.items()}


async def _expect(request: web.Request) -> web.StreamResponse | None:
    expected = request.headers.get(hdrs.EXPECT, "")
    if expected.lower() != "100-continue":
        return problem_response(417, f"Expect: {expected[:100]!r}: must be '100-continue'")
    if request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What was written is no part of the answer.
        request.writer.output_size = 0
    return None
