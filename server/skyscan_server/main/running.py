"""From a signal to an orderly end, on the event loop that a hub is best run on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

try:
    import uvloop
except ImportError:  # there is none for every platform
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop


async def run_until_ended(work: Coroutine[Any, Any, None]) -> None:
    """Run something until it ends, or until Ctrl-C or SIGTERM ends it in good order."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        await task
    except asyncio.CancelledError:
        if not ended:
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def run_hub(work: Coroutine[Any, Any, None]) -> None:
    """Run a hub as `run_until_ended` does: on uvloop where it is there, else on asyncio's loop."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(run_until_ended(work))
