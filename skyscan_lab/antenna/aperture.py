"""Beam of an aperture with taper, phase errors and a blocked centre: a Zernike series over it.

References
----------
.. [1] M. Born and E. Wolf, *Principles of Optics* (7th ed.), 9.4: the diffraction pattern of a
   single aberration, in ``Jₙ₊₁(u)/u``.
.. [2] A. J. E. M. Janssen, "Extended Nijboer–Zernike approach for the computation of optical
   point-spread functions", J. Opt. Soc. Am. A 19, 849 (2002): complex coefficients, for
   amplitude and phase at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.antenna.airy import AiryPattern, half_power_argument
from skyscan_lab.antenna.base import Gradient, Values, along_beam_axes, off_beam_axes
from skyscan_lab.antenna.cosines import DirectionCosines
from skyscan_lab.antenna.peak import find_peak, half_power_widths
from skyscan_lab.antenna.zernike import FarField, Term, disc_far_field, inner_disc_terms
from skyscan_lab.errors import InvalidInput

# How far to look for a peak that a phase error has moved, in radians of phase at the edge.
_PEAK_SPAN = 8.0
_HIGHEST_ORDER = 24


@dataclass(frozen=True)
class AperturePattern:
    r"""``|F|²`` of an elliptical aperture with the field ``1 + Σ αₙₘ Rₙᵐ(ρ) {cos, sin} mφ``.

    ``F = Σ αₙₘ 2 iᵐ (−1)^((n−m)/2) Jₙ₊₁(u)/u {cos, sin} mψ`` [1]_ [2]_, less the same over the
    blocked centre, where ``u = (πD/λ) sin θ`` and ψ are scaled on the two axes as in
    `AiryPattern`. ρ = 1 is the edge of the aperture, and φ = 0 its first axis.

    Real coefficients are amplitude, imaginary ones phase in radians where they are small: taper
    is (2, 0) and (4, 0); a shift of the beam (1, ±1); astigmatism (2, ±2), coma (3, ±1), defocus
    (2, 0) with an imaginary one.

    Parameters
    ----------
    diameter_wavelengths : float or (float, float)
        Diameter of the aperture over the wavelength, or one for each axis; at least 1.
    coefficients : mapping of (n, m) to complex
        αₙₘ relative to the uniform part, with m < 0 for sines. n ≤ 24, n − \|m\| even.
    blockage : float
        Diameter of the blocked centre over that of the aperture, within [0, 1).
    position_angle_deg : float
        Where the second axis points: degrees from up to increasing azimuth.

    Raises
    ------
    InvalidInput
        For a diameter, blockage or coefficient out of range.

    Notes
    -----
    The gain is relative to the peak, wherever that is: coma and tilt move it off the axis, to
    `peak_offset_deg`.

    Examples
    --------
    >>> taper = {(2, 0): -0.5}  # 1 − ½(2ρ² − 1): the field at the edge is a third of the centre's
    >>> dish = AperturePattern(diameter_wavelengths=30.0, coefficients=taper)
    >>> uniform = AperturePattern(diameter_wavelengths=30.0)
    >>> round(dish.hpbw_deg[0] / uniform.hpbw_deg[0], 3)
    1.101
    """

    diameter_wavelengths: tuple[float, float]
    terms: tuple[Term, ...]
    blockage: float
    position_angle_deg: float

    def __init__(
        self,
        diameter_wavelengths: float | tuple[float, float],
        coefficients: Mapping[tuple[int, int], complex] | None = None,
        blockage: float = 0.0,
        position_angle_deg: float = 0.0,
    ):
        if not 0.0 <= blockage < 1.0:
            raise InvalidInput("blockage", blockage, "a ratio of diameters within [0, 1)")
        object.__setattr__(self, "diameter_wavelengths", _diameters(diameter_wavelengths))
        object.__setattr__(self, "terms", _terms(coefficients or {}))
        object.__setattr__(self, "blockage", float(blockage))
        object.__setattr__(self, "position_angle_deg", float(position_angle_deg))

    @classmethod
    def of_airy(
        cls, airy: AiryPattern, coefficients: Mapping[tuple[int, int], complex] | None = None
    ) -> AperturePattern:
        """The aperture of an Airy pattern, with coefficients on it.

        Without any it is the same pattern.

        Examples
        --------
        >>> airy = AiryPattern((4.0, 5.0), blockage=0.2)
        >>> same = AperturePattern.of_airy(airy)
        >>> bool(abs(same.gain(3.0, 2.0) - airy.gain(3.0, 2.0)) < 1e-14)
        True
        """
        argument = half_power_argument(airy.blockage)
        first, second = argument / (np.pi * np.sin(np.radians(airy.hpbw_deg) / 2.0))
        return cls(
            (float(first), float(second)), coefficients, airy.blockage, airy.position_angle_deg
        )

    @property
    def coefficients(self) -> dict[tuple[int, int], complex]:
        """αₙₘ by (n, m), without the uniform part, which is 1."""
        return {(n, m): coefficient for n, m, coefficient in self.terms if n}

    @cached_property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power through the peak, along the two axes of the beam, degrees."""
        first, second = (float(np.degrees(0.05 / size)) for size in self.diameter_wavelengths)
        return half_power_widths(
            self.gain, self.peak_offset_deg, (first, second), self.position_angle_deg
        )

    @cached_property
    def peak_offset_deg(self) -> tuple[float, float]:
        """Where the peak is: offsets in degrees, as for `gain`."""
        _, u, v = self._peak
        cosines = np.array([u, v]) / (np.pi * np.array(self.diameter_wavelengths))
        sine = float(np.hypot(*cosines))
        angle = np.degrees(np.arcsin(min(sine, 1.0))) / sine if sine else 0.0
        first, second = cosines * angle
        x, y = off_beam_axes(np.array(first), np.array(second), self.position_angle_deg)
        return float(x), float(y)

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        return self.gradient(cross_elevation_deg, elevation_offset_deg)[0]

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        cosines = DirectionCosines.of(
            *along_beam_axes(cross_elevation_deg, elevation_offset_deg, self.position_angle_deg)
        )
        scales = np.pi * np.array(self.diameter_wavelengths)
        power, per_u, per_v = self._power(cosines.first * scales[0], cosines.second * scales[1])
        peak = self._peak[0]
        along = cosines.to_offsets(per_u * (scales[0] / peak), per_v * (scales[1] / peak))
        return power / peak, *off_beam_axes(*along, self.position_angle_deg)

    def far_field(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.complex128]:
        """Complex field at offsets in degrees, with that of a uniform open aperture on axis 1."""
        cosines = DirectionCosines.of(
            *along_beam_axes(cross_elevation_deg, elevation_offset_deg, self.position_angle_deg)
        )
        scales = np.pi * np.array(self.diameter_wavelengths)
        return self._field(cosines.first * scales[0], cosines.second * scales[1]).value

    @cached_property
    def _peak(self) -> tuple[float, float, float]:
        if all(m == 0 and not coefficient.imag for _, m, coefficient in self.terms):
            on_axis = self._power(np.zeros(()), np.zeros(()))[0]
            nearby = self._power(np.linspace(0.0, _PEAK_SPAN, 200), np.zeros(200))[0]
            if on_axis > 0.0 and nearby.max() <= on_axis:
                return float(on_axis), 0.0, 0.0
        return find_peak(self._power, (_PEAK_SPAN, _PEAK_SPAN))

    def _power(self, u: Values, v: Values) -> Gradient:
        field = self._field(u, v)
        conjugate = 2.0 * np.conj(field.value)
        return (
            np.asarray(np.abs(field.value) ** 2),
            np.asarray((conjugate * field.per_first).real),
            np.asarray((conjugate * field.per_second).real),
        )

    def _field(self, u: Values, v: Values) -> FarField:
        whole = disc_far_field(self.terms, u, v)
        if not self.blockage:
            return whole
        beta = self.blockage
        hole = disc_far_field(self._hole_terms, beta * u, beta * v)
        return FarField(
            whole.value - beta**2 * hole.value,
            whole.per_first - beta**3 * hole.per_first,
            whole.per_second - beta**3 * hole.per_second,
        )

    @cached_property
    def _hole_terms(self) -> list[Term]:
        return inner_disc_terms(self.terms, self.blockage)


def _diameters(given: object) -> tuple[float, float]:
    try:
        diameters = np.broadcast_to(np.asarray(given, dtype=float), (2,))
    except (TypeError, ValueError):
        diameters = np.array([np.nan, np.nan])
    if not np.all((diameters >= 1.0) & np.isfinite(diameters)):
        raise InvalidInput("diameter_wavelengths", given, "one diameter or two, at least 1")
    return float(diameters[0]), float(diameters[1])


def _terms(coefficients: Mapping[tuple[int, int], complex]) -> tuple[Term, ...]:
    for (n, m), coefficient in coefficients.items():
        if not (1 <= n <= _HIGHEST_ORDER and abs(m) <= n and (n - m) % 2 == 0):
            raise InvalidInput(
                "coefficients", (n, m), f"orders n from 1 to {_HIGHEST_ORDER}, n − |m| even, ≥ 0"
            )
        if not np.isfinite(complex(coefficient)):
            raise InvalidInput("coefficients", coefficient, "finite numbers")
    return (
        (0, 0, 1.0 + 0.0j),
        *((n, m, complex(c)) for (n, m), c in sorted(coefficients.items()) if c),
    )
