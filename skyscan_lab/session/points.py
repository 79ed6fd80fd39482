"""The columns of a session, from the arrays that a user has."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.units import Quantity
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.session.schema import Flag
from skyscan_lab.session.times import utc_times

Column = NDArray[np.float64]


def point_columns(
    az: ArrayLike,
    el: ArrayLike,
    rssi: ArrayLike,
    *,
    time: Any,
    reads: ArrayLike | None,
    std: ArrayLike | None,
    last: ArrayLike | None,
) -> dict[str, NDArray[Any]]:
    """Every variable of a session for points in the order of measurement.

    Parameters
    ----------
    az, el, rssi, time, reads, std, last
        As for `session_from_points`.

    Returns
    -------
    dict of ndarray, shape (n,)
        By the names of the schema.

    Raises
    ------
    InvalidInput
        Naming the array, and the first of its values that cannot be used.
    """
    azimuth = _angles("az", az, 720.0)
    count = azimuth.size
    elevation = _angles("el", el, 90.0, count)
    strength = _column("rssi", rssi, count)
    measured = np.isfinite(strength)
    number = np.where(measured, 1 if reads is None else _whole("reads", reads, count), 0)
    if last is None:  # an average of one reading is that reading
        latest = np.where(measured & (number == 1), strength, np.nan)
    else:
        latest = _column("last", last, count)
    return {
        "rssi": np.where(measured, strength, np.nan),
        "rssi_std": np.full(count, np.nan) if std is None else _column("std", std, count),
        "rssi_reads": number.astype("int32"),
        "rssi_last": latest,
        "azimuth_measured": azimuth,
        "elevation_measured": elevation,
        "time": utc_times(time, count),
        "sequence": np.where(measured, np.arange(count), -1).astype("int32"),
        "flag": np.where(measured, Flag.MEASURED, Flag.READING_FAILED).astype("int8"),
    }


def _column(field: str, values: ArrayLike, count: int | None = None) -> Column:
    if isinstance(values, Quantity):
        raise InvalidInput(field, values.unit, "plain numbers in the units of the session")
    try:
        column: Column = np.ma.array(values, dtype=float, copy=True).filled(np.nan)
    except (TypeError, ValueError):
        raise InvalidInput(field, values, "numbers") from None
    if column.ndim != 1:
        raise InvalidInput(f"shape of {field}", column.shape, "one value a point")
    if count is not None and column.size != count:
        raise InvalidInput(f"length of {field}", column.size, f"as many as az ({count})")
    return column


def _angles(field: str, values: ArrayLike, largest: float, count: int | None = None) -> Column:
    if isinstance(values, Quantity):
        values = values.to_value("deg")
    column = _column(field, values, count)
    bad = np.flatnonzero(~(np.abs(column) <= largest))  # also NaN
    if bad.size:
        raise InvalidInput(
            f"{field}[{bad[0]}]", float(column[bad[0]]), f"within [{-largest:g}°, {largest:g}°]"
        )
    return column


def _whole(field: str, values: ArrayLike, count: int) -> Column:
    column = _column(field, values, count)
    bad = np.flatnonzero(~((column >= 0) & (column <= np.iinfo("int32").max) & (column % 1 == 0)))
    if bad.size:
        raise InvalidInput(
            f"{field}[{bad[0]}]", float(column[bad[0]]), "a whole number of readings, 0 or more"
        )
    return column
