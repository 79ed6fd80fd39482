"""Truth: a scan whose timing is known by construction."""

from datetime import UTC, datetime, timedelta

import pytest

from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import Entry, MissingRecord, PointRecord, StatusRecord
from skyscan_lab.scanning import Progress

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)


class Story:
    """Records with the times that the test gives them."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.time = NOON
        self.number = self.sequence = 0

    def status(self, status: ScanStatus, after_s: float = 0.0) -> None:
        reasons = (PauseReason.USER,) if status is ScanStatus.PAUSED else ()
        self._tell(StatusRecord(status=status, reasons=reasons, time=self._later(after_s)))

    def point(self, after_s: float, *, missing: bool = False) -> None:
        time = self._later(after_s)
        if missing:
            self._tell(
                MissingRecord(sequence=self.sequence, reason="reading_failed", words="", time=time)
            )
        else:
            self._tell(
                PointRecord(
                    sequence=self.sequence,
                    azimuth_deg=0,
                    elevation_deg=0,
                    time=time,
                    reads=1,
                    mean=0,
                    std=None,
                    last=0,
                    domain="linear power",
                )
            )
        self.sequence += 1

    def _later(self, seconds: float) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time

    def _tell(self, record) -> None:
        self.number += 1
        self.progress.see(Entry(self.number, record))


def test_counts_and_pace() -> None:
    progress = Progress(10)
    story = Story(progress)
    assert (progress.fraction, progress.remaining_s, progress.end) == (0.0, None, None)
    story.status(ScanStatus.RUNNING)
    for _ in range(4):
        story.point(3.0)
    story.point(3.0, missing=True)
    assert (progress.done, progress.missing, progress.fraction) == (5, 1, 0.5)
    assert progress.remaining_s == pytest.approx(15.0)
    assert progress.end == NOON + timedelta(seconds=30)


def test_pauses_do_not_count() -> None:
    progress = Progress(10)
    story = Story(progress)
    story.status(ScanStatus.RUNNING)
    story.point(2.0)
    story.status(ScanStatus.PAUSED, 1.0)
    assert progress.end is None  # nobody knows how long it is held
    story.status(ScanStatus.RUNNING, 10_000.0)
    story.point(2.0)
    assert progress.remaining_s == pytest.approx(16.0)


def test_what_was_expected_is_scaled_by_what_it_took() -> None:
    expected = [1.0, 1.0, 9.0, 1.0]  # a fly-back before the third point
    progress = Progress(4, expected)
    story = Story(progress)
    assert progress.remaining_s == pytest.approx(12.0)
    story.status(ScanStatus.RUNNING)
    story.point(2.0)
    story.point(2.0)
    assert progress.remaining_s == pytest.approx(20.0)
    story.point(18.0)
    assert progress.remaining_s == pytest.approx(2.0)
    story.point(2.0)
    assert progress.remaining_s == 0.0


def test_the_pace_of_long_ago_is_forgotten() -> None:
    progress = Progress(1000)
    story = Story(progress)
    story.status(ScanStatus.RUNNING)
    for _ in range(300):
        story.point(1.0)
    for _ in range(100):
        story.point(2.0)
    assert progress.remaining_s == pytest.approx(1200.0)


def test_a_clock_that_is_set_back_is_not_believed() -> None:
    progress = Progress(3)
    story = Story(progress)
    story.status(ScanStatus.RUNNING)
    story.point(2.0)
    story.point(-3600.0)
    assert progress.remaining_s == pytest.approx(2.0)


def test_expectations_must_fit_the_points() -> None:
    with pytest.raises(InvalidInput, match="expected_s"):
        Progress(3, [1.0, 2.0])
