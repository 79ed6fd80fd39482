"""Far field of a disc whose complex field is a Zernike series, and of the disc inside it.

References
----------
.. [1] M. Born and E. Wolf, *Principles of Optics* (7th ed.), 9.2.1 and 9.4: circle polynomials,
   and ``∫₀¹ Rₙᵐ(ρ) Jₘ(uρ) ρ dρ = (−1)^((n−m)/2) Jₙ₊₁(u)/u``.
.. [2] A. J. E. M. Janssen and P. Dirksen, "Concise formula for the Zernike coefficients of
   scaled pupils", J. Microlith. Microfab. Microsyst. 5, 030501 (2006):
   ``Rₙᵐ(βρ) = Σₖ [Rₙᵏ(β) − Rₙᵏ⁺²(β)] Rₖᵐ(ρ)`` over k = m, m + 2, … n.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_jacobi, j0, j1

from skyscan_lab.antenna.base import Values

Term = tuple[int, int, complex]
"""Order n, azimuthal order m (negative: the sine) and coefficient α of ``α Rₙ^|m|(ρ) cos mφ``."""
Field = NDArray[np.complex128]

_SMALLEST_ARGUMENT = 1e-8


@dataclass(frozen=True)
class FarField:
    """A far field over the plane of its arguments.

    Attributes
    ----------
    value : ndarray of complex
        The field.
    per_first, per_second : ndarray of complex
        Its derivatives to both arguments.
    """

    value: Field
    per_first: Field
    per_second: Field


def disc_far_field(terms: Iterable[Term], first: Values, second: Values) -> FarField:
    """``(1/π) ∫∫ E(ρ, φ) exp[i (u_x x + u_y y)]`` over the unit disc, for a Zernike series E [1]_.

    Parameters
    ----------
    terms : iterable of (n, m, α)
        The series.
    first, second : ndarray
        Arguments u_x and u_y, in radians of phase at the edge of the disc.

    Examples
    --------
    >>> u = np.array([0.0, 3.8317059702])  # uniform: 2 J₁(u)/u, with its null
    >>> disc_far_field([(0, 0, 1.0)], u, np.zeros(2)).value.real.round(9)
    array([1., 0.])
    """
    terms = tuple(terms)
    highest = max(n for n, _, _ in terms)
    u = np.hypot(first, second)
    lobes = _bessel_over_argument(u, highest + 1)
    # On the axis any direction will do: what depends on it is 0 there.
    on_axis = u < _SMALLEST_ARGUMENT
    direction = np.where(on_axis, 1.0, first + 1j * second) / np.where(on_axis, 1.0, u)
    cosine, sine = direction.real, direction.imag
    value: Field = np.zeros(u.shape, dtype=complex)
    along, across = value.copy(), value.copy()
    for n, signed_m, coefficient in terms:
        m = abs(signed_m)
        turned = direction**m
        around = turned.imag if signed_m < 0 else turned.real
        d_around = m * turned.real if signed_m < 0 else -m * turned.imag
        factor = 2.0 * coefficient * 1j**m * (-1.0) ** ((n - m) // 2)
        # g = Jₙ₊₁/u, with g/u = (gₙ₋₁ + gₙ₊₁)/(2(n+1)) and g′ = n g/u − gₙ₊₁.
        over = (lobes[n - 1] + lobes[n + 1]) / (2.0 * (n + 1)) if n else np.zeros_like(u)
        value += factor * lobes[n] * around
        along += factor * (n * over - lobes[n + 1]) * around
        across += factor * over * d_around
    return FarField(value, cosine * along - sine * across, sine * along + cosine * across)


def inner_disc_terms(terms: Iterable[Term], radius: float) -> list[Term]:
    """The series that a series is on the disc of this radius within the unit disc [2]_.

    Examples
    --------
    >>> inner_disc_terms([(2, 0, 1.0)], 0.5)  # 2ρ² − 1 at ρ = r/2 is (2r² − 1)/4 − 3/4
    [(0, 0, -0.75), (2, 0, 0.25)]
    """
    inner: dict[tuple[int, int], complex] = {}
    for n, m, coefficient in terms:
        for k in range(abs(m), n + 1, 2):
            share = zernike_radial(n, k, radius) - zernike_radial(n, k + 2, radius)
            inner[k, m] = inner.get((k, m), 0.0) + coefficient * share
    return [(n, m, coefficient) for (n, m), coefficient in sorted(inner.items())]


def zernike_radial(n: int, m: int, radius: float) -> float:
    """Radial polynomial ``Rₙᵐ(ρ)``; 0 for m > n.

    Examples
    --------
    >>> zernike_radial(4, 0, 0.5)  # 6ρ⁴ − 6ρ² + 1
    -0.125
    """
    if m > n:
        return 0.0
    half = (n - m) // 2
    return float((-1.0) ** half * radius**m * eval_jacobi(half, m, 0.0, 1.0 - 2.0 * radius**2))


def _bessel_over_argument(u: Values, highest: int) -> list[Values]:
    """``Jₙ₊₁(u)/u`` for n = 0 … highest, without dividing by u: (Jₙ + Jₙ₊₂)/(2(n + 1))."""
    top = highest + 2
    argument = np.maximum(u, _SMALLEST_ARGUMENT)
    # Upwards the recurrence is stable for orders below the argument, downwards always.
    far = argument > top
    bessel = np.empty((top + 1, *argument.shape))
    bessel[:, far] = _upwards(argument[far], top)
    bessel[:, ~far] = _downwards(argument[~far], top)
    return [(bessel[n] + bessel[n + 2]) / (2.0 * (n + 1)) for n in range(highest + 1)]


def _upwards(u: Values, top: int) -> Values:
    bessel = np.empty((top + 1, u.size))
    bessel[0], bessel[1] = j0(u), j1(u)
    for order in range(1, top):
        bessel[order + 1] = 2.0 * order / u * bessel[order] - bessel[order - 1]
    return bessel


def _downwards(u: Values, top: int) -> Values:
    bessel = np.empty((top + 1, u.size))
    bessel[top], bessel[top - 1] = _series(u, top), _series(u, top - 1)
    for order in range(top - 1, 0, -1):
        bessel[order - 1] = 2.0 * order / u * bessel[order] - bessel[order + 1]
    return bessel


def _series(u: Values, order: int) -> Values:
    """Jₙ(u) for u up to about n, where no digits cancel; a tenth of the time of scipy's jv."""
    quarter = u * u / 4.0
    total = np.ones_like(u)
    for k in range(order + 15, 0, -1):
        total = 1.0 - total * quarter / (k * (order + k))
    return np.asarray(total * (u / 2.0) ** order / math.factorial(order))
