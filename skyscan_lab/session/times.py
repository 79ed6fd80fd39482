"""Times of a session: datetime64[ns], UTC, from whatever says a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from astropy.time import Time
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput

NOT_A_TIME = np.datetime64("NaT", "ns")


def utc_times(time: Any, count: int) -> NDArray[np.datetime64]:
    """Times of `count` points as datetime64[ns], UTC; naive ones are UTC already."""
    if time is None:
        return np.full(count, NOT_A_TIME, dtype="datetime64[ns]")
    if isinstance(time, Time):
        time = np.asarray(time.utc.datetime64)
    if not isinstance(time, np.ndarray) or time.dtype.kind != "M":
        time = np.array([_utc(moment) for moment in np.atleast_1d(np.asarray(time, dtype=object))])
    times = np.asarray(time, dtype="datetime64[ns]")
    if times.shape != (count,):
        raise InvalidInput("length of time", times.size, f"as many as az ({count})")
    return times


def _utc(moment: Any) -> np.datetime64:
    if moment is None:
        return NOT_A_TIME
    if isinstance(moment, np.datetime64):
        return moment.astype("datetime64[ns]")
    try:
        parsed = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    except ValueError:
        raise InvalidInput("time", moment, "an ISO 8601 time") from None
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(parsed, "ns")
