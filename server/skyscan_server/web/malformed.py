"""What is no HTTP is its sender's mistake, and is logged as one.

aiohttp logs it as a failure of the server, with a traceback, and with the bytes that it could
not read, in which there may be a token.
"""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError


def tone_down(record: logging.LogRecord) -> bool:
    """Make one quiet line of what could not be read (a filter for a logger of aiohttp)."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        kind = type(error.__cause__ or error).__name__
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "malformed request: %s", (kind,)
        record.exc_info = record.exc_text = None
    return True
