"""What people and leases want of a running scan, kept apart from what it does.

Wishes may be uttered at any time, again and again; the engine takes notice when it can.
"""

from __future__ import annotations

import asyncio

from skyscan_lab.protocol.lifecycle import PauseReason


class Control:
    """Reasons to hold the scan, and whether it is to end.

    Parameters
    ----------
    reasons : frozenset of PauseReason
        Those left from before, when a paused scan is taken up again.
    words : str, optional
        Why, for people.

    Attributes
    ----------
    cancelled : bool
        Whether the scan is to end; that cannot be taken back.
    fault : Exception or None
        The error behind `PauseReason.FAULT`, where it happened in this process.
    """

    def __init__(
        self, reasons: frozenset[PauseReason] = frozenset(), words: str | None = None
    ) -> None:
        self.cancelled = False
        self.fault: Exception | None = None
        self._reasons = set(reasons)
        self._fault_words = words
        self._changed = asyncio.Event()

    @property
    def reasons(self) -> frozenset[PauseReason]:
        """Why the scan is to be held; it runs only when there are none."""
        return frozenset(self._reasons)

    @property
    def words(self) -> str | None:
        """What went wrong, for people; None unless a fault is among the reasons."""
        if PauseReason.FAULT not in self._reasons:
            return None
        return str(self.fault) if self.fault is not None else self._fault_words

    def hold(self, reason: PauseReason, fault: Exception | None = None) -> None:
        """Add a reason; one that is there already is no change."""
        if fault is not None:
            self.fault = fault
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._changed.set()

    def release(self, *reasons: PauseReason) -> None:
        """Take reasons away."""
        self._reasons.difference_update(reasons)
        if PauseReason.FAULT in reasons:
            self.fault = self._fault_words = None
        self._changed.set()

    def cancel(self) -> None:
        """End the scan."""
        self.cancelled = True
        self._changed.set()

    def notice(self) -> None:
        """Take note of all wishes so far; `changed` is about later ones."""
        self._changed.clear()

    async def changed(self) -> None:
        """Return once a wish has been uttered since `notice`."""
        await self._changed.wait()
