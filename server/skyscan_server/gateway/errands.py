"""Short pieces of work that nobody waits for: owned here, so that none outlives its gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import Any, Self

import structlog

Work = Callable[[], Coroutine[Any, Any, None]]

log = structlog.get_logger(__name__)


class Errands:
    """Runs them. Entered, it takes work; left, it cancels what is under way.

    Examples
    --------
    >>> async def example() -> None:
    ...     done = asyncio.Event()
    ...     async def errand() -> None:
    ...         done.set()
    ...     async with Errands() as errands:
    ...         errands.start(errand)
    ...         await done.wait()
    >>> asyncio.run(example())
    """

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open = False
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def start(self, work: Work, failed: Callable[[], None] | None = None) -> None:
        """Begin a piece of work. Once left, nothing begins.

        Parameters
        ----------
        work : callable
            What to do: an async function. An error that it ends with is logged.
        failed : callable, optional
            Called after such an error.
        """
        if not self._open:
            return
        task = asyncio.create_task(work())
        self._under_way.add(task)
        task.add_done_callback(partial(self._ended, failed))

    def _ended(self, failed: Callable[[], None] | None, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an errand failed", exc_info=error)
            if failed is not None:
                failed()
