"""Asks that come together, answered together.

Truth: what was asked, and by whom; and that nobody waits for ever.
"""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from skyscan_server.domain.errors import Unavailable
from skyscan_server.gateway.grouped import Grouped


class Work:
    def __init__(self):
        self.groups = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, items):
        self.groups.append(list(items))
        await self.may_go_on.wait()
        if "bad" in items:
            raise ValueError("a bad one")
        return [item.upper() for item in items]


@asynccontextmanager
async def answering(grouped):
    running = asyncio.create_task(grouped.run())
    yield running
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_comes_meanwhile_is_the_next_group():
    work = Work()
    grouped = Grouped(work, most=3)
    async with answering(grouped):
        work.may_go_on.clear()
        first = asyncio.create_task(grouped.ask("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rest = [asyncio.create_task(grouped.ask(name)) for name in "bcdef"]
        await asyncio.sleep(0)
        work.may_go_on.set()
        assert await asyncio.gather(first, *rest) == list("ABCDEF")
    assert work.groups == [["a"], ["b", "c", "d"], ["e", "f"]]


async def test_failure_is_that_of_its_group_alone():
    work = Work()
    grouped = Grouped(work, most=2)
    async with answering(grouped):
        given = await asyncio.gather(
            *(grouped.ask(item) for item in ("a", "bad", "c")), return_exceptions=True
        )
        assert [str(one) for one in given] == ["a bad one", "a bad one", "C"]
        assert await grouped.ask("again") == "AGAIN"


async def test_answer_that_nobody_waits_for_is_handed_over():
    work, left = Work(), []
    grouped = Grouped(work, left.append)
    async with answering(grouped):
        work.may_go_on.clear()
        asking = [asyncio.create_task(grouped.ask(item)) for item in "ab"]
        await asyncio.sleep(0.01)
        asking[0].cancel()
        await asyncio.sleep(0)
        work.may_go_on.set()
        assert await asking[1] == "B"
    assert left == ["A"]


async def test_whoever_waits_when_it_ends_is_told():
    work = Work()
    grouped = Grouped(work)
    async with answering(grouped) as running:
        work.may_go_on.clear()
        asking = [asyncio.create_task(grouped.ask(item)) for item in "ab"]
        await asyncio.sleep(0.01)
        running.cancel()
        for one in asking:
            with pytest.raises(Unavailable, match="stops"):
                await one
