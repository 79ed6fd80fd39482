"""Power of 8-bit I/Q samples, from the histogram of their codes.

A sample's I and Q are codes 0…255 around an ideal middle of 127.5. Everything a power reading
needs — mean, mean square, how many codes are at a rail — is in two histograms of 256 bins, so a
reading of any length takes the same memory and its sums are exact integers.

A zero-IF tuner adds a constant to I and to Q, the spike at the middle of its spectrum, often
stronger than the sky. The power is therefore the *variance* of the codes, about their own mean
over the reading, with n − 1 degrees of freedom so that white noise is estimated without bias.
This removes a band of 1/T around the middle of the spectrum for a reading of T seconds: 50 Hz
for 20 ms. Averaging over an FFT without its middle bins would remove more, for more work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_CODES = np.arange(256)
_FULL_SCALE = 127.5  # codes from the middle to a rail


@dataclass
class CodeHistogram:
    """How often each code came, in I and in Q.

    Attributes
    ----------
    counts : ndarray, shape (2, 256)
        Counts of the codes of I and of Q.

    Examples
    --------
    A complex sinusoid that touches the rails is the full scale, 0 dBFS:

    >>> phase = 2 * np.pi * np.arange(1000) / 10
    >>> iq = np.stack([127.5 + 127.5 * np.cos(phase), 127.5 + 127.5 * np.sin(phase)], axis=1)
    >>> histogram = CodeHistogram()
    >>> histogram.add(iq.round().astype(np.uint8))
    >>> print(round(10 * np.log10(histogram.power()), 1))
    0.0
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 256), dtype=np.int64))

    def add(self, iq: NDArray[np.uint8]) -> None:
        """Count samples.

        Parameters
        ----------
        iq : ndarray of uint8, shape (n, 2)
            I and Q.
        """
        for axis in (0, 1):
            self.counts[axis] += np.bincount(iq[:, axis], minlength=256)

    @property
    def samples(self) -> int:
        """Number of samples counted."""
        return int(self.counts[0].sum())

    @property
    def saturated(self) -> float:
        """Fraction of samples with I or Q at a rail, an upper bound: both count."""
        at_rail = int(self.counts[:, 0].sum() + self.counts[:, 255].sum())
        return at_rail / self.samples

    def power(self) -> float:
        """Power without the constant part, relative to a full-scale complex sinusoid.

        Full scale, 1.0 or 0 dBFS, is the sinusoid whose I and Q just touch the rails. The
        rounding to codes adds 2/12 of a code squared, −49.9 dBFS: with less than that the
        tuner's gain is too low for a measurement.

        Returns
        -------
        float
            Linear power; 0.0 when all samples are equal.
        """
        n = self.samples
        # Python's integers: the square of a sum over minutes of samples exceeds 64 bits.
        total = [int(row @ _CODES) for row in self.counts]
        squares = [int(row @ _CODES**2) for row in self.counts]
        scatter = sum(n * square - first**2 for first, square in zip(total, squares, strict=True))
        return scatter / (n * (n - 1)) / _FULL_SCALE**2
