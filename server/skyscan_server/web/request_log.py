"""One event a request, when it is answered: what was asked, how it ended, how long it took.

Paths are logged as templates and without their query, which may hold a token.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from skyscan_server.web.authentication import subject_of
from skyscan_server.web.metrics import Metrics
from skyscan_server.web.operations import Channel
from skyscan_server.web.request_ids import begin_request
from skyscan_server.web.routes import declared_of

CLIENT_LEFT = 499
"""Status, in the log alone, of a request whose client did not wait for its answer."""

_UNKNOWN = "(no route)"

log = structlog.get_logger(__name__)


def log_requests(metrics: Metrics) -> Middleware:
    """Middleware that logs and counts."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        begin_request(request)
        status = CLIENT_LEFT
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as redirect:
            status = redirect.status
            raise
        except (ConnectionError, asyncio.CancelledError):
            raise
        finally:
            seconds = perf_counter() - started
            declared = declared_of(request)
            path = _UNKNOWN if declared is None else declared.template.plain
            is_socket = isinstance(declared, Channel) and status == 101
            if not is_socket:
                metrics.observe(request.method, path, status, seconds)
            write = log.debug if declared is not None and declared.quiet else log.info
            write(
                "socket" if is_socket else "request",
                method=request.method,
                path=path,
                status=status,
                ms=round(1000 * seconds, 2),
                subject=subject_of(request),
            )
        return response

    return observe
