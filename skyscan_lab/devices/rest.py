"""At rest or not, told from where a rotor was each time it was asked.

Within the tolerance of a target is not at rest there: a slow rotor takes seconds to cross it,
and would be read on the way. What tells is how far it is now from where it was a window ago. A
rotor that creeps is always farther away than one at rest; an encoder whose last digit flickers
is back at the same number every few looks. The greatest of all distances within the window
would tell a creep as well, and never let the flicker pass.
"""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from skyscan_lab.devices.base import Position


class Sample(NamedTuple):
    """A position, and the monotonic seconds between which the rotor was there."""

    asked: float
    seen: float
    where: Position


class Rest:
    """The looks at a rotor since it may have come to rest.

    Parameters
    ----------
    still_deg : float
        Motion on either axis that is none: below what the encoder's last digit may flicker.

    Examples
    --------
    >>> rest = Rest(still_deg=0.01)
    >>> for at_s, azimuth_deg in ((0.0, 9.9), (1.0, 10.0), (2.0, 10.0), (3.0, 10.0)):
    ...     rest.add(Sample(at_s, at_s, Position(azimuth_deg, 45.0)))
    >>> rest.lasts(2.0), rest.lasts(3.0)
    (True, False)
    """

    def __init__(self, still_deg: float) -> None:
        self._still_deg = still_deg
        self._looks: deque[Sample] = deque()
        self._came_to: Sample | None = None  # since then it has hardly moved

    def clear(self) -> None:
        """Forget all looks: the rotor is under way."""
        self._looks.clear()
        self._came_to = None

    def add(self, sample: Sample) -> None:
        """Note a look; they come in order."""
        if self._came_to is None or not self._same(self._came_to, sample):
            self._came_to = sample
        self._looks.append(sample)

    def lasts(self, window_s: float) -> bool:
        """Whether the rotor is where it was `window_s` real seconds ago.

        A window of no length still takes two looks: one alone shows no motion.
        """
        now = self._looks[-1]
        # Looks older than the window's first are of no use any more.
        while len(self._looks) > 2 and now.asked - self._looks[1].seen >= window_s:
            self._looks.popleft()
        first = self._looks[0]
        is_alone = len(self._looks) == 1
        return not is_alone and now.asked - first.seen >= window_s and self._same(first, now)

    def next_look_s(self, window_s: float, at_least_s: float) -> float:
        """Real seconds until the next look, so that `lasts` is noticed when it becomes true."""
        *_, before, now = [None, *self._looks]
        if before is None or self._came_to is None or before.where != now.where:
            return at_least_s
        left_s = self._came_to.seen + window_s - time.monotonic()
        # A few looks on the way, because a rotor may swing through its target.
        return max(min(left_s, window_s / 4.0), at_least_s)

    def _same(self, one: Sample, other: Sample) -> bool:
        # A flicker over north, from 0.00 to 359.99, is no turn.
        before = one.where.on_turn_of(other.where.azimuth_deg)
        apart = (abs(a - b) for a, b in zip(before, other.where, strict=True))
        return max(apart) <= self._still_deg
