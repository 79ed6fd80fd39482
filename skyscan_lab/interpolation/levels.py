"""Readings as levels that may be averaged: powers, where the units say what a reading is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.power import LogResponse, Units, response_of

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Levels of readings and their errors.

    Attributes
    ----------
    level, error : ndarray, shape (n,)
        Powers relative to the strongest, so that nothing overflows; the readings themselves
        where the response of the receiver is not known.
    top : float
        The strongest reading.
    response : LogResponse or None
        Of the receiver.
    """

    level: Values
    error: Values
    top: float
    response: LogResponse | None

    @classmethod
    def of(cls, readings: Values, units: Units, noise: float) -> Levels:
        """Levels of readings with a standard deviation of `noise` in the same units."""
        response = response_of(units)
        top = float(readings.max())
        if response is None:
            return cls(readings, np.full(readings.size, noise), top, None)
        level = 10.0 ** ((readings - top) / response.per_decade)
        return cls(level, level * noise * np.log(10.0) / response.per_decade, top, response)

    def reading(self, level: Values, error: Values) -> tuple[Values, Values]:
        """Readings of levels, and their errors; NaN for a power that is not above zero."""
        if self.response is None:
            return level, error
        power = np.where(level > 0.0, level, np.nan)
        value = self.top + self.response.per_decade * np.log10(power)
        return value, error / power * self.response.per_decade / np.log(10.0)
