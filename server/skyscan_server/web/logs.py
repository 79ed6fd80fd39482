"""Where log events go: standard error, as JSON lines, or as readable ones on a terminal.

Tracebacks are written without the values of variables, since tokens are among them.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from skyscan_server.web.malformed import tone_down
from skyscan_server.web.request_ids import add_request_id


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send all events of this process, those of the standard library too, to one place.

    Parameters
    ----------
    level : str
        Lowest level that is written.
    stream : file, optional
        Standard error if none is given.
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
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
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
