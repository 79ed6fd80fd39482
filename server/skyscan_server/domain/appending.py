"""Records that the hub itself adds to a session: only where its node cannot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import StatusRecord
from skyscan_server.domain.messages import RECORD
from skyscan_server.domain.summary import Summary
from skyscan_server.store import control, records, sessions
from skyscan_server.store.sessions import SessionRow


def cancelled(words: str | None = None) -> StatusRecord:
    """Record of an end, now."""
    return StatusRecord(status=ScanStatus.CANCELLED, words=words, time=datetime.now(UTC))


async def append(
    connection: AsyncConnection, row: SessionRow, record: StatusRecord, **changes: Any
) -> None:
    """Append a record to a session that is held against other writers.

    Parameters
    ----------
    connection : AsyncConnection
        The transaction that it is a part of.
    row : SessionRow
        The session, locked.
    record : StatusRecord
        What is added.
    **changes
        Further columns of the session to change.
    """
    summary = Summary.of(row).after(row.number + 1, record)
    last = await records.of_numbers(connection, row.id, {row.number})
    for body in last.values():
        # A simulated station may be ahead of us; the times of a session never go back.
        time = max(record.time, RECORD.validate_json(body).time)
        record = record.model_copy(update={"time": time})
        summary = Summary.of(row).after(row.number + 1, record)
    await records.add(
        connection,
        [
            {
                "session_id": row.id,
                "number": summary.number,
                "sequence": None,
                "body": record.model_dump_json(),
            }
        ],
    )
    own = [*(row.own or ()), summary.number]
    await sessions.update(connection, row.id, **summary.values, **changes, own=own)
    if summary.status.final:
        await control.release(connection, row.rotor_id, row.epoch)
