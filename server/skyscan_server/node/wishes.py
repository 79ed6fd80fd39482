"""What a wish of the hub takes away from the reasons that hold a scan: a pure rule.

A wish may be delivered again long after it was uttered: after a lost link, after a crash of
either side. "Run" must therefore not take away what its users could not have known of. So a
fault is taken away only where the record of the present hold was with the hub when they asked;
and the same goes for a stop by hand at the rotor, which is nobody's wish at the hub. What the
hub itself asked for with "hold" it takes away again at once.
"""

from __future__ import annotations

from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.node_link import Desired, Task
from skyscan_lab.scanning.state import ScanState


def released(task: Task, state: ScanState, *, by_hand: bool) -> frozenset[PauseReason]:
    """Reasons that a task takes away.

    Parameters
    ----------
    task : Task
        With the wish, and what its users knew.
    state : ScanState
        Of the scan's journal.
    by_hand : bool
        Whether the rotor was stopped by hand, and that holds the scan.

    Examples
    --------
    >>> from skyscan_lab.grid import ScanGrid
    >>> from skyscan_lab.protocol.plans import ScanPlan
    >>> plan = ScanPlan(session="a", grid=ScanGrid(az=(0, 1), el=(0, 1), step=1))
    >>> held = ScanState(
    ...     status=ScanStatus.PAUSED, reasons=frozenset({PauseReason.FAULT}), status_number=7
    ... )
    >>> old, new = (Task(session_id=1, rotor="r", plan=plan, seen=seen) for seen in (6, 7))
    >>> [PauseReason.FAULT in released(task, held, by_hand=False) for task in (old, new)]
    [False, True]
    """
    if task.desired is not Desired.RUN:
        return frozenset()
    known = state.status is ScanStatus.PAUSED and state.status_number <= task.seen
    reasons = set()
    if not by_hand or (known and PauseReason.USER in state.reasons):
        reasons.add(PauseReason.USER)
    if known and PauseReason.FAULT in state.reasons:
        reasons.add(PauseReason.FAULT)
    return frozenset(reasons)


def goes_on(task: Task, state: ScanState, *, by_hand: bool) -> bool:
    """Whether a paused scan goes on once these reasons are taken away."""
    return state.reasons <= released(task, state, by_hand=by_hand)
