"""ITU-R S.580: design objective for the sidelobes of an earth station.

References
----------
.. [1] Recommendation ITU-R S.580-6 (01/2004), "Radiation diagrams for use as design objectives
   for antennas of earth stations operating with geostationary satellites": *recommends* 1 and
   Note 5, which joins it to S.465.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from skyscan_lab.antenna.itu import ItuPattern, Leg


class S580Pattern(ItuPattern):
    """Level that 90 % of an earth station's sidelobe peaks should stay under [1]_.

    For a dish of 50 wavelengths or more. With φ in degrees:

    - ``29 − 25 log φ`` from φmin, the larger of 1° and ``100 λ/D``, to 20°;
    - −3.5 dBi to 26.3°, ``32 − 25 log φ`` to 48°, then −10 dBi, as S.465 goes on.

    The recommendation says nothing inside φmin. There stands, as for `S465Pattern`,
    ``Gmax − 2.5·10⁻³ (φ D/λ)²`` down to the level at φmin, and that level on to φmin.

    Parameters
    ----------
    diameter_m : float
        Diameter of the dish, m.
    frequency_hz : float
        Frequency, Hz. S.580 has no range of its own; this is that of S.465, which it stands on.
    peak_dbi : float, optional
        Gain on the axis; ``7.7 + 20 log D/λ``, as F.699 has it, unless given.

    Raises
    ------
    InvalidInput
        For a dish or a frequency outside of the recommendation, or a peak that is none.

    Examples
    --------
    >>> dish = S580Pattern(diameter_m=2.4, frequency_hz=12e9)  # D/λ = 96
    >>> dish.gain_dbi([0.0, 10.0, 22.0, 90.0]).round(2)
    array([ 47.35,   4.  ,  -3.5 , -10.  ])
    """

    NAME: ClassVar[str] = "ITU-R S.580-6"
    FREQUENCIES_HZ: ClassVar[tuple[float, float]] = (2e9, 31e9)
    RATIOS: ClassVar[tuple[float, float]] = (50.0, np.inf)

    @property
    def smallest_angle_deg(self) -> float:
        """φmin, inside which the recommendation says nothing, degrees."""
        return max(1.0, 100.0 / self.diameter_in_wavelengths)

    def _first_sidelobe_dbi(self) -> float:
        return 29.0 - 25.0 * float(np.log10(self.smallest_angle_deg))

    def _main_lobe_edge_deg(self) -> float:
        # What the recommendation says holds from φmin on, wherever the main lobe would end.
        return min(super()._main_lobe_edge_deg(), self.smallest_angle_deg)

    def _legs(self) -> list[Leg]:
        return [
            Leg(0.0, self._first_sidelobe_dbi()),
            Leg(self.smallest_angle_deg, 29.0, per_decade=25.0),
            Leg(20.0, -3.5),
            Leg(26.3, 32.0, per_decade=25.0),
            Leg(48.0, -10.0),
        ]
