"""What a bus is to everything that uses it.

It only wakes readers: something under this subject may have changed. It may lose wakes,
repeat them, and bring them in any order; every reader also looks into the store by itself
from time to time, so that all this changes is how soon it reads.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

SESSIONS = "sessions"
"""Records of a session have been committed."""

TASKS = "tasks"
"""What is desired of a session has changed, or there is a new one."""

GRAPHS = "graphs"
"""The hardware graph of a node has changed."""


class Wake(Protocol):
    """The ear of one reader: any number of wakes before it looks are one."""

    async def wait(self, timeout_s: float) -> None:
        """Return at the next wake, or after a time."""


class Bus(Protocol):
    """Wakes readers."""

    def publish(self, subject: str) -> None:
        """Wake those who listen to a subject, now or soon, perhaps."""

    def listen(self, *subjects: str) -> AbstractContextManager[Wake]:
        """Hear the wakes of some subjects until the block ends."""
