"""When the samples of an endless stream were taken.

rtl_tcp sends samples without end and without time. One that arrives now may have waited in the
dongle's transfer (64 ms at 2.048 MS/s), in the server's queue, on the network and in two kernels:
a reading that starts with it would belong to where the antenna was, not to where it is.

The samples are counted, and their rate is known. When ``k`` of them have arrived at the time
``t``, the first was taken no later than ``t − k/rate``; the least of these bounds over the last
seconds comes from the moment of the least delay, which a stream that keeps up reaches many times
a second, and gives the time of every sample. Delay and jitter cancel; a crystal's error over a
few seconds is below a millisecond. Samples that were lost on the way make the clock late, which
costs a wait and never admits an old sample, until the window has moved past the loss.
"""

from __future__ import annotations

import math
from collections import deque

_WINDOW_S = 2.0
# Two windows in a row that each lost more: not one stall, but a link that cannot carry the rate.
_BEHIND = 0.02


class StreamClock:
    """Tells which sample of a stream was taken at a given time.

    Parameters
    ----------
    rate_hz : float
        Samples a second.

    Examples
    --------
    >>> clock = StreamClock(rate_hz=1000.0)
    >>> clock.arrived(100, at_s=5.30)  # 0.2 s late
    >>> clock.arrived(400, at_s=5.41)  # 0.01 s late
    >>> clock.index_at(5.50)
    490
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._window_end_s = -math.inf
        self._earliest = math.inf  # bound on the time of the first sample, this window
        self._past: deque[float] = deque(maxlen=3)  # the same for past windows

    def arrived(self, count: int, at_s: float) -> None:
        """Note that `count` samples in all had arrived at a time, seconds of any steady clock."""
        if at_s >= self._window_end_s:
            if math.isfinite(self._earliest):
                self._past.append(self._earliest)
            self._window_end_s = at_s + _WINDOW_S
            self._earliest = math.inf
        self._earliest = min(self._earliest, at_s - count / self._rate_hz)

    def index_at(self, at_s: float) -> int:
        """Index of the first sample taken at a time or later, counted from 0."""
        first_s = min(self._earliest, self._past[-1] if self._past else math.inf)
        return math.ceil((at_s - first_s) * self._rate_hz - 1e-6)

    @property
    def falling_behind(self) -> bool:
        """Whether fewer samples arrive than are taken, so that their delay keeps growing."""
        if len(self._past) < 3:
            return False
        oldest, middle, newest = self._past
        return min(newest - middle, middle - oldest) > _BEHIND * _WINDOW_S
