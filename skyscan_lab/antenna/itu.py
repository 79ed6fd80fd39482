"""What the ITU-R's reference patterns share: legs in dBi around the axis of a dish.

Each recommendation is a table of legs, one from each angle to the next. On every leg the gain is
``level − q φ² − b log₁₀ φ`` dBi: the parabola of the main lobe, a plateau, or a decay.

They are envelopes of many antennas, or averages over them, and no single antenna's pattern:
what `solid_angle_sr` and `directivity` make of one is the mask's own and need not agree with its
peak in dBi.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.antenna.base import Gradient, Values, radial_gradient
from skyscan_lab.errors import InvalidInput

_SPEED_OF_LIGHT = 299_792_458.0
_LN10 = float(np.log(10.0))
_HALF_DB = 10.0 * float(np.log10(2.0))


class Leg(NamedTuple):
    """Gain ``level − per_square φ² − per_decade log₁₀ φ`` dBi from an angle on.

    Attributes
    ----------
    start_deg : float
        Where the leg starts: angle from the axis, degrees.
    level_dbi, per_square, per_decade : float
        Its coefficients, for φ in degrees.
    """

    start_deg: float
    level_dbi: float
    per_square: float = 0.0
    per_decade: float = 0.0


@dataclass(frozen=True)
class ItuPattern(ABC):
    """A reference pattern of an ITU-R recommendation for a round dish.

    Parameters
    ----------
    diameter_m : float
        Diameter of the dish, m.
    frequency_hz : float
        Frequency, Hz.
    peak_dbi : float, optional
        Gain on the axis; unless given, what the recommendation says for this diameter.
    """

    diameter_m: float
    frequency_hz: float
    peak_dbi: float

    NAME: ClassVar[str]
    """Number and edition of the recommendation."""
    FREQUENCIES_HZ: ClassVar[tuple[float, float]]
    """Lowest and highest frequency that the recommendation is for."""
    RATIOS: ClassVar[tuple[float, float]]
    """Smallest and largest D/λ that it is for."""

    def __init__(self, diameter_m: float, frequency_hz: float, peak_dbi: float | None = None):
        low, high = self.FREQUENCIES_HZ
        if not low <= frequency_hz <= high:
            raise InvalidInput(
                "frequency_hz", frequency_hz, f"within [{low:g}, {high:g}] Hz, for {self.NAME}"
            )
        ratio = diameter_m * frequency_hz / _SPEED_OF_LIGHT
        smallest, largest = self.RATIOS
        if not smallest <= ratio <= largest:
            raise InvalidInput(
                "diameter_m",
                diameter_m,
                f"{smallest:g} to {largest:g} wavelengths, for {self.NAME}; here {ratio:.3g}",
            )
        object.__setattr__(self, "diameter_m", float(diameter_m))
        object.__setattr__(self, "frequency_hz", float(frequency_hz))
        peak = self._usual_peak_dbi() if peak_dbi is None else float(peak_dbi)
        object.__setattr__(self, "peak_dbi", peak)
        # What the mask says off its axis does not follow the peak; a peak below would be none.
        lowest = self._first_sidelobe_dbi() + _HALF_DB
        if not lowest < peak < np.inf:
            raise InvalidInput("peak_dbi", peak_dbi, f"over {lowest:.2f} dBi, 3 dB over the mask")

    @property
    def diameter_in_wavelengths(self) -> float:
        """D/λ, on which all the recommendations stand."""
        return self.diameter_m * self.frequency_hz / _SPEED_OF_LIGHT

    @property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full width at half power, degrees, the same on both axes."""
        width = 2.0 * float(np.sqrt(_HALF_DB / _main_lobe(self.diameter_in_wavelengths)))
        return width, width

    def gain_dbi(self, angle_deg: ArrayLike) -> Values:
        """Gain over isotropic, dBi.

        Parameters
        ----------
        angle_deg : array_like
            Angle φ from the axis, degrees, to 180 on either side.
        """
        angle = np.minimum(np.abs(np.asarray(angle_deg, dtype=float)), 180.0)
        return self._gain_and_slope(angle)[0]

    def gain(
        self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike
    ) -> NDArray[np.float64]:
        """Gain relative to the peak, at offsets in degrees."""
        angle = np.hypot(cross_elevation_deg, elevation_offset_deg)
        return np.asarray(10.0 ** ((self.gain_dbi(angle) - self.peak_dbi) / 10.0))

    def gradient(self, cross_elevation_deg: ArrayLike, elevation_offset_deg: ArrayLike) -> Gradient:
        """Gain relative to the peak, and its derivatives per degree, at offsets in degrees."""
        x = np.asarray(cross_elevation_deg, dtype=float)
        y = np.asarray(elevation_offset_deg, dtype=float)
        angle = np.hypot(x, y)
        level, per_degree = self._gain_and_slope(np.minimum(angle, 180.0))
        gain = np.asarray(10.0 ** ((level - self.peak_dbi) / 10.0))
        slope = np.where(angle <= 180.0, gain * per_degree * (_LN10 / 10.0), 0.0)
        return gain, *radial_gradient(x, y, slope)

    def _gain_and_slope(self, angle: Values) -> tuple[Values, Values]:
        """Gain in dBi and its slope in dB per degree, at angles within [0, 180]."""
        starts, level, per_square, per_decade = self._table
        leg = np.searchsorted(starts, angle, side="right") - 1
        # Only the parabola is used on the axis, where a logarithm has no value.
        safe = np.where(per_decade[leg] > 0.0, angle, 1.0)
        return (
            level[leg] - per_square[leg] * angle**2 - per_decade[leg] * np.log10(safe),
            -2.0 * per_square[leg] * angle - per_decade[leg] / (safe * _LN10),
        )

    @cached_property
    def _table(self) -> Values:
        edge = self._main_lobe_edge_deg()
        main = Leg(0.0, self.peak_dbi, per_square=_main_lobe(self.diameter_in_wavelengths))
        # A leg that another one starts before has no room, and is left out.
        legs = [main, *(leg._replace(start_deg=max(leg.start_deg, edge)) for leg in self._legs())]
        kept = [
            leg
            for leg, following in zip(legs, [*legs[1:], Leg(180.1, 0.0)], strict=True)
            if leg.start_deg < following.start_deg
        ]
        return np.array(kept).T

    def _usual_peak_dbi(self) -> float:
        """Peak gain for this diameter, dBi."""
        return 20.0 * float(np.log10(self.diameter_in_wavelengths)) + 7.7

    def _main_lobe_edge_deg(self) -> float:
        """``φₘ = 20 (λ/D) √(Gmax − G₁)``, where the main lobe has fallen to G₁, degrees."""
        fall = self.peak_dbi - self._first_sidelobe_dbi()
        return 20.0 / self.diameter_in_wavelengths * float(np.sqrt(fall))

    @abstractmethod
    def _first_sidelobe_dbi(self) -> float:
        """G₁, to which the main lobe falls, dBi."""

    @abstractmethod
    def _legs(self) -> list[Leg]:
        """Legs beyond the main lobe, inner ones first; one from before φₘ starts there."""


def _main_lobe(ratio: float) -> float:
    """Coefficient of φ² in the main lobe that all share: 2.5·10⁻³ (D/λ)²."""
    return 2.5e-3 * ratio**2


def first_sidelobe_dbi(ratio: float, constant: float) -> float:
    """``G₁ = constant + 15 log₁₀ (D/λ)``, dBi."""
    return constant + 15.0 * float(np.log10(ratio))
