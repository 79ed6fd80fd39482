"""An engine on a bench of parts, and what it leaves in its journal."""

import asyncio
import contextlib

from skyscan_lab.protocol.records import StatusRecord
from skyscan_lab.scanning import ScanEngine, open_journal


@contextlib.asynccontextmanager
async def engine_of(bench, parts, plan=None, policy=None, clock=None):
    async with await open_journal("memory", plan or parts.plan, file=bench.file) as journal:
        yield ScanEngine(
            journal, bench.rotor, bench.receiver, clock=clock, policy=policy or parts.policy
        )


async def records_of(engine):
    return [entry.record for entry in (await engine.journal.recording()).entries]


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- objects without events
            await asyncio.sleep(0.001)


def statuses(records) -> list[str]:
    return [str(record.status) for record in records if isinstance(record, StatusRecord)]
