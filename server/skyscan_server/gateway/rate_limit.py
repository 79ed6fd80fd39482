"""So many attempts in a while, for each caller and for all of them together."""

from __future__ import annotations

import time
from collections.abc import Callable

_MOST_CALLERS = 4096


class RateLimit:
    """Counts attempts: each caller has a number at once, and gets them back one by one.

    Parameters
    ----------
    attempts : int
        Attempts that a caller has.
    per_s : float
        Time in which they all come back.
    clock : callable
        Monotonic time in seconds.

    Examples
    --------
    >>> limit = RateLimit(2, 60.0, clock=lambda: 0.0)
    >>> [limit.wait_s("10.0.0.7") for _ in range(3)]
    [0.0, 0.0, 30.0]
    """

    def __init__(
        self, attempts: int, per_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_s = per_s / attempts
        self._per_s = per_s
        self._clock = clock
        # When a caller will have all attempts back: one number says everything about it.
        self._full_at: dict[str, float] = {}

    def wait_s(self, caller: str) -> float:
        """Count an attempt, and return 0; or how long to wait, where there is none left."""
        now = self._clock()
        if caller not in self._full_at and len(self._full_at) >= _MOST_CALLERS:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
            if len(self._full_at) >= _MOST_CALLERS:
                return self._per_s  # whoever changes names that fast is not let in by it
        full_at = max(self._full_at.get(caller, now), now) + self._every_s
        # The last of several attempts must not fail for the rounding of their sum.
        excess = full_at - now - self._per_s
        if excess > self._every_s * 1e-6:
            return excess
        self._full_at[caller] = full_at
        return 0.0
