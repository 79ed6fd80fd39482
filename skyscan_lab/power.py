"""Power: units, receiver responses, and averages that mean something.

A detector that has integrated ``N`` independent looks of noise reads the true power times a
gamma variate of shape ``N`` and mean 1. Averaging such readings in dB is biased low by
``(10/ln 10)(ψ(N) − ln N)`` dB, −2.51 dB for single looks, because the mean of a logarithm is
not the logarithm of the mean. So readings are averaged as powers wherever the response from
power to reading is known. The logarithm of that mean keeps the same bias for ``nN`` looks,
which is removed where the looks are known and left in, and said to be, where they are not. A
receiver's own counts are averaged as they are, and that is said too.

References
----------
.. [1] F. T. Ulaby, R. K. Moore and A. K. Fung, *Microwave Remote Sensing* II (1982), ch. 7:
   statistics of averaged looks; the bias is the mean of a log-gamma variate.
.. [2] R. H. Dicke, "The measurement of thermal radiation at microwave frequencies", Review
   of Scientific Instruments 17, 268 (1946).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput, UnitsError

Units = Literal["dBm", "dBFS", "dB", "counts"]
"""dBm: calibrated; dBFS: relative to full scale; dB: relative; counts: the receiver's own."""

UNITS: tuple[Units, ...] = get_args(Units)

Domain = Literal["linear power", "linear power, uncorrected", "native units, uncorrected"]
"""What an average was taken over; uncorrected where the bias of the logarithm is left in."""

_LN10 = float(np.log(10.0))
_NAN = float("nan")


def check_units(units: str) -> Units:
    """Check the name of units.

    Parameters
    ----------
    units : str
        Any string.

    Returns
    -------
    {"dBm", "dBFS", "dB", "counts"}
        The same string.

    Raises
    ------
    UnitsError
        For a string that is none of `UNITS`.

    Examples
    --------
    >>> check_units("dBm")
    'dBm'
    """
    for known in UNITS:
        if units == known:
            return known
    raise UnitsError("units", units, f"one of {', '.join(UNITS)}")


@dataclass(frozen=True)
class LogResponse:
    """Reading of a logarithmic receiver: ``offset + per_decade · log10(power)``.

    Parameters
    ----------
    offset : float
        Reading at unit power, in the receiver's units.
    per_decade : float
        Rise of the reading for ten times the power; 10 for decibels.

    Raises
    ------
    InvalidInput
        For an offset that is not finite, or a rise that is not finite and greater than 0.

    Examples
    --------
    >>> counts = LogResponse(offset=100.0, per_decade=165.0)
    >>> float(counts.to_power(counts.to_reading(3.0)).round(12))
    3.0
    """

    offset: float = 0.0
    per_decade: float = 10.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.per_decade) and self.per_decade > 0.0):
            raise InvalidInput("per_decade", self.per_decade, "finite and greater than 0")
        if not np.isfinite(self.offset):
            raise InvalidInput("offset", self.offset, "finite")

    def to_power(self, reading: ArrayLike) -> NDArray[np.float64]:
        """Linear power of a reading (for dBm: mW)."""
        value = np.asarray(reading, dtype=float)
        return np.asarray(10.0 ** ((value - self.offset) / self.per_decade))

    def to_reading(self, power: ArrayLike) -> NDArray[np.float64]:
        """Reading of a linear power; -inf for zero power."""
        with np.errstate(divide="ignore"):
            logarithm = np.log10(np.asarray(power, dtype=float))
        return np.asarray(self.offset + self.per_decade * logarithm)


DECIBEL = LogResponse()
"""The response that dBm, dBFS and dB share."""


def response_of(units: str) -> LogResponse | None:
    """Response that units define by themselves.

    Parameters
    ----------
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of a session.

    Returns
    -------
    LogResponse or None
        `DECIBEL`, or None for receiver counts, whose response has to be measured.

    Raises
    ------
    UnitsError
        For any other string.

    Examples
    --------
    >>> response_of("dBFS") == DECIBEL, response_of("counts")
    (True, None)
    """
    return None if check_units(units) == "counts" else DECIBEL


def dbm_to_mw(dbm: ArrayLike) -> NDArray[np.float64]:
    """Power in mW of a level in dBm.

    Parameters
    ----------
    dbm : array_like
        Levels in dBm.

    Returns
    -------
    ndarray
        Powers in mW.

    Examples
    --------
    >>> dbm_to_mw([0.0, -30.0])
    array([1.   , 0.001])
    """
    return DECIBEL.to_power(dbm)


