"""Each request has an id: in its answer, in every log line about it, in the words of a 500."""

from __future__ import annotations

import itertools
import re
import secrets
from contextvars import ContextVar

from aiohttp import web
from structlog.typing import EventDict

REQUEST_ID_HEADER = "X-Request-Id"

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = web.RequestKey("request_id", str)

# Unique, not secret: so a random beginning a process and a count do, at a tenth of the price.
_process = secrets.token_hex(4)
_count = itertools.count(1)
_current: ContextVar[str] = ContextVar("request_id")


def begin_request(request: web.Request) -> str:
    """Give a request its id: the one that it came with, if that is short and plain."""
    given = request.headers.get(REQUEST_ID_HEADER)
    identity = (
        given if given is not None and _GIVEN.fullmatch(given) else f"{_process}-{next(_count):x}"
    )
    request[_KEY] = identity
    # aiohttp runs each request in a task of its own, so nothing has to be set back.
    _current.set(identity)
    return identity


def request_id(request: web.Request) -> str:
    """Id of a request."""
    identity: str = request.get(_KEY, "unknown")
    return identity


def add_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the id of the request at hand to a log event (a structlog processor)."""
    identity = _current.get(None)
    if identity is not None:
        event.setdefault("request_id", identity)
    return event
