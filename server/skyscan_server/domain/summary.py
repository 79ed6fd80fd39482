"""What the records of a session add up to: pure, one record at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import MissingRecord, PointRecord, ScanRecord, StatusRecord
from skyscan_server.domain.errors import Refused
from skyscan_server.store.sessions import SessionRow, SumRow


@dataclass(frozen=True, slots=True)
class Summary:
    """Sum of the records up to a number.

    Attributes
    ----------
    number : int
        Of the last record.
    status, reasons, words : ScanStatus, tuple of PauseReason, str or None
        As the last change of status said.
    done, missing : int
        Points done, and those among them without a reading.
    started_at, finished_at : datetime or None
        Station time of the first start and of the end.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 2, 14, 12, tzinfo=UTC)
    >>> Summary().after(1, StatusRecord(status=ScanStatus.RUNNING, time=noon)).started_at == noon
    True
    """

    number: int = 0
    status: ScanStatus = ScanStatus.PENDING
    reasons: tuple[PauseReason, ...] = ()
    words: str | None = None
    done: int = 0
    missing: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @classmethod
    def of(cls, row: SessionRow | SumRow) -> Self:
        """Sum that a session's row holds."""
        return cls(
            row.number,
            ScanStatus(row.status),
            tuple(PauseReason(reason) for reason in row.reasons),
            row.words,
            row.done,
            row.missing,
            row.started_at,
            row.finished_at,
        )

    @property
    def values(self) -> dict[str, Any]:
        """Columns of a session's row that hold it."""
        return {
            "number": self.number,
            "status": str(self.status),
            "reasons": [str(reason) for reason in self.reasons],
            "words": self.words,
            "done": self.done,
            "missing": self.missing,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }

    def after(self, number: int, record: ScanRecord) -> Summary:
        """Sum with the next record.

        Raises
        ------
        Refused
            For a record that cannot follow: nothing follows an end, and points come in the
            order of the grid, each once.
        """
        if number != self.number + 1:
            raise Refused(f"record {number} cannot follow record {self.number}")
        if self.status.final:
            raise Refused(f"record {number}: nothing can follow, the session is {self.status}")
        if isinstance(record, PointRecord | MissingRecord):
            if record.sequence != self.done:
                raise Refused(f"record {number}: point {record.sequence}, expected {self.done}")
            # Nearly every record is one of these, and replace() takes three times as long.
            return Summary(
                number,
                self.status,
                self.reasons,
                self.words,
                self.done + 1,
                self.missing + isinstance(record, MissingRecord),
                self.started_at,
                self.finished_at,
            )
        if isinstance(record, StatusRecord):
            return replace(
                self,
                number=number,
                status=record.status,
                reasons=record.reasons,
                words=record.words,
                started_at=self.started_at
                or (record.time if record.status is ScanStatus.RUNNING else None),
                finished_at=record.time if record.status.final else None,
            )
        return replace(self, number=number)


class Step(NamedTuple):
    """A record, and where its session stands with it."""

    record: ScanRecord
    after: Summary
