"""Where a scan stands: what its records add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from skyscan_lab.errors import JournalError
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import (
    Entry,
    MissingRecord,
    PointRecord,
    ReferenceRecord,
    StatusRecord,
)


@dataclass(frozen=True, slots=True)
class ScanState:
    """Sum of a journal's records up to a number.

    Attributes
    ----------
    number : int
        Of the last record; 0 before the first.
    status : ScanStatus
        Last status recorded.
    reasons : frozenset of PauseReason
        Why it is held, when paused.
    words : str or None
        The same for people.
    done : int
        Points measured or given up: also the sequence of the next one.
    missing : int
        Points given up.
    references : int
        Visits to the reference direction.
    last_point, last_reference : datetime or None
        When the last of each was done, station time.
    last_time : datetime or None
        Of the last record, station time.
    status_number : int
        Of the record that `status`, `reasons` and `words` are from; 0 before the first.
    """

    number: int = 0
    status: ScanStatus = ScanStatus.PENDING
    reasons: frozenset[PauseReason] = frozenset()
    words: str | None = None
    done: int = 0
    missing: int = 0
    references: int = 0
    last_point: datetime | None = None
    last_reference: datetime | None = None
    last_time: datetime | None = None
    status_number: int = 0

    def after(self, entry: Entry) -> ScanState:
        """State after one more record.

        Raises
        ------
        JournalError
            For a record that is not the next one: a number, point or visit left out or
            repeated, or anything after the end of the scan.
        """
        record = entry.record
        if entry.number != self.number + 1:
            raise JournalError(f"record {entry.number} where {self.number + 1} is next")
        if self.status.final:
            raise JournalError(f"record {entry.number} after the scan was {self.status}")
        if isinstance(record, StatusRecord):
            return replace(
                self,
                number=entry.number,
                status=record.status,
                reasons=frozenset(record.reasons),
                words=record.words,
                last_time=record.time,
                status_number=entry.number,
            )
        if isinstance(record, ReferenceRecord):
            if record.visit != self.references:
                raise JournalError(
                    f"reference visit {record.visit} where {self.references} is next"
                )
            return replace(
                self,
                number=entry.number,
                references=self.references + 1,
                last_reference=record.time,
                last_time=record.time,
            )
        if record.sequence != self.done:
            raise JournalError(f"point {record.sequence} where {self.done} is next")
        return replace(
            self,
            number=entry.number,
            done=self.done + 1,
            missing=self.missing + isinstance(record, MissingRecord),
            last_time=record.time,
            last_point=record.time if isinstance(record, PointRecord) else self.last_point,
        )
