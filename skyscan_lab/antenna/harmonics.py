"""Spherical harmonics on top of any pattern: what is left of a measurement when it is taken away.

References
----------
.. [1] M. A. Blanco, M. Flórez and M. Bermejo, "Evaluation of the rotation matrices in the basis of
   real spherical harmonics", J. Mol. Struct. THEOCHEM 419, 19 (1997): real harmonics,
   orthonormal on the sphere, here without the Condon–Shortley phase.
.. [2] O. Montenbruck and E. Gill, *Satellite Orbits* (2000), 3.2.4: harmonics as polynomials in
   the direction cosines, regular at the poles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.antenna.base import (
    AntennaPattern,
    Gradient,
    Values,
    along_beam_axes,
    off_beam_axes,
)
from skyscan_lab.antenna.cosines import sine_deficit
from skyscan_lab.antenna.peak import find_peak, half_power_widths
from skyscan_lab.errors import InvalidInput

_DEGREE = float(np.radians(1.0))
_HIGHEST_DEGREE = 60


@dataclass(frozen=True)
class HarmonicPattern:
    """``base + Σ aₗₘ Yₗₘ(θ, ψ)`` relative to its peak, where that is positive, else 0.

    θ is the angle from the axis and ψ its direction, 0 along the first axis of the base; the
    harmonics are real and orthonormal on the sphere [1]_. Their degree sets how fine their
    structure is, 180°/l.

    Parameters
    ----------
    base : AntennaPattern
        Any pattern.
    coefficients : mapping of (l, m) to float
        aₗₘ in units of the peak of the base, with m < 0 for sines; l ≤ 60.

    Raises
    ------
    InvalidInput
        For coefficients out of range, or that leave no beam.

    Notes
    -----
    What is added moves the peak, if it slopes there: see `peak_offset_deg`.

    Examples
    --------
    >>> from skyscan_lab.antenna.gaussian import GaussianPattern
    >>> beam = HarmonicPattern(GaussianPattern(20.0), {(1, 1): 0.01})  # more on one side
    >>> bool(beam.gain(60.0, 0.0) > beam.gain(-60.0, 0.0))
    True
    """

    base: AntennaPattern
    terms: tuple[tuple[int, int, float], ...]

    def __init__(self, base: AntennaPattern, coefficients: Mapping[tuple[int, int], float]):
        for (degree, order), coefficient in coefficients.items():
            if not (0 <= degree <= _HIGHEST_DEGREE and abs(order) <= degree):
                raise InvalidInput(
                    "coefficients", (degree, order), f"|m| ≤ l, l from 0 to {_HIGHEST_DEGREE}"
                )
            if not np.isfinite(coefficient):
                raise InvalidInput("coefficients", coefficient, "finite numbers")
        terms = tuple((*orders, float(value)) for orders, value in sorted(coefficients.items()))
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "terms", terms)
        if not (self._peak[0] > 0.0 and np.all(np.isfinite(self.hpbw_deg))):
            raise InvalidInput("coefficients", dict(coefficients), "such that a beam is left")

    @property
    def coefficients(self) -> dict[tuple[int, int], float]:
        """aₗₘ by (l, m)."""
        return {(degree, order): coefficient for degree, order, coefficient in self.terms}

    @property
    def position_angle_deg(self) -> float:
        """Where the second axis of the base points: degrees from up to increasing azimuth."""
        return float(getattr(self.base, "position_angle_deg", 0.0))

    @cached_property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power through the peak, along the axes of the base, degrees."""
        first, second = (width / 32.0 for width in self.base.hpbw_deg)
        return half_power_widths(
            self.gain, self.peak_offset_deg, (first, second), self.position_angle_deg
        )

    @property
    def peak_offset_deg(self) -> tuple[float, float]:
        """Where the peak is: offsets in degrees, as for `gain`."""
        return self._peak[1], self._peak[2]

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        return self.gradient(cross_elevation_deg, elevation_offset_deg)[0]

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        total, *along = self._sum(cross_elevation_deg, elevation_offset_deg)
        peak = self._peak[0]
        positive = total > 0.0
        return (
            np.asarray(np.where(positive, total / peak, 0.0)),
            np.asarray(np.where(positive, along[0] / peak, 0.0)),
            np.asarray(np.where(positive, along[1] / peak, 0.0)),
        )

    @cached_property
    def _peak(self) -> tuple[float, float, float]:
        width = max(self.base.hpbw_deg)
        return find_peak(self._sum, (width, width))

    def _sum(self, x_deg: ArrayLike, y_deg: ArrayLike) -> Gradient:
        gain, *along = self.base.gradient(x_deg, y_deg)
        added, *along_too = self._residual(x_deg, y_deg)
        return gain + added, along[0] + along_too[0], along[1] + along_too[1]

    def _residual(self, x_deg: ArrayLike, y_deg: ArrayLike) -> Gradient:
        a, b = along_beam_axes(x_deg, y_deg, self.position_angle_deg)
        angle = np.hypot(a, b) * _DEGREE
        scale = np.sinc(angle / np.pi) * _DEGREE
        value, per_x, per_y, per_z = real_harmonics(self.terms, a * scale, b * scale, np.cos(angle))
        # Offsets to direction: x = a s, y = b s, z = cos θ, with s = sin θ/θ and t = s′/θ.
        turning = -(_DEGREE**3) * sine_deficit(angle)
        across = turning * (a * per_x + b * per_y) - _DEGREE * scale * per_z
        along = scale * per_x + a * across, scale * per_y + b * across
        return value, *off_beam_axes(*along, self.position_angle_deg)


