"""ITU-R S.465: envelope of an earth station's sidelobes.

References
----------
.. [1] Recommendation ITU-R S.465-6 (01/2010), "Reference radiation pattern for earth station
   antennas in the fixed-satellite service for use in coordination and interference assessment in
   the frequency range from 2 to 31 GHz": *recommends* 2 and Note 5.
.. [2] ITU Radiocommunication Bureau, *Antenna Patterns Reference Manual* (APL-UM-001), pattern
   APEREC013V01: the main lobe that the Bureau's software puts on [1]_.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from skyscan_lab.antenna.itu import ItuPattern, Leg


class S465Pattern(ItuPattern):
    """Reference pattern of an earth station's sidelobes, and a main lobe on it.

    For 2–31 GHz. With φ in degrees [1]_:

    - ``32 − 25 log φ`` from φmin to 48°; −10 dBi;
    - φmin: the larger of 1° and ``100 λ/D`` for D/λ ≥ 50; the larger of 2° and
      ``114 (D/λ)^−1.09`` below; 2.5° for D/λ < 33.3.

    The recommendation says nothing inside φmin. There stands, as in the Bureau's software [2]_,
    ``Gmax − 2.5·10⁻³ (φ D/λ)²`` down to the level at φmin, and that level on to φmin.

    Parameters
    ----------
    diameter_m : float
        Diameter of the dish, m; at least a wavelength.
    frequency_hz : float
        Frequency, Hz.
    peak_dbi : float, optional
        Gain on the axis; ``7.7 + 20 log D/λ``, as F.699 has it, unless given.

    Raises
    ------
    InvalidInput
        For a dish or a frequency outside of the recommendation, or a peak that is none.

    Examples
    --------
    >>> dish = S465Pattern(diameter_m=2.4, frequency_hz=12e9)  # D/λ = 96
    >>> dish.gain_dbi([0.0, 10.0, 90.0]).round(2)
    array([ 47.35,   7.  , -10.  ])
    """

    NAME: ClassVar[str] = "ITU-R S.465-6"
    FREQUENCIES_HZ: ClassVar[tuple[float, float]] = (2e9, 31e9)
    RATIOS: ClassVar[tuple[float, float]] = (1.0, np.inf)

    @property
    def smallest_angle_deg(self) -> float:
        """φmin, inside which the recommendation says nothing, degrees."""
        ratio = self.diameter_in_wavelengths
        if ratio >= 50.0:
            return max(1.0, 100.0 / ratio)
        return max(2.0, 114.0 * ratio**-1.09) if ratio >= 33.3 else 2.5

    def _first_sidelobe_dbi(self) -> float:
        return 32.0 - 25.0 * float(np.log10(self.smallest_angle_deg))

    def _main_lobe_edge_deg(self) -> float:
        # What the recommendation says holds from φmin on, wherever the main lobe would end.
        return min(super()._main_lobe_edge_deg(), self.smallest_angle_deg)

    def _legs(self) -> list[Leg]:
        return [
            Leg(0.0, self._first_sidelobe_dbi()),
            Leg(self.smallest_angle_deg, 32.0, per_decade=25.0),
            Leg(48.0, -10.0),
        ]
