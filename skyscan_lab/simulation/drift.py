"""Gain drift: a smooth random function of station time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.simulation.noise import Purpose, uniforms

_COMPONENTS = 32


@dataclass(frozen=True)
class GainDrift:
    """Gain that wanders as 1/f between two periods.

    A sum of cosines of random phase with equal power in each octave: a function of time, so
    that what somebody reads does not depend on who read before.

    Parameters
    ----------
    rms_db : float
        Standard deviation over many stations, dB.
    longest_s, shortest_s : float
        Periods between which it wanders, seconds.

    Raises
    ------
    InvalidInput
        For a negative rms, or periods that are not 0 < shortest < longest.

    Examples
    --------
    >>> drift = GainDrift(rms_db=0.1)
    >>> float(drift.gain_db(1.8e9, seed=1)) == float(drift.gain_db(1.8e9, seed=1))
    True
    """

    rms_db: float = 0.0
    longest_s: float = 6.0 * 3600.0
    shortest_s: float = 300.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.rms_db < np.inf:
            raise InvalidInput("rms_db", self.rms_db, "finite and at least 0")
        if not 0.0 < self.shortest_s < self.longest_s < np.inf:
            raise InvalidInput("shortest_s", self.shortest_s, f"within (0, {self.longest_s})")

    def gain_db(self, unix_s: ArrayLike, seed: int) -> NDArray[np.float64]:
        """Gain over its mean at times, dB.

        Parameters
        ----------
        unix_s : array_like
            Seconds since 1970-01-01 UTC.
        seed : int
            Seed of the station.
        """
        times = np.asarray(unix_s, dtype=float)
        if not self.rms_db:
            return np.zeros(times.shape)
        rates, phases = _components(seed, self.longest_s, self.shortest_s)
        waves = np.cos(2.0 * np.pi * (times[..., np.newaxis] * rates + phases))
        return np.asarray(self.rms_db * np.sqrt(2.0 / _COMPONENTS) * waves.sum(axis=-1))


@lru_cache(maxsize=64)
def _components(
    seed: int, longest_s: float, shortest_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies, one at random in each of equal parts of the octaves, and phases, in turns."""
    random = uniforms(seed, "gain drift", 0, Purpose.DRIFT, 2 * _COMPONENTS)
    place = (np.arange(_COMPONENTS) + random[:_COMPONENTS]) / _COMPONENTS
    return (longest_s / shortest_s) ** place / longest_s, random[_COMPONENTS:]
