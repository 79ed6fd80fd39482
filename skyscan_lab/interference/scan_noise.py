"""Noise along scans: independent from reading to reading, and a drift that ties a scan together.

A receiver's gain drifts while the antenna sweeps, so that readings of one scan go up and down
together. Their covariance is taken to be ::

    σ² I + ω² 1 1ᵀ + τ² K(lag / ℓ)

with σ the noise of a reading, ω the scatter of the scans' offsets, and a drift of amplitude τ whose
length ℓ is counted in readings; ``K`` is Matérn's function of order 3/2, or the Gaussian of
smoother drifts [1]_. The numbers maximize the likelihood of the readings less their scans' means.
Scans are independent of each other.

References
----------
.. [1] C. E. Rasmussen and C. K. I. Williams, *Gaussian Processes for Machine Learning* (2006),
   4.2.1 eqs. (4.9) and (4.17), and 5.4.1 for the likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, inv

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_MAD_TO_SIGMA = 1.4826
# Of a normal variate, its standard deviation over that of its distance to the line through both
# neighbours, 1/√1.5.
_TO_THE_LINE = 0.8165
_LONGEST = 256
_SHORTEST = 8
_LENGTHS = tuple(float(2.0**k) for k in np.arange(0.0, 7.1, 0.5))
_SHARES = tuple(float(2.0**k) for k in range(-8, 11))
# Below this gain in log likelihood there is no drift.
_PAYS = 3.0


@dataclass(frozen=True, eq=False)
class Precision:
    """Inverse covariance of readings, scan by scan.

    Attributes
    ----------
    size : int
        How many readings there are.
    blocks : list of (ndarray, ndarray)
        Which readings belong together, and the inverse of their covariance.
    """

    size: int
    blocks: list[tuple[Indices, Floats]]

    def times(self, values: Floats) -> Floats:
        """Product with one column or several, shape (n,) or (n, k); 0 where nothing counts."""
        product = np.zeros(values.shape)
        for members, inverse in self.blocks:
            product[members] = inverse @ values[members]
        return product

    @cached_property
    def flat(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Floats]:
        """For compiled code: block and place of each reading, start and size of each block, values.

        The block of a reading that does not count is −1. Blocks that share an inverse share it.
        """
        block, place = np.full(self.size, -1, np.int64), np.zeros(self.size, np.int64)
        first, size = np.zeros(len(self.blocks), np.int64), np.zeros(len(self.blocks), np.int64)
        there: dict[int, int] = {}
        parts: list[Floats] = []
        total = 0
        for number, (members, inverse) in enumerate(self.blocks):
            if id(inverse) not in there:
                there[id(inverse)] = total
                parts.append(inverse.ravel())
                total += inverse.size
            block[members], place[members] = number, np.arange(members.size)
            first[number], size[number] = there[id(inverse)], members.size
        return block, place, first, size, np.concatenate([np.zeros(0), *parts])


@dataclass(frozen=True)
class ScanNoise:
    """Covariance of the readings of a scan.

    Attributes
    ----------
    sigma : float
        Standard deviation of a reading about its drift.
    offset : float
        Standard deviation of a scan's mean.
    drift : float
        Standard deviation of the drift.
    length : float
        Its length, in readings.
    smooth : bool
        Whether it is the smoother kind.
    """

    sigma: float
    offset: float = 0.0
    drift: float = 0.0
    length: float = 1.0
    smooth: bool = False

    def precision(
        self, scans: Sequence[Indices], kept: NDArray[np.bool_], added: Floats | None = None
    ) -> Precision:
        """Inverse covariance of the readings that count.

        Parameters
        ----------
        scans : sequence of ndarray of int
            Readings of each scan, in order.
        kept : ndarray of bool, shape (n,)
            Which of them count.
        added : ndarray, shape (n,), optional
            More variance of each, independent of the others.
        """
        blocks: list[tuple[Indices, Floats]] = []
        whole: dict[int, Floats] = {}
        for scan in scans:
            for piece in pieces(scan):
                order = np.flatnonzero(kept[piece])
                if not order.size:
                    continue
                complete = order.size == piece.size and added is None
                if complete and piece.size in whole:
                    blocks.append((piece, whole[piece.size]))
                    continue
                members = piece[order]
                matrix = self._covariance(order)
                if added is not None:
                    matrix[np.diag_indices_from(matrix)] += added[members]
                inverse = np.asarray(inv(matrix, overwrite_a=True, check_finite=False))
                if complete:
                    whole[piece.size] = inverse
                blocks.append((members, inverse))
        return Precision(kept.size, blocks)

    def _covariance(self, places: Indices) -> Floats:
        matrix = np.full((places.size, places.size), self.offset**2)
        if self.drift > 0.0:
            lag = np.abs(places[:, None] - places[None, :])
            matrix += self.drift**2 * _correlation(places[-1] + 1, self.length, self.smooth)[lag]
        matrix[np.diag_indices_from(matrix)] += self.sigma**2
        return matrix


def noise_along(readings: Floats, scans: Sequence[Indices]) -> float:
    """Robust standard deviation of a reading from the line through its neighbours in the scan.

    Blind to what bends slowly; sources bend a scan at few of its readings.
    """
    bends = [readings[s[1:-1]] - 0.5 * (readings[s[:-2]] + readings[s[2:]]) for s in scans]
    every = np.concatenate([np.zeros(0), *bends])
    if not every.size:
        return 0.0
    return _TO_THE_LINE * _MAD_TO_SIGMA * float(np.median(np.abs(every - np.median(every))))


def fit_scan_noise(
    residual: Floats,
    scans: Sequence[Indices],
    kept: NDArray[np.bool_],
    least: float,
    shortest: float = 1.0,
) -> ScanNoise:
    """Noise of readings of which everything else has been subtracted.

    Parameters
    ----------
    residual : ndarray, shape (n,)
        What is left of the readings.
    scans : sequence of ndarray of int
        Readings of each scan, in order.
    kept : ndarray of bool, shape (n,)
        Which of them count.
    least : float
        The noise is at least so much: that of rounding.
    shortest : float
        Of a drift, in readings: what is as short as a beam may be a source.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scans = [np.arange(k, k + 60) for k in range(0, 3000, 60)]
    >>> noise = fit_scan_noise(rng.normal(0, 2.0, 3000), scans, np.ones(3000, bool), 1e-6)
    >>> round(noise.sigma, 1), noise.drift
    (2.0, 0.0)
    """
    long = [p for scan in scans for p in pieces(scan) if p.size >= _SHORTEST and kept[p].sum() > 2]
    if not long:
        spread = _robust(residual[kept])
        return ScanNoise(max(spread, least))
    rows = [_filled(residual[piece], kept[piece]) for piece in long]
    means = np.array([row.mean() for row in rows])
    plain, best = -np.inf, (-np.inf, 1.0, 0.0, 1.0, False)
    sizes = {size: np.array([r for r in rows if r.size == size]) for size in {r.size for r in rows}}
    lengths = sorted({shortest, *(length for length in _LENGTHS if length > shortest)})
    for length, smooth in product(lengths, (False, True)):
        modes = [(rows_, *_modes(size, length, smooth)) for size, rows_ in sizes.items()]
        squares = [np.mean((rows_ @ basis) ** 2, axis=0) for rows_, _, basis in modes]
        for share in (0.0, *_SHARES):
            count, quadratic, logarithm = 0, 0.0, 0.0
            for (rows_, values, _), square in zip(modes, squares, strict=True):
                inflated = 1.0 + share * values
                count += rows_.shape[0] * values.size
                quadratic += rows_.shape[0] * float(np.sum(square / inflated))
                logarithm += rows_.shape[0] * float(np.sum(np.log(inflated)))
            variance = max(quadratic / count, 1e-300)
            likelihood = -0.5 * (count * np.log(variance) + logarithm)
            if share == 0.0:
                plain = max(plain, likelihood)
            if likelihood > best[0]:
                best = (likelihood, variance, share, length, smooth)
    _, variance, share, length, smooth = best
    if best[0] < plain + _PAYS:
        variance = float(np.mean([np.sum((r - r.mean()) ** 2) / (r.size - 1) for r in rows]))
        share, length = 0.0, 1.0
    sigma = max(float(np.sqrt(variance)), least)
    drift = sigma * float(np.sqrt(share))
    noise = ScanNoise(sigma, 0.0, drift, length, smooth)
    typical = int(np.median([row.size for row in rows]))
    # The mean of a scan scatters by its noise and drift alone, too.
    expected = float(noise._covariance(np.arange(typical)).mean())  # noqa: SLF001 (own class)
    offset = float(np.sqrt(max(_robust(means) ** 2 - expected, 0.0)))
    return replace(noise, offset=offset)


def pieces(scan: Indices) -> list[Indices]:
    """A scan in parts that are short enough to be inverted: drifts are shorter than those."""
    count = -(-scan.size // _LONGEST)
    return [part for part in np.array_split(scan, max(count, 1)) if part.size]


def _filled(values: Floats, kept: NDArray[np.bool_]) -> Floats:
    if kept.all():
        return values
    there = np.flatnonzero(kept)
    return np.asarray(np.interp(np.arange(values.size), there, values[there]))


def _robust(values: Floats) -> float:
    if values.size < 2:
        return 0.0
    return _MAD_TO_SIGMA * float(np.median(np.abs(values - np.median(values))))


def _correlation(count: int, length: float, smooth: bool) -> Floats:
    """Of a drift with itself, up to so many readings later."""
    lag = np.arange(count) / length
    if smooth:
        return np.asarray(np.exp(-0.5 * lag**2))
    scaled = np.sqrt(3.0) * lag
    return np.asarray((1.0 + scaled) * np.exp(-scaled))


@lru_cache(maxsize=256)
def _modes(size: int, length: float, smooth: bool) -> tuple[Floats, Floats]:
    """Variances of a drift of unit amplitude in a scan less its mean, and their directions."""
    lag = np.abs(np.arange(size)[:, None] - np.arange(size))
    # Directions at right angles to the mean; the first is the mean itself.
    rest = np.linalg.qr(np.column_stack([np.ones(size), np.eye(size)[:, 1:]]))[0][:, 1:]
    values, vectors = eigh(rest.T @ _correlation(size, length, smooth)[lag] @ rest)
    return np.maximum(values, 0.0), rest @ vectors
