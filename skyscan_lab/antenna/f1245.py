"""ITU-R F.1245: average sidelobes of a fixed link's dish.

References
----------
.. [1] Recommendation ITU-R F.1245-3 (01/2019), "Mathematical model of average and related
   radiation patterns for point-to-point fixed wireless system antennas for use in interference
   assessment in the frequency range from 1 GHz to 86 GHz": *recommends* 2.1 (D/λ > 100), 2.2
   (D/λ ≤ 100) and Note 2 (peak gain from D/λ).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from skyscan_lab.antenna.itu import ItuPattern, Leg, first_sidelobe_dbi


class F1245Pattern(ItuPattern):
    """Average level of the sidelobes of a fixed link's dish, for many of them at once [1]_.

    For 1–86 GHz; the sinusoidal form of *recommends* 3, for one entry, is left out. With φ in
    degrees, ``G₁ = 2 + 15 log D/λ`` and ``φₘ = 20 (λ/D) √(Gmax − G₁)``:

    - main lobe: ``Gmax − 2.5·10⁻³ (φ D/λ)²`` for φ < φₘ;
    - 2.1: G₁ to ``12.02 (D/λ)^−0.6``, where that is beyond φₘ; ``29 − 25 log φ`` to 48°; −13 dBi;
    - 2.2: ``39 − 5 log D/λ − 25 log φ`` to 48°; ``−3 − 5 log D/λ``;
    - from 70 GHz, both decay on to 120°, and end 10 dB lower.

    Parameters
    ----------
    diameter_m : float
        Diameter of the dish, m; at least a wavelength.
    frequency_hz : float
        Frequency, Hz.
    peak_dbi : float, optional
        Gain on the axis; ``7.7 + 20 log D/λ`` unless given.

    Raises
    ------
    InvalidInput
        For a dish or a frequency outside of the recommendation, or a peak that is none.

    Examples
    --------
    >>> dish = F1245Pattern(diameter_m=3.0, frequency_hz=10.7e9)  # D/λ = 107
    >>> dish.gain_dbi([0.0, 10.0, 90.0]).round(2)
    array([ 48.29,   4.  , -13.  ])
    """

    NAME: ClassVar[str] = "ITU-R F.1245-3"
    FREQUENCIES_HZ: ClassVar[tuple[float, float]] = (1e9, 86e9)
    RATIOS: ClassVar[tuple[float, float]] = (1.0, np.inf)

    def _first_sidelobe_dbi(self) -> float:
        return first_sidelobe_dbi(self.diameter_in_wavelengths, 2.0)

    def _legs(self) -> list[Leg]:
        ratio = self.diameter_in_wavelengths
        to, lower = (120.0, 10.0) if self.frequency_hz > 70e9 else (48.0, 0.0)
        if ratio > 100.0:
            return [
                Leg(0.0, self._first_sidelobe_dbi()),
                Leg(12.02 * ratio**-0.6, 29.0, per_decade=25.0),
                Leg(to, -13.0 - lower),
            ]
        five = 5.0 * float(np.log10(ratio))
        return [Leg(0.0, 39.0 - five, per_decade=25.0), Leg(to, -3.0 - five - lower)]
