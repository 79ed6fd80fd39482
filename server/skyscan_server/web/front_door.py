"""What every request passes, in this order, whatever its route.

::

    an id ─▶ the server's names and the caller's origin ─▶ who calls, and may they ─▶ the route
      ▲                                                                               │
      └── one log event, one count ◀── failures become answers ◀──────────────────────┘

It is one coroutine and not one for each station, since each would stay in memory for as long
as a WebSocket is open: half a kilobyte for each of thousands of nodes.
"""

from __future__ import annotations

from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from skyscan_server.web.authentication import Authentication
from skyscan_server.web.browsers import Browsers
from skyscan_server.web.failures import CLIENT_LEFT, failure_answer
from skyscan_server.web.request_ids import begin_request
from skyscan_server.web.request_log import RequestLog


def front_door(
    authentication: Authentication, browsers: Browsers, request_log: RequestLog
) -> Middleware:
    """Middleware of all that comes before and after a handler."""

    @web.middleware
    async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        begin_request(request)
        status = CLIENT_LEFT
        try:
            answer: web.StreamResponse | None = browsers.check(request)
            if answer is None:
                await authentication.admit(request)
                answer = await handler(request)
            status = answer.status
        except web.HTTPRedirection as redirection:
            status = redirection.status
            raise
        except Exception as error:  # noqa: BLE001 - where every failure gets its answer
            answer = failure_answer(request, error)
            status = answer.status
        finally:
            request_log.write(request, status, perf_counter() - started)
        return answer

    return pass_through
