"""Steps that a cancellation may follow but must not split."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unbroken(step: Coroutine[Any, Any, T]) -> T:
    """Await a short step to its end, even when cancelled meanwhile.

    Parameters
    ----------
    step : coroutine
        Something that ends by itself within its own time limit.

    Returns
    -------
    object
        What the step returns.

    Raises
    ------
    asyncio.CancelledError
        After the step, where the caller was cancelled during it; an error of the step is then
        its cause.
    """
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    raise cancelled from task.exception()
