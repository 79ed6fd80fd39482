"""Ordinary kriging on the sphere: the best linear estimate, and its error.

With covariance ``k`` of a target with the samples and ``K`` of the samples, noise included, the
map at the target is ``μ + kᵀK⁻¹(y − μ)``, ``μ = 1ᵀK⁻¹y / 1ᵀK⁻¹1``, and its variance about the truth
``c₀ − kᵀK⁻¹k + (1 − 1ᵀK⁻¹k)² / 1ᵀK⁻¹1`` [1]_. The error is that of the map, not of one more
reading.

References
----------
.. [1] N. Cressie, *Statistics for Spatial Data* (rev. ed., 1993), 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from skyscan_lab.errors import InvalidInput
from skyscan_lab.interpolation.covariance import Covariance, Family
from skyscan_lab.interpolation.estimate import Estimate
from skyscan_lab.interpolation.likelihood import FAMILIES, fit_covariance
from skyscan_lab.interpolation.ring import RingSolver
from skyscan_lab.interpolation.samples import Ring, Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.interpolation.windows import windows
from skyscan_lab.sphere import azimuth_difference, unit_vector

Values = NDArray[np.float64]

# Exact without a ring: up to so many multiplications, some ten seconds; beyond, windows.
_MOST_WORK = 3e11
_MOST_SAMPLES = 8000
_WINDOW = 96
_CHUNK_ELEMENTS = 8_000_000
# Fractions of a column that differ by less are the same one.
_PHASE_DECIMALS = 9
# Missing cells are taken out of a ring as long as that is less than the rest of it.
_MOST_MISSING = 0.5


def kriging(
    samples: Samples,
    targets: Targets,
    /,
    *,
    covariance: Covariance | None = None,
    families: Sequence[Family] = FAMILIES,
    hpbw_deg: float | None = None,
    error: bool = True,
    window: int | None = None,
) -> Estimate:
    """Ordinary kriging.

    Exact on a full circle of even steps, also where up to half of its cells are missing, by
    `skyscan_lab.interpolation.ring`; exact for other samples by Cholesky while that takes some
    seconds; else from the nearest samples of each direction.

    Parameters
    ----------
    samples, targets
        As for every method.
    covariance : Covariance, optional
        By default it is fitted by maximum likelihood.
    families : sequence of str
        Families that are tried in the fit.
    hpbw_deg : float, optional
        Width of the beam at half power, degrees: the length is then taken from it, and only
        amplitude and noise are fitted.
    error : bool
        Whether the error is asked for; NaN where it is not.
    window : int, optional
        How many of the nearest samples a value is made of, at least 3; by default all, where
        that can be done.
    """
    if window is not None and window < 3:
        raise InvalidInput("window", window, "at least 3 samples")
    if covariance is None and hpbw_deg is not None:
        beam = Covariance.of_beam(hpbw_deg, 1.0, 1.0)
        covariance = fit_covariance(samples, (beam.family,), beam.length_deg)
    elif covariance is None:
        covariance = fit_covariance(samples, tuple(families))
    ring, count = samples.ring, samples.values.size
    if window is None and ring is not None:
        cells = ring.elevations.size * ring.columns
        if count >= (1.0 - _MOST_MISSING) * cells:
            return _on_ring(samples, ring, targets, covariance, error=error)
    work = float(count) ** 2 * targets.azimuth.size
    if window is None and count <= _MOST_SAMPLES and work <= _MOST_WORK:
        return _dense(samples, targets, covariance, error=error)
    return _in_windows(samples, targets, covariance, window or _WINDOW)


def _on_ring(
    samples: Samples, ring: Ring, targets: Targets, covariance: Covariance, *, error: bool
) -> Estimate:
    solver = RingSolver(ring, covariance)
    level = solver.solve(np.ones(samples.values.size))
    solved = solver.solve(samples.values)
    mean = solved.sum() / level.sum()
    solved -= mean * level
    # The distinct elevations and azimuths, of which a grid has few.
    elevations, row = targets.elevations
    azimuths, column = targets.azimuths
    turned = np.mod(azimuth_difference(azimuths, ring.start_deg), 360.0)
    turned = np.round(turned * (ring.columns / 360.0), _PHASE_DECIMALS)
    shift = np.floor(turned)
    phases, phase = np.unique(np.round(turned - shift, _PHASE_DECIMALS), return_inverse=True)
    shift = shift.astype(np.intp) % ring.columns
    kinds = row * phases.size + phase[column]
    needed = np.zeros(elevations.size * phases.size, dtype=bool)
    needed[kinds] = True
    place = np.cumsum(needed)[kinds] - 1, shift[column]
    kind = np.flatnonzero(needed)
    values, variance = solver.predict(
        solved, level, elevations[kind // phases.size], phases[kind % phases.size], error=error
    )
    spread = np.full(row.size, np.nan) if variance is None else variance[place]
    return Estimate(mean + values[place], np.sqrt(np.maximum(spread, 0.0)))


def _dense(samples: Samples, targets: Targets, covariance: Covariance, *, error: bool) -> Estimate:
    count = samples.values.size
    matrix = covariance.between(samples.vectors, samples.vectors)
    matrix.flat[:: count + 1] += covariance.noise**2
    factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    level = cho_solve(factor, np.ones(count), check_finite=False)
    solved = cho_solve(factor, samples.values, check_finite=False)
    unknown = level.sum()
    mean = solved.sum() / unknown
    solved -= mean * level
    wanted = unit_vector(targets.azimuth, targets.elevation)
    values, variance = np.empty(len(wanted)), np.full(len(wanted), np.nan)
    chunk = max(_CHUNK_ELEMENTS // count, 1)
    for begin in range(0, len(wanted), chunk):
        part = slice(begin, begin + chunk)
        across = covariance.between(samples.vectors, wanted[part])
        values[part] = mean + solved @ across
        if error:
            rest = 1.0 - level @ across
            through = solve_triangular(
                factor[0], across, lower=True, overwrite_b=True, check_finite=False
            )
            explained = np.einsum("nm,nm->m", through, through)
            variance[part] = covariance.amplitude**2 - explained + rest**2 / unknown
    return Estimate(values, np.sqrt(np.maximum(variance, 0.0)))


def _in_windows(samples: Samples, targets: Targets, covariance: Covariance, size: int) -> Estimate:
    wanted = unit_vector(targets.azimuth, targets.elevation)
    values, variance = np.empty(len(wanted)), np.empty(len(wanted))
    for members, asked in windows(samples.vectors, wanted, size):
        vectors = samples.vectors[members]
        matrix = covariance.between(vectors, vectors)
        matrix.flat[:: members.size + 1] += covariance.noise**2
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        across = covariance.between(vectors, wanted[asked])
        weights = cho_solve(factor, across, check_finite=False)
        level = cho_solve(factor, np.ones(members.size), check_finite=False)
        short = 1.0 - weights.sum(axis=0)
        explained = np.einsum("nm,nm->m", across, weights)
        variance[asked] = covariance.amplitude**2 - explained + short**2 / level.sum()
        weights += level[:, None] * (short / level.sum())
        values[asked] = samples.values[members] @ weights
    return Estimate(values, np.sqrt(np.maximum(variance, 0.0)))
