"""Maps by formula, of sources through a Gaussian beam: nothing here is taken from the library."""

import numpy as np
import xarray as xr

from skyscan_lab.session import session_from_points

HPBW_DEG = 5.0


def angle_deg(az1, el1, az2, el2):
    """Angle between directions, by the haversine of the navigator."""
    az1, el1, az2, el2 = (np.radians(np.asarray(x, dtype=float)) for x in (az1, el1, az2, el2))
    h = np.sin((el1 - el2) / 2) ** 2 + np.cos(el1) * np.cos(el2) * np.sin((az1 - az2) / 2) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(h)))


def level(az, el, sources, floor=500.0):
    """Counts at directions."""
    total = np.full(np.broadcast(az, el).shape, floor)
    for source_az, source_el, height in sources:
        total += height * 2.0 ** (-4 * (angle_deg(az, el, source_az, source_el) / HPBW_DEG) ** 2)
    return total


def some_sources(rng, count, az=(0.0, 360.0), el=(18.0, 65.0), height=50.0):
    """Places at random, heights exponential."""
    places = rng.uniform(*az, count), rng.uniform(*el, count)
    return list(zip(*places, rng.exponential(height, count), strict=True))


def scan(azimuths, elevations, sources, *, noise=0.0, rng=None, drop=0.0) -> xr.Dataset:
    """Session of a grid, of which a share is missing."""
    az, el = (axis.ravel() for axis in np.meshgrid(azimuths, elevations))
    values = level(az, el, sources)
    rng = rng or np.random.default_rng(0)
    if noise:
        values = values + rng.normal(0.0, noise, values.size)
    kept = rng.random(values.size) >= drop
    return session_from_points(az[kept], el[kept], values[kept], units="counts")
