"""ITU-R F.699: envelope of the sidelobes of a fixed link's dish.

References
----------
.. [1] Recommendation ITU-R F.699-8 (01/2018), "Reference radiation patterns for fixed wireless
   system antennas for use in coordination studies and interference assessment in the frequency
   range from 100 MHz to 86 GHz": *recommends* 2.1 (D/λ > 100), 2.2 (D/λ ≤ 100), 2.3 (below
   1 GHz) and 3 (peak gain from D/λ).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from skyscan_lab.antenna.itu import ItuPattern, Leg, first_sidelobe_dbi


class F699Pattern(ItuPattern):
    """Level that few sidelobe peaks of a fixed link's dish exceed [1]_.

    For 0.1–86 GHz; a dish of more than 0.63 wavelengths, to which 2.3 is limited. With φ in
    degrees, ``G₁ = 2 + 15 log D/λ`` and ``φₘ = 20 (λ/D) √(Gmax − G₁)``:

    - main lobe: ``Gmax − 2.5·10⁻³ (φ D/λ)²`` for φ < φₘ;
    - 2.1: G₁ to ``15.85 (D/λ)^−0.6``; ``32 − 25 log φ`` to 48°; −10 dBi;
    - 2.2: G₁ to ``100 λ/D``; ``52 − 10 log D/λ − 25 log φ`` to 48°; ``10 − 10 log D/λ``;
    - from 70 GHz, both decay on to 120°, and end 10 dB lower;
    - 2.3: as 2.2, to ``144.5 (D/λ)^−0.2``; then ``−2 − 5 log D/λ``.

    Parameters
    ----------
    diameter_m : float
        Diameter of the dish, m.
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
    >>> dish = F699Pattern(diameter_m=3.0, frequency_hz=10.7e9)  # D/λ = 107
    >>> dish.gain_dbi([0.0, 10.0, 90.0]).round(2)
    array([ 48.29,   7.  , -10.  ])
    """

    NAME: ClassVar[str] = "ITU-R F.699-8"
    FREQUENCIES_HZ: ClassVar[tuple[float, float]] = (1e8, 86e9)
    RATIOS: ClassVar[tuple[float, float]] = (0.63, np.inf)

    def _first_sidelobe_dbi(self) -> float:
        return first_sidelobe_dbi(self.diameter_in_wavelengths, 2.0)

    def _legs(self) -> list[Leg]:
        ratio = self.diameter_in_wavelengths
        decades = float(np.log10(ratio))
        plateau = Leg(0.0, self._first_sidelobe_dbi())
        if self.frequency_hz < 1e9:
            decay = Leg(100.0 / ratio, 52.0 - 10.0 * decades, per_decade=25.0)
            return [plateau, decay, Leg(144.5 * ratio**-0.2, -2.0 - 5.0 * decades)]
        to, lower = (120.0, 10.0) if self.frequency_hz > 70e9 else (48.0, 0.0)
        if ratio > 100.0:
            decay = Leg(15.85 * ratio**-0.6, 32.0, per_decade=25.0)
            return [plateau, decay, Leg(to, -10.0 - lower)]
        decay = Leg(100.0 / ratio, 52.0 - 10.0 * decades, per_decade=25.0)
        return [plateau, decay, Leg(to, 10.0 - 10.0 * decades - lower)]
