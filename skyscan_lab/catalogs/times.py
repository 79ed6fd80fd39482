"""Moments for a catalogue, from whatever says a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from astropy.time import Time
from numpy.typing import ArrayLike

from skyscan_lab.errors import InvalidInput

TimeLike: TypeAlias = Time | datetime | ArrayLike
"""astropy Time, datetime, datetime64 or ISO 8601 (UTC), or seconds since 1970-01-01 UTC."""


def as_time(time: TimeLike) -> Time:
    """Make an astropy Time of anything that says when.

    Parameters
    ----------
    time : Time, datetime or array_like
        astropy Time; datetime64 as in a session, ISO 8601 text or datetime, which are UTC
        where they do not say otherwise; or numbers, seconds since 1970-01-01 UTC.

    Returns
    -------
    Time
        Of the same shape.

    Raises
    ------
    InvalidInput
        For anything else, and where a time is missing (NaT, NaN).

    Examples
    --------
    >>> as_time("2024-03-20T12:00:00").unix == as_time(1710936000.0).unix
    np.True_
    """
    if isinstance(time, Time):
        return time
    if isinstance(time, datetime):
        return Time(time if time.tzinfo else time.replace(tzinfo=UTC))
    values = np.asarray(time)
    missing = np.isnat(values) if values.dtype.kind == "M" else values != values
    if np.any(missing):
        raise InvalidInput("time", time, "a moment: one is missing")
    form = {"M": "datetime64", "U": "isot", "f": "unix", "i": "unix", "u": "unix"}
    try:
        return Time(values, format=form[values.dtype.kind], scale="utc")
    except (KeyError, ValueError):
        raise InvalidInput(
            "time", time, "a Time, datetime64, ISO 8601 (UTC) or seconds since 1970-01-01"
        ) from None
