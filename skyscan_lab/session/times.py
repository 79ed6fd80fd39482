"""Times of a session: datetime64[ns], UTC, from whatever says a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from astropy.time import Time
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput

NOT_A_TIME = np.datetime64("NaT", "ns")

# Whole years that 64 bits of nanoseconds hold; numpy converts others to nonsense.
_FIRST, _LAST = np.datetime64("1678-01-01", "us"), np.datetime64("2262-01-01", "us")


def utc_times(time: Any, count: int) -> NDArray[np.datetime64]:
    """Times of points as datetime64[ns], UTC.

    Parameters
    ----------
    time : array_like, shape (n,), or None
        astropy Time, datetime64, datetime or ISO 8601 strings; naive ones are UTC already, and
        None is no time.
    count : int
        How many points there are.

    Returns
    -------
    ndarray of datetime64[ns], shape (n,)
        NaT where there is none.

    Raises
    ------
    InvalidInput
        For anything else, for another number of times, and for times that 64 bits of
        nanoseconds do not hold.
    """
    if time is None:
        return np.full(count, NOT_A_TIME)
    if isinstance(time, Time):
        time = _from_astropy(time)
    moments = np.atleast_1d(np.asarray(time))
    if moments.shape != (count,):
        raise InvalidInput("shape of time", moments.shape, f"one time a point, ({count},)")
    if moments.dtype.kind != "M":
        moments = np.array([_utc(moment) for moment in moments.tolist()], dtype="datetime64[us]")
    if moments.dtype == NOT_A_TIME.dtype:
        return moments.copy()
    outside = np.flatnonzero((moments < _FIRST) | (moments >= _LAST))
    if outside.size:
        raise InvalidInput(
            f"time[{outside[0]}]", str(moments[outside[0]]), f"within [{_FIRST}, {_LAST})"
        )
    return moments.astype("datetime64[ns]")


def _from_astropy(time: Time) -> NDArray[np.datetime64]:
    try:
        moments = np.ma.asarray(time.utc.datetime64)
    except ValueError:
        raise InvalidInput("time", str(time), "outside a leap second, as POSIX times are") from None
    return np.asarray(moments.filled(NOT_A_TIME))


def _utc(moment: Any) -> np.datetime64:
    if moment is None or moment != moment:  # pandas' NaT is a datetime unequal to itself
        return NOT_A_TIME
    if isinstance(moment, np.datetime64):
        return moment
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            raise InvalidInput("time", moment, "an ISO 8601 time") from None
    if not isinstance(moment, datetime):
        raise InvalidInput(
            "time",
            moment,
            "datetime64, datetime or ISO 8601 text, or one astropy Time for all points",
        )
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise InvalidInput("time", str(moment), "a time that UTC has") from None
    return np.datetime64(moment, "us")
