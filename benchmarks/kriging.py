"""Exact kriging of a full circle: how fast, and whether it is exact.

Mean and variance on 1440 × 185 directions from a circle of 180 × 24 readings, whole and with a
tenth of them missing; beside it the peer, a dense Cholesky factor of the same covariance, as any
library would have it. The peer's time is extrapolated from two circles with fewer columns: its
factor grows with the cube of the readings, its variances with their square times the directions.
Both sides must agree on some hundred directions.

The covariance is given: its fit by maximum likelihood is timed and printed, and no part of a claim.

    python benchmarks/kriging.py [--quick] [--json]
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from server_load.report import at_most, finish, options, times_less

from skyscan_lab.grid import ScanGrid
from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.kriging import kriging
from skyscan_lab.interpolation.likelihood import fit_covariance
from skyscan_lab.interpolation.samples import Samples
from skyscan_lab.interpolation.targets import Targets
from skyscan_lab.session import session_from_points
from skyscan_lab.sphere import unit_vector

SCAN = ScanGrid(az=(0, 360), el=(18, 65), step=2)
FINE = ScanGrid(az=(0, 360), el=(18, 64), step=0.25)
BEAM_DEG = 5.0
COVARIANCE = Covariance.of_beam(BEAM_DEG, amplitude=15.0, noise=0.5)
CHECKED = 200
# Columns of the circles from which the peer's time is extrapolated.
SMALLER = (60, 90)
Values = NDArray[np.float64]


def session(drop: float = 0.0) -> xr.Dataset:
    """Sources through a beam, and noise; a share of the points is missing."""
    rng = np.random.default_rng(1)
    az, el = (axis.ravel() for axis in np.meshgrid(SCAN.azimuths, SCAN.elevations))
    level = 500.0 + rng.normal(0.0, 0.5, az.size)
    here = unit_vector(az, el)
    for source in unit_vector(rng.uniform(0, 360, 40), rng.uniform(18, 65, 40)):
        angle = np.degrees(np.arccos(np.clip(here @ source, -1.0, 1.0)))
        level += rng.exponential(50.0) * 2.0 ** (-4.0 * (angle / BEAM_DEG) ** 2)
    kept = rng.random(az.size) >= drop
    return session_from_points(az[kept], el[kept], level[kept], units="counts", grid=SCAN)


def dense(
    here: Values, readings: Values, wanted: Values
) -> tuple[Values, Values, tuple[float, float]]:
    """Peer: mean, standard error, and seconds for the factor and for the directions."""
    begin = time.perf_counter()
    matrix = correlation(here, here)
    matrix.flat[:: len(here) + 1] += COVARIANCE.noise**2
    factor = cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
    both = np.column_stack([readings, np.ones(len(here))])
    solved, ones = cho_solve((factor, True), both, check_finite=False).T
    mean = solved.sum() / ones.sum()
    middle = time.perf_counter()
    across = correlation(here, wanted)
    values = mean + (solved - mean * ones) @ across
    through = solve_triangular(factor, across, lower=True, check_finite=False)
    rest = 1.0 - ones @ across
    variance = COVARIANCE.amplitude**2 - (through**2).sum(axis=0) + rest**2 / ones.sum()
    return values, np.sqrt(variance), (middle - begin, time.perf_counter() - middle)


def correlation(a: Values, b: Values) -> Values:
    """Covariance by the usual formula, not by ours."""
    squared = np.maximum(2.0 - 2.0 * (a @ b.T), 0.0)
    length = np.radians(COVARIANCE.length_deg)
    return np.asarray(COVARIANCE.amplitude**2 * np.exp(-squared / (2.0 * length**2)))


def peer_seconds() -> float:
    """Time of the dense peer for the whole circle, from two smaller ones."""
    counts, factors, directions = [], [], []
    for columns in SMALLER:
        az, el = np.meshgrid(np.arange(columns) * 2.0, SCAN.elevations)
        here = unit_vector(az.ravel(), el.ravel())
        rng = np.random.default_rng(2)
        wanted = unit_vector(rng.uniform(0, 2.0 * columns, 4000), rng.uniform(18, 64, 4000))
        spent = min(dense(here, rng.normal(size=len(here)), wanted)[2] for _ in range(3))
        counts.append(len(here))
        factors.append(spent[0])
        directions.append(spent[1] / len(wanted))
    ratio = SCAN.size / counts[1]
    # The powers that the two sizes show, and at least those that the operations have in the end.
    grown = [np.log(s[1] / s[0]) / np.log(counts[1] / counts[0]) for s in (factors, directions)]
    powers = [
        min(max(power, low), high) for power, low, high in zip(grown, (2, 1), (3, 2), strict=True)
    ]
    return float(factors[1] * ratio ** powers[0] + directions[1] * ratio ** powers[1] * FINE.size)


def best(work: Callable[[], object], times: int) -> float:
    """Shortest of several runs, seconds: what the work takes when nothing else disturbs."""
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return min(spent)


def difference(samples: Samples) -> float:
    """Largest difference between ours and the peer, in the units of the readings."""
    rng = np.random.default_rng(3)
    fine = Targets.of_grid(FINE)
    chosen = rng.choice(FINE.size, CHECKED, replace=False)
    ours = kriging(samples, fine, covariance=COVARIANCE)
    wanted = unit_vector(fine.azimuth[chosen], fine.elevation[chosen])
    here = unit_vector(samples.azimuth, samples.elevation)
    mean, error, _ = dense(here, samples.values, wanted)
    return max(
        float(np.abs(ours.values[chosen] - mean).max()),
        float(np.abs(ours.error[chosen] - error).max()),
    )


def main() -> None:
    """Measure, print, and end with 1 where a claim does not hold."""
    chosen = options(__doc__)
    runs = 3 if chosen.quick else 15
    fine = Targets.of_grid(FINE)
    whole, part = Samples.of(session()), Samples.of(session(drop=0.1))
    shape = f"{whole.values.size} → {FINE.size}"
    ours = best(lambda: kriging(whole, fine, covariance=COVARIANCE), runs)
    mean = best(lambda: kriging(part, fine, covariance=COVARIANCE, error=False), runs)
    both = best(lambda: kriging(part, fine, covariance=COVARIANCE), 1 if chosen.quick else 3)
    peer = peer_seconds()
    fit = best(lambda: fit_covariance(whole), 1)
    missing = SCAN.size - part.values.size
    if not chosen.json:
        print(f"the fit of a covariance to the whole circle takes {fit:.2f} s")
    finish(
        [
            at_most(f"mean and variance, {shape}: ms", ours * 1e3, 150.0),
            times_less(f"mean and variance, {shape}: s, beside dense Cholesky", ours, peer, 30.0),
            at_most(f"difference from dense Cholesky, 1e-9, {shape}", difference(whole) * 1e9, 1.0),
            at_most(f"{missing} points missing: mean, s", mean, 0.5),
            at_most(f"{missing} points missing: mean and variance, s", both, 4.0),
            at_most(f"{missing} points missing: difference, 1e-9", difference(part) * 1e9, 1.0),
        ],
        only_json=chosen.json,
    )


if __name__ == "__main__":
    main()
