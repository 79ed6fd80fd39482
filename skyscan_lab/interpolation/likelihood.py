"""Fit of a covariance to readings by maximum likelihood.

The mean of the map is unknown and taken out by generalized least squares; the amplitude follows
from the rest in closed form [1]_. On a ring the likelihood is exact. Elsewhere it is so up to some
hundred samples, and beyond it is that of compact blocks, taken for independent of each other [2]_:
a block is several lengths wide, and there are enough of them.

References
----------
.. [1] K. V. Mardia and R. J. Marshall, "Maximum likelihood estimation of models for residual
   covariance in spatial regression", Biometrika 71, 135 (1984).
.. [2] M. L. Stein, Z. Chi and L. J. Welty, "Approximating likelihoods for large spatial data
   sets", J. R. Stat. Soc. B 66, 275 (2004).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.optimize import minimize

from skyscan_lab.interpolation.covariance import Covariance, Family, squared_chords
from skyscan_lab.interpolation.ring import RingSolver
from skyscan_lab.interpolation.samples import Samples

Values = NDArray[np.float64]

FAMILIES: tuple[Family, ...] = ("gaussian", "matern52")
"""What is tried: as smooth as a map through a beam is, and one that may bend faster."""

_BLOCK = 256
_MOST_BLOCKS = 16
# Shorter than the step nothing can be told from noise; longer than this nothing from the mean.
_SHORTEST_STEPS = 0.5
_LONGEST_DEG = 60.0
# Noise over amplitude: below the first the matrices are singular in floating point.
_NOISE_RATIOS = (1e-4, 1e2)
_FEWEST = 8


class _Terms(NamedTuple):
    """Of a covariance K of readings y: log|K|, yᵀK⁻¹y, yᵀK⁻¹1 and 1ᵀK⁻¹1."""

    log_determinant: float
    square: float
    cross: float
    ones: float


def fit_covariance(
    samples: Samples,
    families: Sequence[Family] = FAMILIES,
    length_deg: float | None = None,
) -> Covariance:
    """Covariance under which the readings of a session are the least surprising.

    Parameters
    ----------
    samples : Samples
        The readings.
    families : sequence of str
        Those to choose among.
    length_deg : float, optional
        Its length where that is known, degrees: `Covariance.of_beam` says it for a beam.

    Returns
    -------
    Covariance
        Its noise is at least what the readings themselves tell: their scatter and rounding.
    """
    spread = float(np.std(samples.values))
    floor = float(np.sqrt(samples.measured_variance))
    if samples.values.size < _FEWEST or spread == 0.0:
        # Nothing to fit: as rough as the samples are apart.
        amplitude = spread or max(floor, 1.0)
        noise = max(floor, _NOISE_RATIOS[0] * amplitude)
        return Covariance(families[0], length_deg or samples.step_deg, amplitude, noise)
    fits = [_fit_family(samples, family, length_deg, floor) for family in families]
    return min(fits, key=lambda fit: fit[0])[1]


def _fit_family(
    samples: Samples, family: Family, length_deg: float | None, floor: float
) -> tuple[float, Covariance]:
    terms = _terms_of(samples, family)
    # On the values as they are used: of many samples only some blocks are.
    count, spread = terms.count, float(np.std(samples.values))
    shortest = _SHORTEST_STEPS * samples.step_deg
    lengths = np.log([shortest, max(_LONGEST_DEG, 2.0 * shortest)])
    ratios = np.log(_NOISE_RATIOS)
    start_length = np.log(length_deg or 2.0 * samples.step_deg)

    def length_of(x: Values) -> float:
        return length_deg or float(np.exp(np.clip(x[0], *lengths)))

    def profile(x: Values) -> tuple[float, float]:
        """Negative log likelihood at the best amplitude, and that amplitude squared."""
        found = terms.at(length_of(x), 1.0, float(np.exp(np.clip(x[-1], *ratios))))
        square = max((found.square - found.cross**2 / found.ones) / count, np.finfo(float).tiny)
        return 0.5 * (count * np.log(square) + found.log_determinant), square

    def fixed(x: Values) -> float:
        amplitude = float(np.exp(np.clip(x[-1], *(np.log(floor) - ratios[::-1]))))
        found = terms.at(length_of(x), amplitude, floor)
        square = found.square - found.cross**2 / found.ones
        return 0.5 * (square + found.log_determinant)

    free = [] if length_deg else [start_length]
    x = _minimum(lambda x: profile(x)[0], [*free, np.log(0.03)])
    value, square = profile(x)
    amplitude = float(np.sqrt(square))
    noise = amplitude * float(np.exp(np.clip(x[-1], *ratios)))
    value += 0.5 * count
    if noise < floor:
        x = _minimum(fixed, [*free, np.log(max(amplitude, spread))])
        value, noise = fixed(x), floor
        amplitude = float(np.exp(np.clip(x[-1], *(np.log(floor) - ratios[::-1]))))
    return value, Covariance(family, length_of(x), amplitude, noise)


def _minimum(function: Callable[[Values], float], start: Sequence[float]) -> Values:
    found = minimize(
        function,
        np.array(start),
        method="Nelder-Mead",
        options={
            "xatol": 2e-2,
            "fatol": 5e-2,
            "maxfev": 160,
            "initial_simplex": np.array(start) + 0.7 * np.eye(len(start) + 1, len(start), -1),
        },
    )
    return np.asarray(found.x, dtype=float)


class _RingTerms:
    """Likelihood of a ring."""

    def __init__(self, samples: Samples, family: Family) -> None:
        assert samples.ring is not None  # noqa: S101 -- for mypy
        self._ring, self._family = samples.ring, family
        self._values = samples.values - samples.values.mean()
        self.count = self._values.size

    def at(self, length_deg: float, amplitude: float, noise: float) -> _Terms:
        solver = RingSolver(self._ring, Covariance(self._family, length_deg, amplitude, noise))
        solved = solver.solve(self._values)[self._ring.row, self._ring.column]
        ones = solver.solve(np.ones(self.count))
        return _Terms(
            solver.log_determinant,
            float(solved @ self._values),
            float(solved.sum()),
            float(ones.sum()),
        )


class _BlockTerms:
    """Likelihood of compact blocks, independent of each other."""

    def __init__(self, samples: Samples, family: Family) -> None:
        self._family = family
        blocks = compact_blocks(samples.vectors, _BLOCK)
        used = np.linspace(0, len(blocks) - 1, min(len(blocks), _MOST_BLOCKS)).astype(int)
        blocks = [blocks[index] for index in used]
        mean = np.mean(np.concatenate([samples.values[block] for block in blocks]))
        self._values = [samples.values[block] - mean for block in blocks]
        self._chords = [squared_chords(v, v) for v in (samples.vectors[b] for b in blocks)]
        self.count = sum(values.size for values in self._values)

    def at(self, length_deg: float, amplitude: float, noise: float) -> _Terms:
        covariance = Covariance(self._family, length_deg, amplitude, noise)
        total = np.zeros(4)
        for values, chords in zip(self._values, self._chords, strict=True):
            matrix = covariance.at(chords.copy())
            matrix.flat[:: values.size + 1] += noise**2
            try:
                factor = cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
            except LinAlgError:
                return _Terms(np.inf, 1.0, 0.0, 1.0)
            both = np.column_stack([values, np.ones(values.size)])
            y, ones = solve_triangular(factor, both, lower=True, check_finite=False).T
            total += [2.0 * np.log(np.diagonal(factor)).sum(), y @ y, y @ ones, ones @ ones]
        return _Terms(*total.tolist())


def _terms_of(samples: Samples, family: Family) -> _RingTerms | _BlockTerms:
    ring = samples.ring
    if ring is not None and samples.values.size >= 0.5 * ring.elevations.size * ring.columns:
        return _RingTerms(samples, family)
    return _BlockTerms(samples, family)


def compact_blocks(vectors: Values, size: int) -> list[NDArray[np.intp]]:
    """Samples in blocks that hang together on the sky, by halving along the widest axis.

    Parameters
    ----------
    vectors : ndarray, shape (n, 3)
        Unit vectors.
    size : int
        How many a block has at most.
    """

    def halves(members: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        if members.size <= size:
            return [members]
        axis = int(np.ptp(vectors[members], axis=0).argmax())
        order = members[np.argsort(vectors[members, axis], kind="stable")]
        middle = order.size // 2
        return halves(order[:middle]) + halves(order[middle:])

    return halves(np.arange(len(vectors)))
