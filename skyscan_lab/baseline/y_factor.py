"""Calibration with a hot and a cold load.

References
----------
.. [1] D. M. Pozar, *Microwave Engineering* (4th ed., 2012), 10.1: the Y-factor method,
   ``T_rx = (T_hot − Y T_cold) / (Y − 1)`` with ``Y = P_hot / P_cold``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.contamination import fit_contaminated
from skyscan_lab.errors import InvalidInput
from skyscan_lab.power import LogResponse, response_of

# Fewer readings are too few to tell interference from noise: their mean is taken.
_FEWEST = 12


@dataclass(frozen=True)
class YFactor:
    """Receiver temperature and scale of a receiver.

    Attributes
    ----------
    receiver_k, receiver_error_k : float
        Noise temperature of the receiver, kelvin, and its standard error.
    kelvin_per_power, kelvin_per_power_error : float
        Temperature for a unit of linear power (for dBm: per mW), and its standard error.
    y, y_error : float
        Ratio of the powers of the two loads.
    """

    receiver_k: float
    receiver_error_k: float
    kelvin_per_power: float
    kelvin_per_power_error: float
    y: float
    y_error: float


def y_factor(
    hot: ArrayLike,
    cold: ArrayLike,
    hot_k: float,
    cold_k: float,
    *,
    units: str = "dBm",
    response: LogResponse | None = None,
    hot_error_k: float = 0.0,
    cold_error_k: float = 0.0,
) -> YFactor:
    """Receiver temperature from readings of two loads [1]_; robust to interference in them.

    Parameters
    ----------
    hot, cold : array_like, shape (n,)
        Readings of the loads, in `units`; those that are not finite are left out. Two or more.
    hot_k, cold_k : float
        Temperatures of the loads, kelvin: an absorber at ambient temperature, and the sky.
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of the readings.
    response : LogResponse, optional
        How power becomes a reading; needed for counts.
    hot_error_k, cold_error_k : float
        Standard errors of the temperatures.

    Returns
    -------
    YFactor
        With errors from the scatter of the readings and from the temperatures.

    Raises
    ------
    InvalidInput
        For too few readings, temperatures that are not those of a hotter and a colder load,
        counts without a response, or a hot load that reads no more than the cold one.

    Examples
    --------
    >>> dbm = lambda kelvin: 10 * np.log10(np.full(4, kelvin) * 1e-12)
    >>> found = y_factor(dbm(290.0 + 75.0), dbm(10.0 + 75.0), 290.0, 10.0)
    >>> round(found.receiver_k, 6), round(found.y, 3)
    (75.0, 4.294)
    """
    if not 0.0 <= cold_k < hot_k < np.inf:
        raise InvalidInput("hot_k, cold_k", (hot_k, cold_k), "0 ≤ cold < hot, kelvin")
    known = response or response_of(units)
    if known is None:
        raise InvalidInput("response", None, "given for counts")
    p_hot, s_hot = _power(hot, "hot", known)
    p_cold, s_cold = _power(cold, "cold", known)
    y = p_hot / p_cold
    if not y > 1.0:
        raise InvalidInput("hot over cold", y, "greater than 1: are the loads exchanged?")
    y_error = y * float(np.hypot(s_hot / p_hot, s_cold / p_cold))
    span = hot_k - cold_k
    receiver = (hot_k - y * cold_k) / (y - 1.0)
    receiver_error = np.sqrt(
        (span / (y - 1.0) ** 2 * y_error) ** 2
        + (hot_error_k / (y - 1.0)) ** 2
        + (y * cold_error_k / (y - 1.0)) ** 2
    )
    scale = span / (p_hot - p_cold)
    scale_error = np.sqrt(
        (scale / (p_hot - p_cold)) ** 2 * (s_hot**2 + s_cold**2)
        + (hot_error_k**2 + cold_error_k**2) / (p_hot - p_cold) ** 2
    )
    return YFactor(
        float(receiver), float(receiver_error), float(scale), float(scale_error), float(y), y_error
    )


def _power(readings: ArrayLike, name: str, response: LogResponse) -> tuple[float, float]:
    """Power of a load and its standard error."""
    values = np.asarray(readings, dtype=float).ravel()
    values = values[np.isfinite(values)]
    if values.size < 2:
        raise InvalidInput(f"readings of {name}", values.size, "at least 2")
    power: NDArray[np.float64] = response.to_power(values)
    mean, spread = float(power.mean()), float(power.std(ddof=1))
    if values.size < _FEWEST or spread == 0.0:
        return mean, spread / float(np.sqrt(values.size))
    # In units of their own mean: the fit is of numbers near 1.
    level, error, _ = fit_contaminated([power / mean], [np.ones((power.size, 1))])
    return mean * float(level[0][0]), mean * float(error[0][0])
