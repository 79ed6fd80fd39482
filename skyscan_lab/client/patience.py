"""How long to try again, and when: random pauses that grow, within a total time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

FIRST_S = 0.1
LONGEST_S = 3.0


class Patience:
    """Pauses with full jitter: each is drawn from zero up to a limit that doubles.

    The jitter keeps the clients of a server that was restarted from coming back all at once.

    Parameters
    ----------
    draw : callable
        Draws a number between two; for tests.
    """

    def __init__(self, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._began = time.monotonic()
        self._limit_s = FIRST_S
        self._draw = draw

    @property
    def spent_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    async def pause(self, total_s: float) -> bool:
        """Wait before the next try.

        Parameters
        ----------
        total_s : float
            Seconds from the beginning after which nothing is tried any more.

        Returns
        -------
        bool
            Whether there is time for another try; if not, there is no wait.
        """
        left_s = total_s - self.spent_s
        if left_s <= 0.0:
            return False
        limit_s, self._limit_s = self._limit_s, min(2.0 * self._limit_s, LONGEST_S)
        await asyncio.sleep(min(self._draw(0.0, limit_s), left_s))
        return True
