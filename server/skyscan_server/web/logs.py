"""Where log events go: standard error, as JSON lines, or as readable ones on a terminal.

Tracebacks are written without the values of variables, since tokens are among them.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.typing import Processor

from skyscan_server.web.malformed import tone_down
from skyscan_server.web.request_ids import add_request_id


class _Forgiving:
    """A stream that may take nothing: nobody's request, and no scan, fails for want of a log.

    A log often lies on the disk that everything else is on; when that is full, what is to be
    said of it cannot be.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send all events of this process, those of the standard library too, to one place.

    Parameters
    ----------
    level : str
        Lowest level that is written.
    stream : file, optional
        Standard error if none is given. What it does not take, as on a full disk, is lost.
    """
    stream = sys.stderr if stream is None else stream
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request_id,
    ]
    if stream.isatty():
        console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ending: list[Processor] = [console]
    else:
        ending = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    forgiving = _Forgiving(stream)
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", forgiving)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(forgiving)
    handler.setLevel(number)  # asked after a filter has lowered the level of an event
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    logging.getLogger("aiohttp.server").addFilter(tone_down)
