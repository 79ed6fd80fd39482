"""From a signal to an orderly end, on the event loop that a hub is best run on."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from typing import Any

try:
    import uvloop
except ImportError:  # there is none for every platform
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

_YOUNG_OBJECTS = 10_000


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
    """Run a hub as `run_until_ended` does: on uvloop where it is there, else on asyncio's loop.

    A quarter of a million objects come with what is imported, and looking through them for
    garbage would hold the loop up for 0.2 s again and again: they are left out of it. A group of
    records makes thousands of objects that live for a moment, so it is not looked after each 700
    either.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(run_until_ended(work))
    finally:
        # All of it goes with the process; Python would first look through it for garbage, which
        # took most of the time that a hub needed to end.
        gc.freeze()
