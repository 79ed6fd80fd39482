"""Every failure becomes an answer of one shape: refusals in words, the rest as a 500."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from aiohttp import web

from skyscan_server.web.problems import PROBLEM, HttpRefusal, clipped, problem_response
from skyscan_server.web.refusals import words_of
from skyscan_server.web.request_ids import request_id
from skyscan_server.web.routes import LITERAL_PATHS, declared_of

CLIENT_LEFT = 499
"""Status, in the log alone, of a request whose client did not wait for its answer."""

log = structlog.get_logger(__name__)


def failure_answer(request: web.Request, error: Exception) -> web.Response:
    """Answer with what went wrong.

    Where nobody is there to be answered, or an answer has begun already, what is returned goes
    nowhere: aiohttp finds the connection closed. Its status is for the log.
    """
    if isinstance(error, ConnectionError) and _has_left(request):
        return web.Response(status=CLIENT_LEFT)
    if request.writer.output_size > 0:
        return _broken_off(request, error)
    status, words, headers = _told(request, error)
    declared = declared_of(request)
    shape = PROBLEM if declared is None else declared.problem
    return problem_response(status, words, headers, shape)


def _told(request: web.Request, error: Exception) -> tuple[int, str, Mapping[str, str] | None]:
    if isinstance(error, web.HTTPMethodNotAllowed):
        # The router also counts what "/rotors/{rotor_id}" allows when "/rotors/test" was asked.
        own = request.app[LITERAL_PATHS].get(request.path, error.allowed_methods)
        allowed = sorted(own)
        told = [method for method in allowed if method != "HEAD" or "GET" not in allowed]
        words = f"{request.method} {clipped(request.path, 100)}: must be {' or '.join(told)}"
        return error.status, words, {"Allow": ", ".join(allowed)}
    if isinstance(error, web.HTTPNotFound):
        return error.status, f"no such path: {clipped(request.path, 100)}", None
    if isinstance(error, web.HTTPException):
        return error.status, error.reason, None
    known = words_of(error)
    if known is not None:
        status, words = known
        if status >= 500:
            declared = declared_of(request)
            write = log.debug if declared is not None and declared.quiet else log.warning
            write("not available", status=status, words=words)
        return status, words, error.headers if isinstance(error, HttpRefusal) else None
    log.error("request failed", exc_info=error)
    return 500, f"internal error, request {request_id(request)}", None


def _broken_off(request: web.Request, error: Exception) -> web.Response:
    """Cut a connection whose answer is half written: its reader must notice."""
    log.error("answer broken off", exc_info=error)
    if request.transport is not None:
        # close() would first wait for the reader to take what was written, perhaps for ever.
        request.transport.abort()
    return web.Response(status=500)


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
