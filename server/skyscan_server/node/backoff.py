"""Pauses between attempts to reach a hub: short at first, random, and longer as time goes by."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


class Backoff:
    """Pauses with full jitter: each is drawn from zero up to a limit that doubles.

    A hub that comes back meets all of its nodes at once. What spreads them is the jitter, and
    what brings them back soon is a low limit: after an outage of two seconds each node waits
    for at most `soon_s` more, so that a thousand of them arrive evenly over a second and a
    half, about 700 a second, each with one handshake and a token that it has already. Several
    may be turned away and still be back within five seconds. A hub that is away for longer
    than `patient_s` is not about to return this very moment; the limit then grows to `late_s`,
    which keeps a dead address from being called more than a few times a minute.

    Parameters
    ----------
    first_s, soon_s : float
        Limit of the first pause, and of all within the first `patient_s`, seconds.
    patient_s : float
        How long an outage counts as a short one.
    late_s : float
        Limit later on.
    draw : callable
        Draws a number between two; for tests.

    Examples
    --------
    >>> pauses = Backoff(draw=lambda low, high: high)
    >>> [pauses.pause_s() for _ in range(6)]
    [0.1, 0.2, 0.4, 0.8, 1.5, 1.5]
    """

    def __init__(
        self,
        *,
        first_s: float = 0.1,
        soon_s: float = 1.5,
        patient_s: float = 60.0,
        late_s: float = 30.0,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first_s = first_s
        self._soon_s = soon_s
        self._patient_s = patient_s
        self._late_s = late_s
        self._draw = draw
        self._limit_s = first_s
        self._since: float | None = None

    def pause_s(self) -> float:
        """Seconds to wait before the next attempt."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        limit_s = self._limit_s
        most_s = self._soon_s if now - self._since < self._patient_s else self._late_s
        self._limit_s = min(2.0 * limit_s, most_s)
        return self._draw(0.0, limit_s)

    def reset(self) -> None:
        """Begin anew: the hub was reached, and held."""
        self._limit_s = self._first_s
        self._since = None
