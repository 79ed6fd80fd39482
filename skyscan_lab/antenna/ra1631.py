"""ITU-R RA.1631: a radio telescope's typical pattern.

References
----------
.. [1] Recommendation ITU-R RA.1631-0 (05/2003), "Reference radio astronomy antenna pattern to be
   used for compatibility analyses between non-GSO systems and radio astronomy service stations
   based on the epfd concept": *recommends* 1 (whole pattern) and 2 (main beam by Bessel
   functions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import j0, j1

from skyscan_lab.antenna.airy import half_power_argument
from skyscan_lab.antenna.base import Values
from skyscan_lab.antenna.itu import ItuPattern, Leg, first_sidelobe_dbi

_PER_NEPER = 20.0 / float(np.log(10.0))


@dataclass(frozen=True, init=False)
class RA1631Pattern(ItuPattern):
    """Typical pattern of a large radio telescope [1]_.

    For 150 MHz and higher, and a dish of more than 100 wavelengths. With φ in degrees,
    ``G₁ = −1 + 15 log D/λ`` and ``φₘ = 20 (λ/D) √(Gmax − G₁)``:

    - main lobe: ``Gmax − 2.5·10⁻³ (φ D/λ)²`` for φ < φₘ; G₁ to ``15.85 (D/λ)^−0.6``;
    - ``29 − 25 log φ`` to 10°; ``34 − 30 log φ`` to 34.1°;
    - −12 dBi to 80°, −7 to 120° (spillover), −12 behind.

    With ``bessel=True``, within 1° and with ``x = π D φ/(360 λ)``:

    - ``Gmax + 20 log J₁(2x)/x`` to φ₀ = 69.88 λ/D, the first null;
    - ``20 log [√B cos(2x − 3π/4 + 0.0953)/x]`` to 1°, with ``√B = 10^1.6 · πD/(2λ) · π/180``.

    Parameters
    ----------
    diameter_m : float
        Diameter of the dish, m.
    frequency_hz : float
        Frequency, Hz.
    peak_dbi : float, optional
        Gain on the axis; ``20 log πD/λ`` unless given.
    bessel : bool
        Whether the innermost degree has the lobes of *recommends* 2.

    Raises
    ------
    InvalidInput
        For a dish or a frequency outside of the recommendation, or a peak that is none.

    Examples
    --------
    >>> effelsberg = RA1631Pattern(diameter_m=100.0, frequency_hz=1.42e9)
    >>> effelsberg.gain_dbi([0.0, 5.0, 100.0]).round(2)
    array([63.45, 11.53, -7.  ])
    """

    bessel: bool = False

    NAME: ClassVar[str] = "ITU-R RA.1631-0"
    FREQUENCIES_HZ: ClassVar[tuple[float, float]] = (150e6, np.inf)
    RATIOS: ClassVar[tuple[float, float]] = (100.0, np.inf)

    def __init__(
        self,
        diameter_m: float,
        frequency_hz: float,
        peak_dbi: float | None = None,
        bessel: bool = False,
    ):
        super().__init__(diameter_m, frequency_hz, peak_dbi)
        object.__setattr__(self, "bessel", bool(bessel))

    @property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full width at half power, degrees, the same on both axes."""
        if not self.bessel:
            return super().hpbw_deg
        radius = half_power_argument(0.0) / (np.pi * self.diameter_in_wavelengths)
        width = 2.0 * float(np.degrees(radius))
        return width, width

    def _gain_and_slope(self, angle: Values) -> tuple[Values, Values]:
        level, slope = super()._gain_and_slope(angle)
        if not self.bessel:
            return level, slope
        ratio = self.diameter_in_wavelengths
        per_degree = float(np.radians(np.pi / 2.0 * ratio))  # x over φ
        x = np.maximum(angle * per_degree, 1e-6)
        bessel = j1(2.0 * x) / x
        # [J₁(2x)/x]′ = 2 J₀(2x)/x − 2 J₁(2x)/x²
        bessel_slope = (2.0 * j0(2.0 * x) - 2.0 * bessel) / x
        phase = 2.0 * x - 0.75 * np.pi + 0.0953
        ring = np.cos(phase) / x
        ring_slope = -(2.0 * np.sin(phase) + ring) / x
        within = angle < 69.88 / ratio
        amplitude = np.where(within, bessel, ring)
        top = np.where(within, self.peak_dbi, 32.0 + 20.0 * np.log10(per_degree))
        with np.errstate(divide="ignore", invalid="ignore"):  # a null is −∞ dBi
            inner = top + 20.0 * np.log10(np.abs(amplitude))
            rate = np.where(within, bessel_slope, ring_slope) / amplitude * per_degree
        # The peak and the nulls are flat.
        flat = (angle == 0.0) | (amplitude == 0.0)
        inner_slope = _PER_NEPER * np.where(flat, 0.0, rate)
        near = angle < 1.0
        return np.where(near, inner, level), np.where(near, inner_slope, slope)

    def _usual_peak_dbi(self) -> float:
        return 20.0 * float(np.log10(np.pi * self.diameter_in_wavelengths))

    def _first_sidelobe_dbi(self) -> float:
        return first_sidelobe_dbi(self.diameter_in_wavelengths, -1.0)

    def _legs(self) -> list[Leg]:
        return [
            Leg(0.0, self._first_sidelobe_dbi()),
            Leg(15.85 * self.diameter_in_wavelengths**-0.6, 29.0, per_decade=25.0),
            Leg(10.0, 34.0, per_decade=30.0),
            Leg(34.1, -12.0),
            Leg(80.0, -7.0),
            Leg(120.0, -12.0),
        ]
