"""From stored records to what the Sky Scan API says of them.

The only place where readings are rounded, because the specification has integers; the store
keeps them exact.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import to_json

from skyscan_lab.protocol.records import PointRecord, ReferenceRecord, ScanRecord
from skyscan_lab.protocol.skyscan import progress_pct
from skyscan_server.domain.summary import Step, Summary

RECORD: TypeAdapter[ScanRecord] = TypeAdapter(ScanRecord)
"""Reads a stored record."""


class Message(NamedTuple):
    """A message on a session's socket, encoded as specified, and where the session then stands."""

    plain: bytes
    after: Summary

    @property
    def number(self) -> int:
        """Number of the record that it tells of."""
        return self.after.number

    @property
    def numbered(self) -> bytes:
        """The message with its number, for subscribers that continue from one."""
        reasons = to_json(self.after.reasons) if self.after.reasons else b"[]"
        return b'{"number":%d,"reasons":%b,%b' % (self.number, reasons, self.plain[1:])


def data_point(point: PointRecord) -> dict[str, Any]:
    """Make a point as the API lists it.

    Examples
    --------
    >>> from datetime import datetime
    >>> data_point(
    ...     PointRecord(
    ...         sequence=0, azimuth_deg=370.0, elevation_deg=20.0, reads=10, mean=-91.6,
    ...         std=0.5, last=-91.0, domain="linear power",
    ...         time=datetime(2026, 2, 14, 2, 0, 15, tzinfo=UTC),
    ...     )
    ... )["rssi_average"]
    -92
    """
    azimuth = point.azimuth_deg % 360.0
    time = point.time if point.time.tzinfo is UTC else point.time.astimezone(UTC)
    return {
        # A tiny negative azimuth is rounded up to 360 itself, which is 0.
        "azimuth": azimuth if azimuth < 360.0 else 0.0,
        "elevation": point.elevation_deg,
        "rssi_reads": point.reads,
        "rssi_average": round(point.mean),
        "rssi_current": round(point.last),
        "measured_at": time.replace(tzinfo=None).isoformat(timespec="seconds"),
    }


def data_points(bodies: list[str]) -> list[dict[str, Any]]:
    """Every measured point among some stored records, as the API lists them."""
    read = (RECORD.validate_json(body) for body in bodies)
    return [data_point(record) for record in read if isinstance(record, PointRecord)]


def message(
    session_id: int, total: int, summary: Summary, point: dict[str, Any] | None = None
) -> Message:
    """Say where a session stands, and what has just been measured."""
    plain = to_json(
        {
            "session_id": session_id,
            "status": str(summary.status),
            "point": point,
            "progress_pct": progress_pct(summary.done, total, summary.status),
            "completed": summary.done,
            "total": total,
        }
    )
    return Message(plain, summary)


def step_of(before: Summary, number: int, body: str) -> Step:
    """Take the next record as it is stored."""
    record = RECORD.validate_json(body)
    return Step(record, before.after(number, record))


def message_of(session_id: int, total: int, step: Step) -> Message | None:
    """What a subscriber is told of a record; None where that is nothing."""
    record = step.record
    if isinstance(record, ReferenceRecord):
        return None
    point = data_point(record) if isinstance(record, PointRecord) else None
    return message(session_id, total, step.after, point)
