"""Tasks with an owner: none outlives it, and one that breaks takes no other with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Crew:
    """Tasks that end, at the latest, with the block that they are used in.

    An `asyncio.TaskGroup` ends all of its tasks when one breaks. Here one scan, or one call,
    must not end the others: what breaks is logged, with its traceback, and is a bug of ours.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._tasks:  # one that ends may start another to tidy up
            await self.dismiss(*self._tasks)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def dismiss(self, *tasks: asyncio.Task[Any]) -> None:
        """Cancel tasks and return once they have ended."""
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task broke", exc_info=error)
