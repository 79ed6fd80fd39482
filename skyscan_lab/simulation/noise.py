"""Random numbers that belong to a reading, not to the order in which readings are taken.

A counter-based generator [1]_ is a function: the same key and counter give the same number.
The key is a hash of the station's seed and the session, the counter holds the point's
sequence, the purpose of the number and the index of the reading. So a reading is the same
whoever else reads and however often, and no two sessions share a number.

References
----------
.. [1] J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11 (2011):
   Philox, as numpy implements it.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.random import Philox
from numpy.typing import NDArray
from scipy.special import gammaincinv

_WORD = 2**64


class Purpose(IntEnum):
    """What a random number is for: each purpose is a stream of its own."""

    RADIOMETER = 0
    IMPULSE = 1
    IMPULSE_POWER = 2
    SAMPLES = 3
    DRIFT = 4


def generator(seed: int, session: str, sequence: int, purpose: Purpose) -> Philox:
    """Bit generator of one purpose at one point of one session.

    Parameters
    ----------
    seed : int
        Seed of the station.
    session : str
        Identifies the session.
    sequence : int
        Number of the point; negative ones are points of their own.
    purpose : Purpose
        What the numbers are for.
    """
    # The lowest word counts within the stream, so streams are 2^128 blocks apart. Words as an
    # array of integers: numpy would make floats of a list, and lose their last digits.
    counter = np.array([0, 0, sequence % _WORD, purpose], dtype=np.uint64)
    return Philox(key=_key(seed, session), counter=counter)


def uniforms(
    seed: int, session: str, sequence: int, purpose: Purpose, count: int
) -> NDArray[np.float64]:
    """Uniform random numbers of the readings 0 … count − 1 at one point.

    Parameters
    ----------
    seed, session, sequence, purpose
        As for `generator`.
    count : int
        How many.

    Returns
    -------
    ndarray, shape (count,)
        Strictly between 0 and 1. Asking for more leaves the first ones as they are.

    Examples
    --------
    >>> few = uniforms(1, "a", 7, Purpose.RADIOMETER, 3)
    >>> many = uniforms(1, "a", 7, Purpose.RADIOMETER, 5)
    >>> bool((many[:3] == few).all()), bool((few > 0).all() and (few < 1).all())
    (True, True)
    """
    raw = generator(seed, session, sequence, purpose).random_raw(count)
    # 53 bits, moved off 0 and 1 so that every quantile of them is finite.
    return np.asarray(((raw >> np.uint64(11)) + 0.5) * 2.0**-53)


def radiometer_factor(uniform: NDArray[np.float64], looks: float) -> NDArray[np.float64]:
    """Measured over true power for readings of `looks` independent looks.

    The power of noise averaged over N looks is gamma-distributed with shape N and mean 1, so
    that its relative scatter is 1/√N: the radiometer equation for N = bandwidth × time. The
    variate is the quantile of one uniform number, because rejection sampling would use up a
    number of draws that depends on the draws.

    Parameters
    ----------
    uniform : ndarray
        Numbers strictly between 0 and 1.
    looks : float
        Effective number of looks, greater than 0.

    Examples
    --------
    >>> import numpy as np
    >>> radiometer_factor(np.array([0.5]), 1.0).round(6)  # the median of an exponential: ln 2
    array([0.693147])
    """
    return np.asarray(gammaincinv(looks, uniform) / looks)


@lru_cache(maxsize=1024)
def _key(seed: int, session: str) -> NDArray[np.uint64]:
    digest = blake2b(f"{seed}\n{session}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)
