"""A beam-shaped source, looked for everywhere: likelihood ratio against the noise that is there.

For readings ``r`` with covariance ``C``, of which everything known is subtracted, and a source of
unit power that would add ``t`` to them, the best power is ``tᵀC⁻¹r / tᵀC⁻¹t``, its error
``(tᵀC⁻¹t)^(−1/2)``, and their ratio ``Z`` the root of twice the gain in log likelihood [1]_. What
is known was fitted to the same readings: with ``J`` its derivatives, everything holds with
``C⁻¹ − C⁻¹J (JᵀC⁻¹J)⁻¹ JᵀC⁻¹`` in place of ``C⁻¹`` (a score test), so that a source beside another
one is judged by what that one cannot explain.

References
----------
.. [1] S. M. Kay, *Fundamentals of Statistical Signal Processing II: Detection Theory* (1998), 4.4
   and 6.5.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from skyscan_lab.antenna import AntennaPattern
from skyscan_lab.interference.scan_noise import Precision
from skyscan_lab.sphere import from_plane, to_plane, unit_vector

Floats = NDArray[np.float64]

_CLIMBS = 6
_BURST = 2.5
# Of the curvature of a source, so much must be left by what is known already.
_LEAST_LEFT = 1e-3
_FLAT = 1e-9


@dataclass(frozen=True, eq=False)
class Found:
    """What a filter says of some directions.

    Attributes
    ----------
    azimuth_deg, elevation_deg : ndarray, shape (m,)
        Where.
    z : ndarray, shape (m,)
        Power of a source there over its error.
    gradient : ndarray, shape (m, 2)
        Of z, per degree of cross-elevation and elevation.
    metric : ndarray, shape (m, 2, 2)
        Covariance of the gradient where there is noise alone.
    power, error : ndarray, shape (m,)
        Best power of a source there, in the units of the templates, and its error.
    """

    azimuth_deg: Floats
    elevation_deg: Floats
    z: Floats
    gradient: Floats
    metric: Floats
    power: Floats
    error: Floats

    def take(self, places: NDArray[np.intp]) -> Found:
        """Some of the directions."""
        return Found(*(getattr(self, field.name)[places] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Known:
    """What was fitted to the readings already.

    Attributes
    ----------
    weighted : ndarray, shape (n, p)
        ``C⁻¹ J``.
    covariance : ndarray, shape (p, p)
        ``(JᵀC⁻¹J)⁻¹``, priors included.
    """

    weighted: Floats
    covariance: Floats


@dataclass(frozen=True, eq=False)
class MatchedFilter:
    """Filter for sources of one beam.

    Parameters
    ----------
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Where the readings were taken.
    pattern : AntennaPattern
        The beam.
    radius_deg : float
        Readings within that angle of a source tell of it.
    slope : ndarray, shape (n,)
        By how much a reading rises with received power.
    pull : ndarray, shape (n,)
        ``C⁻¹ r``.
    precision : Precision
        ``C⁻¹``.
    known : Known, optional
        What was fitted already.
    """

    azimuth_deg: Floats
    elevation_deg: Floats
    pattern: AntennaPattern
    radius_deg: float
    slope: Floats
    pull: Floats
    precision: Precision
    known: Known | None = None

    def at(self, azimuth_deg: Floats, elevation_deg: Floats) -> Found:
        """Look in some directions, shape (m,), degrees."""
        starts, samples, parts = self._templates(azimuth_deg, elevation_deg)
        products, own = _products(starts, samples, parts, *self.precision.flat)
        shape = (azimuth_deg.size, self.slope.size)
        g, across, along = (csr_array((part, samples, starts), shape=shape) for part in parts)
        sums = [part @ self.pull for part in (g, across, along)]
        if self.known is not None:
            told = [part @ self.known.weighted for part in (g, across, along)]
            bent = [part @ self.known.covariance for part in told]
            for pair, (i, j) in enumerate(_PAIRS):
                products[pair] -= np.einsum("mp,mp->m", bent[i], told[j])
        size = products[0]
        seen = size > _LEAST_LEFT * np.maximum(own, 1e-300)
        size = np.where(seen, size, 1.0)
        scale = np.sqrt(size)
        z = sums[0] / scale
        turn = np.stack([products[1], products[2]], axis=-1) / size[:, None]
        slopes = np.stack(sums[1:], axis=-1) / scale[:, None] - z[:, None] * turn
        metric = np.stack([products[3], products[4], products[4], products[5]], axis=-1)
        metric = metric.reshape(-1, 2, 2) / size[:, None, None] - turn[:, :, None] * turn[:, None]
        return Found(
            azimuth_deg,
            elevation_deg,
            np.where(seen, z, 0.0),
            np.where(seen[:, None], slopes, 0.0),
            np.where(seen[:, None, None], metric, 0.0),
            np.where(seen, sums[0] / size, 0.0),
            np.where(seen, 1.0 / scale, np.inf),
        )

    def climb(self, azimuth_deg: Floats, elevation_deg: Floats, reach_deg: float) -> Found:
        """Go from some directions to the peaks beside them, at most so far away.

        At a peak of noise or of a source the curvature of z is −z times the metric, in the mean.
        """
        found = self.at(azimuth_deg, elevation_deg)
        x, y = np.zeros(azimuth_deg.size), np.zeros(azimuth_deg.size)
        for _ in range(_CLIMBS):
            bend = found.metric * np.maximum(found.z, 0.5)[:, None, None] + _FLAT * np.eye(2)
            step = np.linalg.solve(bend, found.gradient[..., None])[..., 0]
            length = np.hypot(*step.T)
            step *= np.minimum(1.0, 0.5 * reach_deg / np.maximum(length, 1e-12))[:, None]
            new_x, new_y = x + step[:, 0], y + step[:, 1]
            shrink = np.minimum(1.0, reach_deg / np.maximum(np.hypot(new_x, new_y), 1e-12))
            new_x, new_y = new_x * shrink, new_y * shrink
            there = self.at(*from_plane(new_x, new_y, azimuth_deg, elevation_deg, projection="arc"))
            better = there.z > found.z
            if not better.any():
                break
            x, y = np.where(better, new_x, x), np.where(better, new_y, y)
            found = _chosen(better, there, found)
        return found

    def without_bursts(self, found: Found) -> Floats:
        """Z of each direction, without the readings that no source there can explain.

        A reading, or two in succession, may have something of their own, too: what that gains once
        a source is there says which; where it is as much as noise reaches once in a hundred and
        fifty times, they are left out.
        """
        z = found.z.copy()
        starts, samples, parts = self._templates(found.azimuth_deg, found.elevation_deg)
        block, place, first, size, inverse = self.precision.flat
        for row in range(z.size):
            mine = slice(starts[row], starts[row + 1])
            template = np.zeros(self.slope.size)
            template[samples[mine]] = parts[0, mine]
            there = samples[mine][block[samples[mine]] >= 0]
            if not there.size:
                continue
            there = there[np.lexsort((place[there], block[there]))]
            own, at = block[there], place[there]
            weighted, pull = self.precision.times(template)[there], self.pull[there]
            alone = inverse[first[own] + at * (size[own] + 1)]
            pair = np.flatnonzero((np.diff(own) == 0) & (np.diff(at) == 1))
            both = inverse[first[own[pair]] + at[pair] * size[own[pair]] + at[pair] + 1]
            # Each reading alone, then each with the next one.
            weighted = np.concatenate([weighted, weighted[pair] + weighted[pair + 1]])
            pull = np.concatenate([pull, pull[pair] + pull[pair + 1]])
            alone = np.concatenate([alone, alone[pair] + alone[pair + 1] + 2.0 * both])
            left = pull - weighted * found.power[row]
            spread = np.sqrt(np.maximum(alone - (weighted * found.error[row]) ** 2, 1e-9 * alone))
            burst = int(np.argmax(left / spread))
            if left[burst] > _BURST * spread[burst]:
                rest = found.error[row] ** -2.0 - weighted[burst] ** 2 / alone[burst]
                kept = (
                    found.z[row] / found.error[row] - weighted[burst] * pull[burst] / alone[burst]
                )
                z[row] = kept / np.sqrt(max(rest, 1e-300))
        return z

    def _templates(
        self, azimuth_deg: Floats, elevation_deg: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """What a source in each direction adds to each reading, and its derivatives by degree.

        In compressed rows: where each direction's begin, which readings, and the values, shape
        (3, pairs).
        """
        chord = 2.0 * np.sin(np.radians(min(self.radius_deg, 180.0)) / 2.0)
        there = KDTree(unit_vector(azimuth_deg, elevation_deg))
        near = there.sparse_distance_matrix(self._tree, chord, output_type="ndarray")
        order = np.argsort(near["i"], kind="stable")
        i, j = near["i"][order], near["j"][order]
        x, y = to_plane(
            azimuth_deg[i],
            elevation_deg[i],
            self.azimuth_deg[j],
            self.elevation_deg[j],
            projection="arc",
        )
        parts = np.stack(self.pattern.gradient(x, y)) * self.slope[j]
        starts = np.searchsorted(i, np.arange(azimuth_deg.size + 1))
        return starts.astype(np.int64), j.astype(np.int64), parts

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(unit_vector(self.azimuth_deg, self.elevation_deg))


_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


@numba.njit(cache=True)
def _products(
    starts: NDArray[np.int64],
    samples: NDArray[np.int64],
    parts: Floats,
    block: NDArray[np.int64],
    place: NDArray[np.int64],
    first: NDArray[np.int64],
    size: NDArray[np.int64],
    inverse: Floats,
) -> tuple[Floats, Floats]:  # pragma: no cover (compiled)
    """``aᵀ C⁻¹ b`` of templates and derivatives in the order of `_PAIRS`, and of readings alone."""
    count = starts.size - 1
    products = np.zeros((6, count))
    alone = np.zeros(count)
    for row in range(count):
        for one in range(starts[row], starts[row + 1]):
            j = samples[one]
            if block[j] < 0:
                continue
            line = first[block[j]] + place[j] * size[block[j]]
            g, across, along = parts[0, one], parts[1, one], parts[2, one]
            alone[row] += inverse[line + place[j]] * g * g
            for other in range(one, starts[row + 1]):
                k = samples[other]
                if block[k] != block[j]:
                    continue
                c = inverse[line + place[k]]
                products[0, row] += c * g * parts[0, other] * (1.0 if other == one else 2.0)
                products[3, row] += c * across * parts[1, other] * (1.0 if other == one else 2.0)
                products[5, row] += c * along * parts[2, other] * (1.0 if other == one else 2.0)
                products[1, row] += c * g * parts[1, other]
                products[2, row] += c * g * parts[2, other]
                products[4, row] += c * across * parts[2, other]
                if other != one:
                    products[1, row] += c * across * parts[0, other]
                    products[2, row] += c * along * parts[0, other]
                    products[4, row] += c * along * parts[1, other]
    return products, alone


def _chosen(which: NDArray[np.bool_], one: Found, other: Found) -> Found:
    def pick(a: Floats, b: Floats) -> Floats:
        return np.where(which.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return Found(*(pick(getattr(one, f.name), getattr(other, f.name)) for f in fields(Found)))


def apart(found: Found, distance_deg: float) -> list[int]:
    """Peaks, highest first, without those within some angle of a higher one."""
    vectors = unit_vector(found.azimuth_deg, found.elevation_deg)
    least = 2.0 * np.sin(np.radians(distance_deg) / 2.0)
    kept: list[int] = []
    for place in np.argsort(-found.z).tolist():
        if all(np.linalg.norm(vectors[place] - vectors[other]) > least for other in kept):
            kept.append(place)
    return kept


def around(
    azimuth_deg: float, elevation_deg: float, radii_deg: Floats, ways: int
) -> tuple[Floats, Floats]:
    """Directions on circles around one."""
    angle = np.linspace(0.0, 2.0 * np.pi, ways, endpoint=False)
    x = (radii_deg[:, None] * np.sin(angle)).ravel()
    y = (radii_deg[:, None] * np.cos(angle)).ravel()
    return from_plane(x, y, azimuth_deg, elevation_deg, projection="arc")
