"""One event a request, when it is answered: what was asked, how it ended, how long it took.

Paths are logged as templates and without their query, which may hold a token.
"""

from __future__ import annotations

import structlog
from aiohttp import web

from skyscan_server.web.authentication import subject_of
from skyscan_server.web.metrics import Metrics
from skyscan_server.web.operations import Channel
from skyscan_server.web.routes import declared_of

_UNKNOWN = "(no route)"

log = structlog.get_logger(__name__)


class RequestLog:
    """Logs and counts requests.

    Parameters
    ----------
    metrics : Metrics
        Where they are counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def write(self, request: web.Request, status: int, seconds: float) -> None:
        """Log and count a request that has been answered."""
        declared = declared_of(request)
        # What nobody declared is counted together: anybody can ask for any number of paths.
        method, path = ("-", _UNKNOWN)
        if declared is not None:
            method, path = declared.method, declared.template.plain
        is_socket = isinstance(declared, Channel) and status == 101
        if not is_socket:
            self._metrics.observe(method, path, status, seconds)
        write = log.debug if declared is not None and declared.quiet else log.info
        write(
            "socket" if is_socket else "request",
            method=request.method,
            path=path,
            status=status,
            ms=round(1000 * seconds, 2),
            subject=subject_of(request),
        )
