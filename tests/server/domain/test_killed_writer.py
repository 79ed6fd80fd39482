"""Truth: what a writer that was killed with SIGKILL had acknowledged before."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from skyscan_server.store import records, sessions
from skyscan_server.store.database import open_database
from tests.server.domain.parts import point, running, status

ROOT = Path(__file__).parents[3]


@pytest.mark.system
async def test_what_was_acknowledged_is_there_and_nothing_twice(database_url, make_hub_over):
    async with open_database(database_url) as database:
        hub = make_hub_over(database)
        session_id = await hub.claimed(await hub.rotor())
        with running(hub.ingest.run()):
            await hub.ingest.store(session_id, 1, [status("running")])
    acknowledged = 0
    for after in random.Random(1).sample(range(5, 60), 2):  # noqa: S311 - the same in every run
        said = await killed(database_url, session_id, after)
        assert said == sorted(said)
        assert said[0] > acknowledged, "it did not go on where it was"
        acknowledged = said[-1]
        async with open_database(database_url) as database, database.read() as connection:
            stored = await records.bodies(connection, session_id)
            row = await sessions.get(connection, session_id)
        assert len(stored) >= acknowledged
        assert stored[1:] == [
            (n, point(n - 2).model_dump_json()) for n in range(2, len(stored) + 1)
        ]
        assert (row.number, row.done) == (len(stored), len(stored) - 1)


async def killed(url, session_id, after):
    """Run a writer, kill it after so many acknowledgements, and return them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.server.domain.writer",
        url,
        str(session_id),
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    said = [int(await process.stdout.readline()) for _ in range(after)]
    process.kill()
    rest, _ = await process.communicate()
    return said + [int(line) for line in rest.splitlines() if line.strip()]
