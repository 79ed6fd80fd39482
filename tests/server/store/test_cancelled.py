"""A write that is cancelled holds up nobody.

Truth: what the next writer finds, and that it need not wait for long.
"""

import asyncio
import random
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from skyscan_server.store import nodes
from skyscan_server.store.tables import nodes as table

NODES = 1000


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
async def test_the_next_write_goes_on_wherever_one_was_cancelled(database, times):
    async with database.write() as connection:
        rows = [{"installation": str(number), "name": str(number)} for number in range(NODES)]
        await connection.execute(sa.insert(table), rows)
        ids = list((await connection.execute(sa.select(table.c.id))).scalars())

    async def write():
        async with database.write() as connection:
            await nodes.see(connection, ids[0], datetime.now(UTC))
            await nodes.disconnect(connection, [(one, 0) for one in ids], datetime.now(UTC))
            await nodes.next_graph(connection, ids[0])

    chance = random.Random(times)  # noqa: S311 - no secret
    kept = []
    for turn in range(30):
        writing = asyncio.create_task(write())
        for _ in range(times):
            await asyncio.sleep(chance.uniform(0.0, 0.02))
            writing.cancel()
        # What was raised keeps everything alive that was at work then.
        kept.append((await asyncio.gather(writing, return_exceptions=True))[0])
        async with asyncio.timeout(5), database.write() as connection:
            before = await nodes.get(connection, ids[1])
            await nodes.next_graph(connection, ids[1])
        assert before.graph_version == turn
    assert any(isinstance(one, asyncio.CancelledError) for one in kept)
