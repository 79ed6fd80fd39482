"""How long a lost device is called again: growing pauses, within a window."""

from __future__ import annotations

import asyncio
import time

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


class Patience:
    """Pauses between the attempts to reach one device; the window opens with the first.

    Parameters
    ----------
    window_s : float
        How long it is tried, real seconds.

    Examples
    --------
    >>> async def attempts(window_s: float) -> int:
    ...     patience, count = Patience(window_s), 1
    ...     while await patience.pause():
    ...         count += 1
    ...     return count
    >>> asyncio.run(attempts(window_s=0.0))
    1
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._pause_s = _FIRST_PAUSE_S
        self._ends: float | None = None

    async def pause(self) -> bool:
        """Wait before the next attempt; False, at once, when there is to be none."""
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + self._window_s
        if now + self._pause_s > self._ends:
            return False
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2.0 * self._pause_s, _LONGEST_PAUSE_S)
        return True