def mw_to_dbm(mw: ArrayLike) -> NDArray[np.float64]:
    """Level in dBm of a power in mW.

    Parameters
    ----------
    mw : array_like
        Powers in mW, 0 or more.

    Returns
    -------
    ndarray
        Levels in dBm; -inf for zero power.

    Examples
    --------
    >>> mw_to_dbm([1.0, 0.001])
    array([  0., -30.])
    """
    return DECIBEL.to_reading(mw)


def log_average_bias(looks: ArrayLike, per_decade: float = 10.0) -> NDArray[np.float64]:
    """Bias of the mean of logarithmic readings of gamma-distributed power [1]_.

    ``(per_decade / ln 10) (ψ(N) − ln N)``, with ψ the digamma function.

    Parameters
    ----------
    looks : array_like
        Effective number ``N`` of independent looks in each reading, greater than 0.
    per_decade : float
        Units of the reading for a decade of power; 10 for decibels.

    Returns
    -------
    ndarray
        Bias in the units of the reading; negative.

    Raises
    ------
    InvalidInput
        For looks that are not greater than 0.

    Examples
    --------
    >>> log_average_bias([1, 2, 4, 16]).round(3)
    array([-2.507, -1.174, -0.565, -0.137])
    """
    from scipy.special import digamma  # late: the wire, too, needs this module, for its units

    count = np.asarray(looks, dtype=float)
    if not np.all(count > 0.0):
        raise InvalidInput("looks", looks, "greater than 0")
    return np.asarray(per_decade / _LN10 * (digamma(count) - np.log(count)))


def effective_looks(bandwidth_hz: float, integration_s: float) -> float:
    """Effective number of independent looks in one reading, ``B·τ`` [2]_.

    Parameters
    ----------
    bandwidth_hz : float
        Noise bandwidth ``B`` before the detector, Hz, greater than 0: for complex samples of
        an unfiltered receiver their rate.
    integration_s : float
        Integration time ``τ`` of one reading, seconds, greater than 0.

    Returns
    -------
    float
        For `average` and `log_average_bias`; a reading scatters by ``1/√(Bτ)`` of its power.

    Raises
    ------
    InvalidInput
        For an argument that is not finite and greater than 0.

    Examples
    --------
    >>> effective_looks(bandwidth_hz=2.048e6, integration_s=0.02)
    40960.0
    """
    for field, value in (("bandwidth_hz", bandwidth_hz), ("integration_s", integration_s)):
        if not 0.0 < value < float("inf"):
            raise InvalidInput(field, value, "finite and greater than 0")
    return bandwidth_hz * integration_s


@dataclass(frozen=True)
class Average:
    """Average of repeated readings at one point.

    Attributes
    ----------
    value : float
        The average, in the units of the readings; NaN without a finite reading.
    standard_error : float
        Its standard error, in the same units; NaN where the readings cannot tell.
    std : float
        Sample standard deviation of the readings, in the same units (n − 1); NaN below two.
    reads : int
        Number of finite readings.
    domain : str
        ``"linear power"`` (unbiased), ``"linear power, uncorrected"`` (looks unknown) or
        ``"native units, uncorrected"`` (response unknown).
    """

    value: float
    standard_error: float
    std: float
    reads: int
    domain: Domain


