"""Kriging on a full circle, exact, by Fourier transforms.

Samples in rows that go all round in even steps have a covariance that is block-circulant: it
depends on two rows and on how many columns are between. A Fourier transform along the rows
leaves one small real matrix a frequency [1]_, ``A_f``, in place of a huge one. Values asked for
between the columns are the same problem, turned by a fraction of a step.

Missing cells are taken out exactly, not iteratively. With ``K`` the covariance of the whole ring,
o what was measured and m what was not, ``S = (K⁻¹)_mm`` [2]_:

- ``K_oo⁻¹ y`` is ``K⁻¹ [y; w]`` with the w that makes it 0 in m, ``w = −S⁻¹ (K⁻¹ [y; 0])_m``;
- the variance grows by ``β_mᵀ S⁻¹ β_m``, with ``β = K⁻¹ k`` the weights in the whole ring;
- ``|K_oo| = |K| |S|``.

References
----------
.. [1] P. J. Davis, *Circulant Matrices* (1979), 5.6.
.. [2] The inverse of a partitioned matrix: R. A. Horn and C. R. Johnson, *Matrix Analysis*
   (2nd ed., 2013), 0.7.3.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from skyscan_lab.interpolation.covariance import Covariance
from skyscan_lab.interpolation.samples import Ring

Values = NDArray[np.float64]
Complex = NDArray[np.complex128]
Indices = NDArray[np.intp]

# Targets at once: their covariances with the ring stay in the cache of a processor.
_CHUNK = 64
# Fractions of a column that differ by less are the same one.
_PHASE_DECIMALS = 9


@dataclass(frozen=True)
class RingSolver:
    """The inverse of the covariance of readings on a ring.

    Parameters
    ----------
    ring : Ring
        Where the readings are.
    covariance : Covariance
        Of the map, and the noise of a reading.
    """

    ring: Ring
    covariance: Covariance

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the ring."""
        return self.ring.elevations.size, self.ring.columns

    @cached_property
    def _inverse_factors(self) -> Values:
        """``L_f⁻¹`` of ``A_f = L_f L_fᵀ``, shape (frequencies, rows, rows)."""
        blocks = self._spectra(self.ring.elevations, np.zeros(self.shape[0])).real
        blocks = np.ascontiguousarray(blocks.transpose(1, 0, 2))
        blocks += self.covariance.noise**2 * np.eye(self.shape[0])
        return np.linalg.inv(np.linalg.cholesky(blocks))

    @cached_property
    def _inverses(self) -> Values:
        """``A_f⁻¹``, shape (frequencies, rows, rows)."""
        return self._inverse_factors.transpose(0, 2, 1) @ self._inverse_factors

    @cached_property
    def missing(self) -> tuple[Indices, Indices]:
        """Rows and columns of the cells that were not measured."""
        measured = np.zeros(self.shape, dtype=bool)
        measured[self.ring.row, self.ring.column] = True
        rows, columns = np.nonzero(~measured)
        return rows, columns

    @cached_property
    def _schur(self) -> Values:
        """Lower Cholesky factor of ``S = (K⁻¹)_mm``."""
        row, column = self.missing
        columns = self.shape[1]
        # Column k of the circulant inverse, between every two rows.
        along = scipy.fft.irfft(self._inverses, n=columns, axis=0)
        part = along[(column[:, None] - column) % columns, row[:, None], row]
        return np.asarray(cholesky(part, lower=True, overwrite_a=True, check_finite=False))

    @cached_property
    def log_determinant(self) -> float:
        """Logarithm of the determinant of the covariance of the readings."""
        diagonal = np.log(np.diagonal(self._inverse_factors, axis1=1, axis2=2)).sum(axis=1)
        total = -2.0 * float(self._weights @ diagonal)
        if self.missing[0].size:
            total += 2.0 * float(np.log(np.diagonal(self._schur)).sum())
        return total

    @property
    def _weights(self) -> Values:
        """How often each frequency of a real transform occurs in the whole one."""
        columns = self.shape[1]
        weights = np.full(columns // 2 + 1, 2.0)
        weights[0] = 1.0
        if columns % 2 == 0:
            weights[-1] = 1.0
        return weights

    def solve(self, readings: Values) -> Values:
        """``K_oo⁻¹ y`` for readings y in the order of the samples, on the ring.

        Returns
        -------
        ndarray, shape (rows, columns)
            0 in the cells that were not measured.
        """
        padded = np.zeros(self.shape)
        padded[self.ring.row, self.ring.column] = readings
        solved = self._solve_whole(padded)
        if self.missing[0].size:
            filled = cho_solve((self._schur, True), solved[self.missing], check_finite=False)
            padded[self.missing] = -filled
            solved = self._solve_whole(padded)
            solved[self.missing] = 0.0
        return solved

    def _solve_whole(self, values: Values) -> Values:
        spectrum = scipy.fft.rfft(values, axis=1)
        solved = np.einsum("frs,sf->rf", self._inverses, spectrum, optimize=True)
        return np.asarray(scipy.fft.irfft(solved, n=self.shape[1], axis=1))

    def _spectra(self, elevation: Values, phase: Values) -> Complex:
        """Transforms along each row of the covariance with targets.

        Parameters
        ----------
        elevation, phase : ndarray, shape (p,)
            Elevation of each target, degrees, and how many columns it is after the first.

        Returns
        -------
        ndarray, shape (rows, frequencies, p)
            Complex.
        """
        columns = self.shape[1]
        rows = np.radians(self.ring.elevations)[:, None]
        target = np.radians(elevation)
        # chord² = 4 sin²(Δel/2) + 4 cos el cos el′ sin²(Δaz/2)
        rise = (2.0 * np.sin((rows - target) / 2.0)) ** 2
        width = 4.0 * np.cos(rows) * np.cos(target)
        turn = np.sin(np.pi / columns * (np.arange(columns)[:, None] - phase)) ** 2
        chord2 = width[:, None, :] * turn
        chord2 += rise[:, None, :]
        return np.asarray(scipy.fft.rfft(self.covariance.at(chord2), axis=1, overwrite_x=True))

    def predict(
        self, solved: Values, level: Values, elevation: Values, phase: Values, *, error: bool
    ) -> tuple[Values, Values | None]:
        """Mean and variance all round, at targets and at all that are whole columns from them.

        Parameters
        ----------
        solved : ndarray, shape (rows, columns)
            `solve` of the readings without their mean.
        level : ndarray, shape (rows, columns)
            `solve` of ones: what an unknown mean costs.
        elevation, phase : ndarray, shape (p,)
            As for `_spectra`.
        error : bool
            Whether the variance is asked for.

        Returns
        -------
        mean : ndarray, shape (p, columns)
            Without the mean of the readings.
        variance : ndarray, shape (p, columns), or None
            Of the map about it; the mean of the readings unknown.
        """
        columns, whole = self.shape[1], not self.missing[0].size
        # A target as far before a column as another is after one sees the ring in a mirror. What
        # is missing has no mirror image, so that its part of the variance has to be done in full.
        mirrored = (phase > 0.5) & (whole or not error)
        folded = np.round(np.where(mirrored, 1.0 - phase, phase), _PHASE_DECIMALS)
        pairs, which = np.unique(np.stack([elevation, folded]), axis=1, return_inverse=True)
        which = which.reshape(-1)
        count = pairs.shape[1]
        mean = np.empty((2, count, columns))
        variance = np.empty((count, columns)) if error else None
        readings = np.stack([scipy.fft.rfft(solved, axis=1), scipy.fft.rfft(level, axis=1)])
        readings = np.ascontiguousarray(readings.transpose(2, 0, 1))
        unknown = float(level.sum())
        if not whole and error:
            _ = self._schur  # once, not in each thread

        def fill(begin: int) -> None:
            part = slice(begin, begin + _CHUNK)
            spectra = self._spectra(pairs[0, part], pairs[1, part]).transpose(1, 0, 2)
            sums = np.conj(np.conj(readings) @ spectra)
            turned = scipy.fft.irfft(sums, n=columns, axis=0)
            mean[0, part] = turned[:, 0].T
            seen = scipy.fft.irfft((readings[:, :1] @ spectra)[:, 0], n=columns, axis=0)
            mean[1, part] = np.roll(seen, -1, axis=0).T
            if variance is None:
                return
            variance[part] = self.covariance.amplitude**2 - self._explained(spectra)[:, None]
            if not whole:
                variance[part] += self._for_the_missing(spectra)
            variance[part] += (1.0 - turned[:, 1].T) ** 2 / unknown

        # numpy lets go of the interpreter: chunks run beside each other.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, range(0, count, _CHUNK)))
        found = mean[mirrored.astype(np.intp), which]
        return found, None if variance is None else variance[which]

    def _explained(self, spectra: Complex) -> Values:
        """``kᵀ K⁻¹ k`` in the whole ring, one a target."""
        count = spectra.shape[2]
        # The factors are real: real and imaginary parts are columns like any other.
        plain = np.ascontiguousarray(spectra).view(float)
        through = self._inverse_factors @ plain
        np.multiply(through, through, out=through)
        total = self._weights @ through.sum(axis=1)
        return np.asarray(total.reshape(count, 2).sum(axis=1) / self.shape[1])

    def _for_the_missing(self, spectra: Complex) -> Values:
        """``β_mᵀ S⁻¹ β_m`` at each target and all that are whole columns from it."""
        row, column = self.missing
        columns, count = self.shape[1], spectra.shape[2]
        plain = np.ascontiguousarray(spectra).view(float)
        weights = (self._inverses @ plain).view(complex)
        along = scipy.fft.irfft(weights, n=columns, axis=0)
        lag = (column[:, None] - np.arange(columns)) % columns
        of_missing = along[lag, row[:, None]].reshape(row.size, -1)
        through = solve_triangular(
            self._schur, of_missing, lower=True, overwrite_b=True, check_finite=False
        )
        squares = np.einsum("mt,mt->t", through, through)
        return np.asarray(squares.reshape(columns, count).T)
