"""Direction cosines of an offset: what the phase across an aperture depends on.

An offset (a, b) is an angle θ = √(a² + b²) from the axis, and the components of its direction
in the plane of the aperture are ``(l, m) = (a, b) sin θ / θ``. Beyond 90°, where the aperture is
seen from behind, they keep the length that they have at 90°: no second main lobe looks back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skyscan_lab.antenna.base import Values

_DEGREE = float(np.radians(1.0))
# Below this, sin x − x cos x has lost the digits that its series still has.
_SMALL = 0.05


@dataclass(frozen=True)
class DirectionCosines:
    """Direction cosines of offsets, and how they change.

    Attributes
    ----------
    first, second : ndarray
        Components l and m along the axes of the beam.

    Examples
    --------
    >>> cosines = DirectionCosines.of(np.array([0.0, 30.0, 120.0]), np.zeros(3))
    >>> cosines.first.round(12)
    array([0. , 0.5, 1. ])
    """

    first: Values
    second: Values
    _offsets: tuple[Values, Values]
    _scale: Values
    _angle: Values

    @classmethod
    def of(cls, first_deg: Values, second_deg: Values) -> DirectionCosines:
        """Direction cosines of offsets in degrees along the axes of the beam."""
        angle = np.hypot(first_deg, second_deg)
        in_front = np.sinc(np.minimum(angle, 90.0) * (_DEGREE / np.pi)) * _DEGREE
        scale = in_front / np.maximum(angle / 90.0, 1.0)
        return cls(first_deg * scale, second_deg * scale, (first_deg, second_deg), scale, angle)

    def to_offsets(self, per_first: Values, per_second: Values) -> tuple[Values, Values]:
        """Derivatives to the offsets, per degree, from those to the direction cosines."""
        a, b = self._offsets
        # dl/da = s + a² t, dl/db = a b t, dm/db = s + b² t, with s = sin θ/θ and t = s′/θ.
        behind = self._angle > 90.0
        turning = np.where(
            behind,
            -1.0 / np.where(behind, self._angle, 1.0) ** 3,
            -(_DEGREE**3) * sine_deficit(self._angle * _DEGREE),
        )
        along = turning * (a * per_first + b * per_second)
        return (
            np.asarray(self._scale * per_first + a * along),
            np.asarray(self._scale * per_second + b * along),
        )


def sine_deficit(x: Values) -> Values:
    """``(sin x − x cos x) / x³``, which is −(sin x / x)′ / x, to all its digits.

    Examples
    --------
    >>> sine_deficit(np.array([0.0, np.pi])).round(6)
    array([0.333333, 0.101321])
    """
    small = np.abs(x) < _SMALL
    safe = np.where(small, 1.0, x)
    square = x * x
    series = 1.0 / 3.0 - square * (1.0 / 30.0 - square * (1.0 / 840.0 - square / 45_360.0))
    return np.asarray(np.where(small, series, (np.sin(safe) - safe * np.cos(safe)) / safe**3))