def average(
    readings: ArrayLike,
    *,
    response: LogResponse | None,
    looks: float | None = None,
    independent: int | None = None,
) -> Average:
    """Average the readings of one point.

    With a known response the readings are averaged as powers. With the effective looks ``N``
    of a reading known as well, the logarithm of the mean of ``n`` independent readings is
    freed of its own bias, ``(per_decade / ln 10)(ψ(nN) − ln nN)``, so that the estimate is
    unbiased in the units of the readings, and its standard error is that of a log-gamma
    variate, ``(per_decade / ln 10) √ψ′(nN)`` [1]_.

    With looks unknown the standard error ``s`` comes from the scatter, and the bias stays: to
    first order it is ``−s² ln 10 / (2 per_decade)``, 0.12 ``s`` at ``s`` = 1 dB and less below.
    A correction from the same scatter would remove it only where the readings are known to be
    independent noise, and would follow every burst of interference.

    Without a response the readings are averaged as they are.

    Parameters
    ----------
    readings : array_like, shape (n,)
        Readings in the receiver's units. Non-finite ones are left out and not counted.
    response : LogResponse or None
        How the receiver turns power into a reading; None when that is not known.
    looks : float, optional
        Effective number of independent looks in one reading, greater than 0: see
        `effective_looks`. It has no use without a response.
    independent : int, optional
        How many of the readings are independent of each other: a receiver that is polled
        faster than it integrates repeats itself. By default all of them.

    Returns
    -------
    Average
        In the units of the readings.

    Raises
    ------
    InvalidInput
        For readings that are not one row, or `looks` or `independent` out of range.

    Examples
    --------
    >>> result = average([0.0, 10.0], response=DECIBEL)
    >>> round(result.value, 3), result.domain  # the mean of 1 mW and 10 mW, not 5 dBm
    (7.404, 'linear power, uncorrected')
    >>> average([500, 510], response=None).value
    505.0
    """
    values = np.asarray(readings, dtype=float)
    if values.ndim != 1:
        raise InvalidInput("shape of readings", values.shape, "one row of readings")
    if looks is not None and not 0.0 < looks < float("inf"):
        raise InvalidInput("looks", looks, "finite and greater than 0")
    if independent is not None and independent < 1:
        raise InvalidInput("independent", independent, "at least 1")
    values = values[np.isfinite(values)]
    count = values.size
    free = count if independent is None else min(independent, count)
    std = float(np.std(values, ddof=1)) if count > 1 else _NAN

    if response is None:
        value = float(mean_reading(values, None))
        return Average(value, _error_of_mean(values, free), std, count, "native units, uncorrected")
    domain: Domain = "linear power, uncorrected" if looks is None else "linear power"
    if not count:
        return Average(_NAN, _NAN, std, 0, domain)

    value = float(mean_reading(values, response))
    scale = response.per_decade / _LN10
    if looks is None:
        powers = 10.0 ** ((values - value) / response.per_decade)  # relative to their own mean
        return Average(value, scale * _error_of_mean(powers, free), std, count, domain)
    value -= float(log_average_bias(free * looks, response.per_decade))
    return Average(value, scale * _log_gamma_std(free * looks), std, count, domain)


def mean_reading(
    readings: ArrayLike,
    response: LogResponse | None,
    axis: int | tuple[int, ...] | None = None,
) -> NDArray[np.float64]:
    """Reading of the mean power of many, along axes; `average` adds what a single point needs.

    Parameters
    ----------
    readings : array_like
        Readings in the receiver's units; those that are not finite are left out.
    response : LogResponse or None
        How the receiver turns power into a reading; None takes the mean of the readings as
        they are.
    axis : int or tuple of int, optional
        Axes to average over; by default all.

    Returns
    -------
    ndarray
        In the units of the readings, uncorrected for the bias of the logarithm; NaN without
        a finite reading.

    Examples
    --------
    >>> mean_reading([[0.0, 10.0], [5.0, float("nan")]], DECIBEL, axis=1).round(3)
    array([7.404, 5.   ])
    """
    values = np.asarray(readings, dtype=float)
    finite = np.isfinite(values)
    count = np.sum(finite, axis=axis)
    some = np.maximum(count, 1)
    if response is None:
        mean = np.sum(values, axis=axis, where=finite) / some
        return np.where(count > 0, mean, _NAN)[()]
    # Powers relative to the strongest reading: levels near the ends of the float range
    # neither overflow nor vanish.
    strongest = np.max(values, axis=axis, keepdims=True, where=finite, initial=-np.inf)
    strongest = np.where(np.isfinite(strongest), strongest, 0.0)
    powers = 10.0 ** ((np.where(finite, values, strongest) - strongest) / response.per_decade)
    mean = np.sum(powers, axis=axis, where=finite) / some
    above = response.per_decade * np.log10(np.where(count > 0, mean, 1.0))
    return np.where(count > 0, np.squeeze(strongest, axis=axis) + above, _NAN)[()]


def _log_gamma_std(looks: float) -> float:
    """Standard deviation of the logarithm of a gamma variate of that many looks."""
    from scipy.special import polygamma  # late, as above

    return float(np.sqrt(polygamma(1, looks)))


def _error_of_mean(values: NDArray[np.float64], independent: int) -> float:
    """Standard error of a mean of which only some values are independent of each other."""
    # Repeats add to the count and not to the knowledge: the variance has m − 1 degrees of
    # freedom, whatever the number of values it is taken over.
    return float(np.std(values)) / float(np.sqrt(independent - 1)) if independent > 1 else _NAN
