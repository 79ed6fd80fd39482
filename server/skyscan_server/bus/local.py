"""The bus within one process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class LocalWake:
    """An ear within this process."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Let it know."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Return at the next wake, or after a time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        self._event.clear()


class LocalBus:
    """Wakes readers of the same process, at once.

    Examples
    --------
    >>> async def example() -> None:
    ...     bus = LocalBus()
    ...     with bus.listen("sessions") as wake:
    ...         bus.publish("sessions")
    ...         await wake.wait(timeout_s=60)
    >>> asyncio.run(example())
    """

    def __init__(self) -> None:
        self._ears: defaultdict[str, set[LocalWake]] = defaultdict(set)

    def publish(self, subject: str) -> None:
        """Wake those who listen to a subject."""
        for ear in self._ears[subject]:
            ear.wake()

    @contextmanager
    def listen(self, *subjects: str) -> Iterator[LocalWake]:
        """Hear the wakes of some subjects until the block ends."""
        ear = LocalWake()
        for subject in subjects:
            self._ears[subject].add(ear)
        try:
            yield ear
        finally:
            for subject in subjects:
                self._ears[subject].discard(ear)
