"""Lifecycle of a scan, as a table of what may follow what.

Pure data: whoever keeps a status (the engine, a server) asks `advance` for the next one and
does its own input and output around it.

::

    pending ──start──▶ running ──finish──▶ completed
       │                │ │ ▲
       │                │ hold release
       │                │ ▼ │
       │                │ paused
       │                │   │
       └────cancel──────┴───┴───────────▶ cancelled
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from skyscan_lab.errors import InvalidTransition


class ScanStatus(StrEnum):
    """Status of a scan session, as the Sky Scan API names it."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self in (ScanStatus.COMPLETED, ScanStatus.CANCELLED)


class ScanEvent(StrEnum):
    """What happens to a scan."""

    START = "start"
    HOLD = "hold"
    RELEASE = "release"
    FINISH = "finish"
    CANCEL = "cancel"


class PauseReason(StrEnum):
    """Why a scan is held. It runs again only when none of its reasons is left."""

    USER = "user"
    LEASE = "lease"
    FAULT = "fault"


TRANSITIONS = MappingProxyType(
    {
        (ScanStatus.PENDING, ScanEvent.START): ScanStatus.RUNNING,
        (ScanStatus.PENDING, ScanEvent.CANCEL): ScanStatus.CANCELLED,
        (ScanStatus.RUNNING, ScanEvent.HOLD): ScanStatus.PAUSED,
        (ScanStatus.RUNNING, ScanEvent.FINISH): ScanStatus.COMPLETED,
        (ScanStatus.RUNNING, ScanEvent.CANCEL): ScanStatus.CANCELLED,
        (ScanStatus.PAUSED, ScanEvent.RELEASE): ScanStatus.RUNNING,
        (ScanStatus.PAUSED, ScanEvent.CANCEL): ScanStatus.CANCELLED,
    }
)
"""Every step there is: (status, event) → status."""


def advance(status: ScanStatus, event: ScanEvent) -> ScanStatus:
    """Status after an event.

    Parameters
    ----------
    status : ScanStatus
        Status now.
    event : ScanEvent
        What happens.

    Returns
    -------
    ScanStatus
        Status then.

    Raises
    ------
    InvalidTransition
        Where the table has no such step; it says which there are.

    Examples
    --------
    >>> advance(ScanStatus.RUNNING, ScanEvent.HOLD)
    <ScanStatus.PAUSED: 'paused'>
    """
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        possible = sorted(step for (start, step) in TRANSITIONS if start is status)
        raise InvalidTransition(
            f"cannot {event} a scan that is {status}: "
            + (f"possible are {', '.join(possible)}" if possible else "nothing can follow")
        ) from None
