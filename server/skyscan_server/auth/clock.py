"""The time that tokens live by: given from outside, so that a test need not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Says what time it is, in UTC."""


def utc_now() -> datetime:
    """Time of this machine."""
    return datetime.now(UTC)
