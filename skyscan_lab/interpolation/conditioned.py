"""A forward model and the field of its residual, given the samples: universal kriging.

The model's numbers move with the field, as the coefficients of a drift do in universal kriging
[1]_: what a fit took up of the field is given back, and the error knows how well they are known.

With ``K`` the covariance of the samples, noise included, ``J`` the model's derivatives, ``r`` its
residual, ``A = (JᵀK⁻¹J)⁻¹`` and ``β = A JᵀK⁻¹r``, a target with covariances ``k`` and derivatives
``j`` has ``jβ + kᵀK⁻¹(r − Jβ)`` on top of the model, and the variance
``c₀ − kᵀK⁻¹k + dᵀA d``, ``d = j − JᵀK⁻¹k``. A sample that is left out is off by
``(Q r)ᵢ/Qᵢᵢ``, with variance ``1/Qᵢᵢ``, ``Q = K⁻¹ − K⁻¹J A JᵀK⁻¹`` [2]_.

Of many samples, the nearest ones stand for all, and the model stays as it was fitted.

References
----------
.. [1] N. Cressie, *Statistics for Spatial Data* (rev. ed., 1993), 3.4.
.. [2] O. Dubrule, "Cross validation of kriging in a unique neighborhood", Mathematical Geology 15,
   687 (1983).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import KDTree

from skyscan_lab.interpolation.residual import ResidualField
from skyscan_lab.interpolation.windows import windows
from skyscan_lab.solving.buildup import Sky
from skyscan_lab.sphere import unit_vector

Values = NDArray[np.float64]

MOST_LEFT_OUT = 1000
"""So many samples say how well the others are foretold."""

# As many samples are taken all together, for so many multiplications: some ten seconds.
_MOST_AT_ONCE = 1500
_MOST_WORK = 3e11
_WINDOW = 128
_CHUNK = 4096
_RANK = 1e-10
# Of what is known of a sample without the model, what the model leaves at least.
_LEAST_LEFT = 0.05


class Foretold(NamedTuple):
    """Readings foretold.

    Attributes
    ----------
    values, variance : ndarray, shape (m,)
        Without the noise of a reading; NaN where the model has nothing.
    share : ndarray, shape (m,)
        Of the power that comes from sources.
    """

    values: Values
    variance: Values
    share: Values


class LeftOut(NamedTuple):
    """Samples foretold from the others.

    Attributes
    ----------
    places : ndarray of int, shape (k,)
        Which ones.
    residual, variance : ndarray, shape (k,)
        Reading minus what was foretold, and the variance of that, noise included.
    """

    places: NDArray[np.intp]
    residual: Values
    variance: Values


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A sky, and the field that is added to it.

    Attributes
    ----------
    sky : Sky
        Model of the samples.
    field : ResidualField
        Of its residual.
    targets : int
        For how many directions it will be asked: for very many, each has its own samples.
    """

    sky: Sky
    field: ResidualField
    targets: int = 0

    @cached_property
    def vectors(self) -> Values:
        """Unit vectors of the samples."""
        samples = self.sky.samples
        return unit_vector(samples.azimuth_deg, samples.elevation_deg)

    @cached_property
    def share(self) -> Values:
        """Share of the samples' power that comes from sources."""
        return share_of_sources(self.sky, self.sky.samples.azimuth_deg, self._elevation)

    @cached_property
    def jacobian(self) -> Values:
        """Derivatives of the samples' readings by the model's free numbers."""
        return jacobian_of(self.sky, self.sky.samples.azimuth_deg, self._elevation)

    def left_out(self) -> LeftOut:
        """Foretell each sample from the others; of many, some."""
        count = len(self.vectors)
        if self._at_once:
            inverse = cho_solve(self._factor, np.eye(count), check_finite=False)
            through = inverse @ self.jacobian
            own = np.diag(inverse)
            left = own - np.einsum("nf,fg,ng->n", through, self._numbers[1], through)
            left = np.maximum(left, _LEAST_LEFT * own)
            return LeftOut(np.arange(count), (inverse @ self._rest) / left, 1.0 / left)
        places = np.unique(np.linspace(0, count - 1, min(count, MOST_LEFT_OUT)).astype(np.intp))
        near = KDTree(self.vectors).query(self.vectors[places], k=_WINDOW)[1]
        residual, variance = np.empty(places.size), np.empty(places.size)
        for number, members in enumerate(near):
            first = np.zeros(_WINDOW)
            first[0] = 1.0
            row = cho_solve(self._factor_of(members), first, check_finite=False)
            through = row @ self.jacobian[members]
            left = max(row[0] - through @ self._numbers[1] @ through, _LEAST_LEFT * row[0])
            residual[number], variance[number] = row @ self._rest[members] / left, 1.0 / left
        return LeftOut(places, residual, variance)

    def at(self, azimuth_deg: Values, elevation_deg: Values, *, error: bool = True) -> Foretold:
        """Readings in other directions.

        Parameters
        ----------
        azimuth_deg, elevation_deg : ndarray, shape (m,)
            Where.
        error : bool
            Whether the variance is wanted; NaN where it is not.
        """
        parts = [
            self._at(
                azimuth_deg[start : start + _CHUNK], elevation_deg[start : start + _CHUNK], error
            )
            for start in range(0, azimuth_deg.size, _CHUNK)
        ]
        return Foretold(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _at(self, azimuth_deg: Values, elevation_deg: Values, error: bool) -> Foretold:
        values = self.sky.predict(azimuth_deg, elevation_deg)
        variance, share = np.full(values.size, np.nan), np.zeros(values.size)
        shown = np.flatnonzero(np.isfinite(values))
        azimuth_deg, elevation_deg = azimuth_deg[shown], elevation_deg[shown]
        share[shown] = share_of_sources(self.sky, azimuth_deg, elevation_deg)
        jacobian = jacobian_of(self.sky, azimuth_deg, elevation_deg)
        wanted = unit_vector(azimuth_deg, elevation_deg)
        moved, known = self._numbers
        values[shown] += jacobian @ moved
        for members, asked in self._windows(wanted):
            place = shown[asked]
            across = self.field.covariance(
                self.vectors[members], self.share[members], wanted[asked], share[place]
            )
            factor = self._factor_of(members)
            if not error:
                values[place] += across.T @ self._solved(members)
                continue
            weights = cho_solve(factor, across, check_finite=False)
            values[place] += self._rest[members] @ weights
            drift = jacobian[asked] - weights.T @ self.jacobian[members]
            variance[place] = (
                self.field.variance(share[place])
                - np.einsum("nm,nm->m", across, weights)
                + np.einsum("mf,fg,mg->m", drift, known, drift)
            )
        return Foretold(values, np.maximum(variance, 0.0), share)

    @cached_property
    def _at_once(self) -> bool:
        count = len(self.vectors)
        return count <= _MOST_AT_ONCE and float(count) ** 2 * self.targets <= _MOST_WORK

    @property
    def _elevation(self) -> Values:
        return self.sky.samples.elevation_deg

    def _windows(self, wanted: Values) -> Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        if self._at_once:
            return [(np.arange(len(self.vectors)), np.arange(len(wanted)))]
        return windows(self.vectors, wanted, _WINDOW)

    def _matrix(self, members: NDArray[np.intp]) -> Values:
        near, share = self.vectors[members], self.share[members]
        matrix = self.field.covariance(near, share, near, share)
        matrix.flat[:: members.size + 1] += self.field.noise**2
        return matrix

    def _factor_of(self, members: NDArray[np.intp]) -> tuple[Values, bool]:
        if self._at_once:
            return self._factor
        return _factor(self._matrix(members))

    def _solved(self, members: NDArray[np.intp]) -> Values:
        if self._at_once:
            return self._solved_at_once
        solved = cho_solve(self._factor_of(members), self._rest[members], check_finite=False)
        return np.asarray(solved)

    @cached_property
    def _solved_at_once(self) -> Values:
        return np.asarray(cho_solve(self._factor, self._rest, check_finite=False))

    @cached_property
    def _factor(self) -> tuple[Values, bool]:
        return _factor(self._matrix(np.arange(len(self.vectors))))

    @cached_property
    def _numbers(self) -> tuple[Values, Values]:
        """How far the model's numbers move with the field, and their covariance then."""
        fit = self.sky.fit
        if not self._at_once:
            known = fit.covariance() * (fit.scatter / self.sky.samples.noise) ** 2
            return np.zeros(fit.numbers.size), known
        scale = np.linalg.norm(self.jacobian, axis=0)
        scale[scale <= 0.0] = 1.0
        scaled = self.jacobian / scale
        through = cho_solve(self._factor, scaled, check_finite=False)
        known = np.linalg.pinv(scaled.T @ through, rcond=_RANK, hermitian=True)
        return (known @ (through.T @ fit.residual)) / scale, known / np.outer(scale, scale)

    @cached_property
    def _rest(self) -> Values:
        """What is left of the samples then."""
        return np.asarray(self.sky.fit.residual - self.jacobian @ self._numbers[0])


def _factor(matrix: Values) -> tuple[Values, bool]:
    factor, lower = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(factor), bool(lower)


def share_of_sources(sky: Sky, azimuth_deg: Values, elevation_deg: Values) -> Values:
    """How much of the power comes from sources, from 0 to 1."""
    there = sky.model.at(azimuth_deg, elevation_deg)
    power = there.power(sky.fit.parameters)
    floor = there.floor_terms @ sky.block("floor")
    return np.asarray(np.clip(1.0 - floor / power, 0.0, 1.0))


def jacobian_of(sky: Sky, azimuth_deg: Values, elevation_deg: Values) -> Values:
    """Derivatives of readings by the free numbers of a sky, shape (m, f)."""
    found = sky.model.at(azimuth_deg, elevation_deg).evaluate(sky.fit.parameters)
    if found is None:
        raise AssertionError("asked for where there is no power")
    selects = sky.fit.ties.selects
    if selects is not None:
        return np.asarray(found.jacobian[:, selects])
    return np.asarray(found.jacobian @ sky.fit.ties.expand(sky.fit.numbers)[1])
