"""How the atmosphere lifts what is seen through it.

References
----------
.. [1] IAU SOFA Board, "SOFA Astrometry Tools" (2023), `iauRefco` and `iauAtioq`: the model
   A·tan z + B·tan³ z, at radio wavelengths, and its inversion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skyscan_lab.errors import InvalidInput
from skyscan_lab.sphere import Angles

# As in SOFA: the model's tangent is held where it would run away, below 3°.
_LOWEST_SINE = 0.05


@dataclass(frozen=True)
class Refraction:
    """Refraction of radio waves by the air above a site.

    Parameters
    ----------
    pressure_hpa : float
        At the site itself, not reduced to sea level; 0 for no air.
    temperature_c : float
        Degrees Celsius.
    relative_humidity : float
        0 to 1. Water vapour counts for radio waves far more than for light.

    Raises
    ------
    InvalidInput
        For values that no weather has.

    Examples
    --------
    >>> air = Refraction(pressure_hpa=1013.25, temperature_c=15.0, relative_humidity=0.5)
    >>> round(float(air.apparent(5.0)), 2)
    5.17
    """

    pressure_hpa: float = 1013.25
    temperature_c: float = 15.0
    relative_humidity: float = 0.5

    def __post_init__(self) -> None:
        for field, low, high in (
            ("pressure_hpa", 0.0, 1200.0),
            ("temperature_c", -100.0, 100.0),
            ("relative_humidity", 0.0, 1.0),
        ):
            value = getattr(self, field)
            if not low <= value <= high:
                raise InvalidInput(field, value, f"within [{low:g}, {high:g}]")

    def apparent(self, elevation_deg: ArrayLike) -> Angles:
        """Elevation at which something is seen that stands at a geometric elevation [1]_.

        Parameters
        ----------
        elevation_deg : array_like
            Geometric, degrees.

        Returns
        -------
        ndarray
            Apparent, degrees. Below 3° it is a rough figure, below the horizon no figure at
            all but continuous.
        """
        elevation = np.radians(np.asarray(elevation_deg, dtype=float))
        a, b = self._constants()
        sine = np.maximum(np.sin(elevation), _LOWEST_SINE)
        tangent = np.cos(elevation) / sine
        cubic = b * tangent**2
        # One Newton step: the model wants the apparent zenith distance, which is sought.
        lift = (a + cubic) * tangent / (1.0 + (a + 3.0 * cubic) / sine**2)
        return np.asarray(np.degrees(elevation + lift))

    def _constants(self) -> tuple[float, float]:
        """A and B of the model, radians, for wavelengths above 100 µm [1]_."""
        if self.pressure_hpa == 0.0:
            return 0.0, 0.0
        celsius, kelvin = self.temperature_c, self.temperature_c + 273.15
        saturated = 10.0 ** ((0.7859 + 0.03477 * celsius) / (1.0 + 0.00412 * celsius)) * (
            1.0 + self.pressure_hpa * (4.5e-6 + 6e-10 * celsius**2)
        )
        vapour = (
            self.relative_humidity
            * saturated
            / (1.0 - (1.0 - self.relative_humidity) * saturated / self.pressure_hpa)
        )
        refractivity = (
            77.6890e-6 * self.pressure_hpa - (6.3938e-6 - 0.375463 / kelvin) * vapour
        ) / kelvin
        height = 4.4474e-6 * kelvin * (1.0 - 0.0074 * vapour)
        return refractivity * (1.0 - height), -refractivity * (height - refractivity / 2.0)
