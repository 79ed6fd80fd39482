"""Lists of the geostationary arc: the site that sees them so, and where they would be if slid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from skyscan_lab.catalogs.geostationary import ORBIT_RADIUS_M, look_angles
from skyscan_lab.geodesy import axes, earth_centred
from skyscan_lab.sphere import unit_vector

Floats = NDArray[np.float64]

# Half of the list within that, for it to be the arc.
_ON_ARC_DEG = 0.3
_LATITUDES_DEG = np.arange(-81.0, 81.5, 1.0)


@dataclass(frozen=True, eq=False)
class Arc:
    """A list that lies on the geostationary arc of some site.

    Attributes
    ----------
    latitude_deg : float
        Of the site.
    longitudes_deg : ndarray, shape (c,)
        Of what is listed, east of the site.
    """

    latitude_deg: float
    longitudes_deg: Floats

    def slid(self, by_deg: float) -> Floats:
        """True directions with everything that much farther east, unit vectors, shape (c, 3)."""
        site = self.latitude_deg, 0.0
        azimuth, elevation, _ = look_angles(self.longitudes_deg + by_deg, site)
        return unit_vector(azimuth, elevation)


def arc_of(vectors: Floats) -> Arc | None:
    """The arc on which a list lies; None where it lies on none.

    Parameters
    ----------
    vectors : ndarray, shape (c, 3)
        True directions (north, east, up).

    Examples
    --------
    >>> from skyscan_lab.catalogs.geostationary import look_angles
    >>> from skyscan_lab.sphere import unit_vector
    >>> azimuth, elevation, _ = look_angles([10.0, 20.0, 35.0], (47.0, 15.0))
    >>> arc = arc_of(unit_vector(azimuth, elevation))
    >>> round(arc.latitude_deg, 3), arc.longitudes_deg.round(3)
    (47.0, array([-5.,  5., 20.]))
    >>> arc_of(unit_vector([10.0, 20.0, 35.0], [80.0, 20.0, 50.0])) is None
    True
    """

    def off(latitude_deg: float) -> float:
        return float(np.median(np.abs(_on_orbit(vectors, latitude_deg)[1])))

    coarse = min(_LATITUDES_DEG, key=off)
    found = minimize_scalar(off, bounds=(coarse - 1.0, coarse + 1.0), method="bounded")
    latitude = float(found.x)
    if not found.fun <= _ON_ARC_DEG:
        return None
    return Arc(latitude, _on_orbit(vectors, latitude)[0])


def _on_orbit(vectors: Floats, latitude_deg: float) -> tuple[Floats, Floats]:
    """Longitude and latitude, degrees, where rays from a site reach the orbit's radius."""
    site = earth_centred(latitude_deg, 0.0)
    rays = vectors @ axes(latitude_deg, 0.0)
    along = rays @ site
    reach = np.sqrt(along**2 + ORBIT_RADIUS_M**2 - site @ site) - along
    place = site + reach[:, None] * rays
    return (
        np.degrees(np.arctan2(place[:, 1], place[:, 0])),
        np.degrees(np.arcsin(place[:, 2] / ORBIT_RADIUS_M)),
    )
