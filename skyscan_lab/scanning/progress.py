"""How far a scan is, and when it will end: from its records alone."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike

from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import Entry, MissingRecord, PointRecord, StatusRecord

_WINDOW = 100


class Progress:
    """Follows a scan and says when it will end.

    The pace of the last points, measured between their times and without the pauses, is
    compared with what was expected of them; the rest is expected to differ as much. So a
    fly-back at the end of a line, or a scan that slows down, is seen for what it is.

    Parameters
    ----------
    total : int
        Number of points.
    expected_s : array_like, shape (total,), optional
        Seconds expected of each point, as from `skyscan_lab.scanning.durations`; equal ones by
        default.

    Attributes
    ----------
    done, missing, total : int
        Points done, those among them without a reading, and all.

    Examples
    --------
    >>> Progress(total=4).remaining_s is None  # before anything is measured
    True
    """

    def __init__(self, total: int, expected_s: ArrayLike | None = None) -> None:
        expected = np.ones(total) if expected_s is None else np.asarray(expected_s, dtype=float)
        if expected.shape != (total,):
            raise InvalidInput("shape of expected_s", expected.shape, f"({total},)")
        self.total = total
        self.done = 0
        self.missing = 0
        self._known = expected_s is not None
        self._until = np.concatenate([[0.0], np.cumsum(expected)])
        self._measured: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
        self._since: datetime | None = None

    @property
    def fraction(self) -> float:
        """Part done, within [0, 1]."""
        return self.done / self.total

    @property
    def remaining_s(self) -> float | None:
        """Station seconds to the end; None before anything can be said."""
        rest = float(self._until[-1] - self._until[self.done])
        took = sum(seconds for seconds, _ in self._measured)
        expected = sum(seconds for _, seconds in self._measured)
        if expected > 0.0:
            return rest * took / expected
        return rest if self._known or self.done == self.total else None

    @property
    def end(self) -> datetime | None:
        """Station time of the end, if nothing holds the scan; None before it can be said."""
        remaining = self.remaining_s
        if self._since is None or remaining is None:
            return None
        return self._since + timedelta(seconds=remaining)

    def see(self, entry: Entry) -> None:
        """Take note of the next record."""
        record = entry.record
        if isinstance(record, StatusRecord):
            self.count_from(record.time if record.status is ScanStatus.RUNNING else None)
        elif isinstance(record, PointRecord | MissingRecord):
            self.reach(record.sequence + 1, record.time, missing=isinstance(record, MissingRecord))

    def reach(self, done: int, time: datetime, *, missing: bool = False) -> None:
        """Take note of points that are done.

        Parameters
        ----------
        done : int
            How many are by now.
        time : datetime
            When.
        missing : bool
            Whether the last one has no reading.
        """
        before, self.done = self.done, done
        self.missing += missing
        if self._since is not None:
            took = (time - self._since).total_seconds()
            if took >= 0.0:  # a clock that was set back says nothing
                self._measured.append((took, float(self._until[done] - self._until[before])))
        self._since = time

    def count_from(self, time: datetime | None) -> None:
        """Count the next point's time from here; from that point itself, if from None."""
        self._since = time
