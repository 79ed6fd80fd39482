"""Every failure becomes an answer of one shape: refusals in words, the rest as a 500."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from skyscan_server.web.problems import PROBLEM, HttpRefusal, clipped, problem_response
from skyscan_server.web.refusals import words_of
from skyscan_server.web.request_ids import request_id
from skyscan_server.web.routes import declared_of

log = structlog.get_logger(__name__)


@web.middleware
async def answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with what went wrong."""
    headers: Mapping[str, str]
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        status, words = error.status, _of_aiohttp(request, error)
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    except Exception as error:  # noqa: BLE001 - the last place where any error gets its answer
        if request.writer.output_size > 0:
            _give_up(request, error)
        status, words, headers = _answer(request, error)
    declared = declared_of(request)
    shape = PROBLEM if declared is None else declared.problem
    return problem_response(status, words, headers, shape)


def _answer(request: web.Request, error: Exception) -> tuple[int, str, Mapping[str, str]]:
    known = words_of(error)
    if known is not None:
        status, words = known
        if status >= 500:
            declared = declared_of(request)
            write = log.debug if declared is not None and declared.quiet else log.warning
            write("not available", status=status, words=words)
        return status, words, (error.headers if isinstance(error, HttpRefusal) else None) or {}
    if isinstance(error, ConnectionError) and _has_left(request):
        raise error
    log.error("request failed", exc_info=error)
    return 500, f"internal error, request {request_id(request)}", {}


def _give_up(request: web.Request, error: Exception) -> None:
    """Cut a connection whose answer is half written: its reader must notice."""
    if not (isinstance(error, ConnectionError) and _has_left(request)):
        log.error("answer broken off", exc_info=error)
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("the answer was broken off") from error


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> str:
    what = clipped(request.path, 100)
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.method} {what}: must be {' or '.join(sorted(error.allowed_methods))}"
    if isinstance(error, web.HTTPNotFound):
        return f"no such path: {what}"
    return f"{error.reason}"