def real_harmonics(
    terms: tuple[tuple[int, int, float], ...], x: Values, y: Values, z: Values
) -> tuple[Values, Values, Values, Values]:
    """Sum of real spherical harmonics, and its derivatives to the direction cosines [2]_.

    Parameters
    ----------
    terms : tuple of (l, m, a)
        Degrees, orders (negative: the sine) and coefficients.
    x, y, z : ndarray
        Unit vectors, with the pole along z and m = 1 along x.

    Returns
    -------
    value, per_x, per_y, per_z : ndarray
        The sum and its derivatives, as a polynomial in x, y and z.

    Examples
    --------
    >>> value, *_ = real_harmonics(((1, 0, 1.0),), np.zeros(1), np.zeros(1), np.ones(1))
    >>> value.round(6)  # √(3/4π)
    array([0.488603])
    """
    value, per_x, per_y, per_z = (np.zeros(np.shape(z)) for _ in range(4))
    by_order: dict[int, list[tuple[int, int, float]]] = {}
    for term in terms:
        by_order.setdefault(abs(term[1]), []).append(term)
    turn = x + 1j * y
    for order, of_order in by_order.items():
        turned = turn**order
        # d(x + iy)ᵐ/dx = m (x + iy)ᵐ⁻¹, and i times that to y.
        before = order * turn ** max(order - 1, 0)
        highest = max(degree for degree, _, _ in of_order)
        legendre = _legendre(order, highest, z)
        slopes = _legendre(order + 1, highest, z)
        for degree, signed, coefficient in of_order:
            factor = coefficient * _normalisation(degree, order)
            around = turned.imag if signed < 0 else turned.real
            d_x = before.imag if signed < 0 else before.real
            d_y = before.real if signed < 0 else -before.imag
            value += factor * legendre[degree] * around
            per_x += factor * legendre[degree] * d_x
            per_y += factor * legendre[degree] * d_y
            per_z += factor * slopes[degree] * around
    return value, per_x, per_y, per_z


def _normalisation(degree: int, order: int) -> float:
    ratio = math.factorial(degree - order) / math.factorial(degree + order)
    both = 1.0 if order == 0 else 2.0
    return math.sqrt(both * (2 * degree + 1) / (4.0 * math.pi) * ratio)


def _legendre(order: int, highest: int, z: Values) -> dict[int, Values]:
    """``dᵐPₗ(z)/dzᵐ`` for all l up to the highest."""
    zero = np.zeros(np.shape(z))
    found = dict.fromkeys(range(highest + 1), zero)
    if order > highest:
        return found
    found[order] = zero + float(math.prod(range(1, 2 * order, 2)))
    for degree in range(order + 1, highest + 1):
        found[degree] = (
            (2 * degree - 1) * z * found[degree - 1]
            - (degree + order - 1) * (found[degree - 2] if degree > order + 1 else zero)
        ) / (degree - order)
    return found
