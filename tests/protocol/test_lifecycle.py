"""Truth: the Sky Scan API's rules: pause a running scan, resume a paused one, cancel what lives."""

from itertools import product

import pytest

from skyscan_lab.errors import InvalidTransition
from skyscan_lab.protocol.lifecycle import (
    TRANSITIONS,
    PauseReason,
    ScanEvent,
    ScanStatus,
    advance,
)

P, R, H = ScanStatus.PENDING, ScanStatus.RUNNING, ScanStatus.PAUSED
DONE, GONE = ScanStatus.COMPLETED, ScanStatus.CANCELLED
NEVER = None

# Rows: status now. Columns: what the specification says follows each event.
EXPECTED = {
    #      start  hold   release finish cancel
    P:    (R,     NEVER, NEVER,  NEVER, GONE),
    R:    (NEVER, H,     NEVER,  DONE,  GONE),
    H:    (NEVER, NEVER, R,      NEVER, GONE),
    DONE: (NEVER, NEVER, NEVER,  NEVER, NEVER),
    GONE: (NEVER, NEVER, NEVER,  NEVER, NEVER),
}  # fmt: skip


@pytest.mark.parametrize(("status", "event"), [*product(ScanStatus, ScanEvent)])
def test_every_pair_of_status_and_event_is_decided(status, event) -> None:
    expected = EXPECTED[status][list(ScanEvent).index(event)]
    if expected is NEVER:
        with pytest.raises(InvalidTransition, match=f"cannot {event} a scan that is {status}"):
            advance(status, event)
    else:
        assert advance(status, event) is expected


def test_the_table_holds_those_pairs_and_no_other() -> None:
    steps = sum(follows is not NEVER for row in EXPECTED.values() for follows in row)
    assert len(TRANSITIONS) == steps == 7
    with pytest.raises(TypeError):
        TRANSITIONS[DONE, ScanEvent.START] = R


def test_statuses_are_named_as_the_api_names_them() -> None:
    assert [str(status) for status in ScanStatus] == [
        "pending",
        "running",
        "paused",
        "completed",
        "cancelled",
    ]


def test_nothing_follows_a_final_status_and_every_other_can_end() -> None:
    for status in ScanStatus:
        exits = {after for (before, _), after in TRANSITIONS.items() if before is status}
        assert status.final == (not exits)
        assert status.final or GONE in exits


def test_every_status_can_be_reached_from_the_first() -> None:
    reached = {P}
    for _ in ScanStatus:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
    assert reached == set(ScanStatus)


def test_a_refusal_says_what_is_possible() -> None:
    with pytest.raises(InvalidTransition, match="possible are cancel, release"):
        advance(H, ScanEvent.HOLD)
    with pytest.raises(InvalidTransition, match="nothing can follow"):
        advance(DONE, ScanEvent.CANCEL)


def test_a_status_from_the_wire_is_as_good() -> None:
    assert advance(ScanStatus("running"), ScanEvent("hold")) is H


def test_reasons_of_a_pause() -> None:
    assert {str(reason) for reason in PauseReason} == {"user", "lease", "fault"}
