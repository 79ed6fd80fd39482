"""What is scanned under load: plans, records, and what the API says of each point."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.records import PointRecord, ScanRecord, StatusRecord

_BEGIN = datetime(2026, 2, 14, 2, tzinfo=UTC)
_ROW = 360


def plan_of(session: int, points: int) -> ScanPlan:
    """Plan with at least so many points, in rows of a full circle."""
    rows = math.ceil(points / _ROW)
    grid = ScanGrid(az=(0, 360), el=(0, max(rows - 1, 1)), step=1)
    return ScanPlan(session=f"load-{session:03d}", grid=grid, reads=10)


def records_of(session: int, points: int) -> list[ScanRecord]:
    """Records of a session: it begins, so many points, and its end."""
    chance = random.Random(session)  # noqa: S311 -- readings, not secrets
    visits = plan_of(session, points).grid.visits()
    records: list[ScanRecord] = [StatusRecord(status=ScanStatus.RUNNING, time=_BEGIN)]
    for sequence, visit in zip(range(points), visits, strict=False):
        mean = -90.0 + chance.gauss(0.0, 3.0)
        records.append(
            PointRecord(
                sequence=sequence,
                azimuth_deg=visit.azimuth_deg + chance.gauss(0.0, 0.02),
                elevation_deg=visit.elevation_deg + chance.gauss(0.0, 0.02),
                time=_BEGIN + timedelta(seconds=0.35 * sequence, microseconds=sequence % 997),
                reads=10,
                mean=mean,
                std=abs(chance.gauss(0.5, 0.1)),
                last=mean + chance.gauss(0.0, 0.5),
                domain="linear power",
            )
        )
    end = _BEGIN + timedelta(seconds=0.35 * points)
    records.append(StatusRecord(status=ScanStatus.CANCELLED, time=end))
    return records


def expected_digest(records: Iterable[ScanRecord]) -> str:
    """Digest of what the API has to say of the points, worked out here from the records alone."""
    digest = _Digest()
    for done, record in enumerate((r for r in records if isinstance(r, PointRecord)), 1):
        digest.add(
            done,
            record.azimuth_deg % 360.0,
            record.elevation_deg,
            round(record.mean),
            round(record.last),
            record.time.replace(tzinfo=None).isoformat(timespec="seconds"),
        )
    return digest.hex


def told_digest(messages: Sequence[bytes]) -> tuple[str, int]:
    """Digest of what a subscriber was told of the points, and their number."""
    digest = _Digest()
    count = 0
    for text in messages:
        message = json.loads(text)
        point = message["point"]
        if point is not None:
            count += 1
            digest.add(
                message["completed"],
                point["azimuth"],
                point["elevation"],
                point["rssi_average"],
                point["rssi_current"],
                point["measured_at"],
            )
    return digest.hex, count


class _Digest:
    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, *values: object) -> None:
        self._hash.update(repr(values).encode())

    @property
    def hex(self) -> str:
        return self._hash.hexdigest()
