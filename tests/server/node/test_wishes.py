"""Truth: a wish takes away what its users could know of, and what the hub itself asked for."""

import pytest

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.node_link import Desired, Task
from skyscan_lab.scanning import make_plan
from skyscan_lab.scanning.state import ScanState
from skyscan_server.node.wishes import goes_on, released

USER, FAULT, LEASE = PauseReason.USER, PauseReason.FAULT, PauseReason.LEASE
PLAN = make_plan(ScanGrid(az=(0, 1), el=(0, 1), step=1))


def task(seen, desired=Desired.RUN):
    return Task(session_id=1, rotor="a", plan=PLAN, desired=desired, seen=seen)


def held(*reasons):
    """Held by record 7."""
    return ScanState(
        number=9, status=ScanStatus.PAUSED, reasons=frozenset(reasons), status_number=7
    )


@pytest.mark.parametrize(
    ("state", "seen", "by_hand", "expected"),
    [
        (held(USER), 3, False, True),  # the hub's own hold
        (held(USER), 3, True, False),  # somebody's at the rotor
        (held(USER), 7, True, True),
        (held(FAULT), 6, False, False),
        (held(FAULT), 7, False, True),
        (held(FAULT), 9, False, True),
        (held(FAULT, USER), 6, False, False),
        (held(FAULT, USER), 7, True, True),
        (held(LEASE), 9, False, False),
        (held(LEASE, USER), 9, False, False),
    ],
)
def test_a_scan_goes_on(state, seen, by_hand, expected):
    assert goes_on(task(seen), state, by_hand=by_hand) is expected


@pytest.mark.parametrize("desired", [Desired.HOLD, Desired.CANCEL])
def test_other_wishes_release_nothing(desired):
    assert not released(task(9, desired), held(USER, FAULT), by_hand=False)


def test_a_fault_that_is_not_on_record_yet_is_not_taken_away():
    running = ScanState(number=9, status=ScanStatus.RUNNING, status_number=1)
    assert released(task(9), running, by_hand=False) == {USER}
    assert not released(task(9), running, by_hand=True)
