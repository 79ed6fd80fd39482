"""What many ask at once is answered at once: one look at the store for all of them.

After a hub was down, all its nodes come back within a second or two. For each alone, the store
takes longer than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from skyscan_server.domain.errors import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST_AT_ONCE = 256
"""Most in one group: for so many, the cost of each does not fall any more."""


class Grouped(Generic[Item, Answer]):
    """Asks something for many. Its `run` must be running while it is asked.

    Parameters
    ----------
    work : callable
        Answers a group, each of its items.
    left : callable, optional
        Called with an answer that nobody waits for any more.
    most : int
        Most in one group.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        left: Callable[[Answer], None] | None = None,
        *,
        most: int = MOST_AT_ONCE,
    ) -> None:
        self._work = work
        self._left = left
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._some = asyncio.Event()

    async def ask(self, item: Item) -> Answer:
        """Ask; whatever the work of the group raises is raised for each who has asked."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        self._some.set()
        return await answer

    async def run(self) -> None:
        """Answer what is asked, until cancelled; who waits then is told so."""
        try:
            while True:
                await self._some.wait()
                self._some.clear()
                while self._waiting:
                    await self._answer_some()
        finally:
            for _, answer in self._waiting:
                if not answer.done():
                    answer.set_exception(Unavailable("the hub stops"))

    async def _answer_some(self) -> None:
        group = self._waiting[: self._most]
        try:
            answers = await self._work([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - it is raised for each who has asked
            del self._waiting[: len(group)]
            for _, answer in group:
                if not answer.done():
                    answer.set_exception(error)
            return
        del self._waiting[: len(group)]
        for (_, answer), given in zip(group, answers, strict=True):
            if not answer.done():
                answer.set_result(given)
            elif self._left is not None:
                self._left(given)
