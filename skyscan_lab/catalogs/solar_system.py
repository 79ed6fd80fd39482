"""Sun, Moon and planets, from what astropy brings along: nothing is downloaded.

Directions are geometric: refraction is not in them, unless a catalogue is asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from astropy import units as u
from astropy.coordinates import AltAz, get_body, solar_system_ephemeris
from astropy.time import Time

from skyscan_lab.catalogs.catalog import Catalog
from skyscan_lab.catalogs.times import TimeLike, as_time
from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.errors import InvalidInput
from skyscan_lab.session import Location, LocationLike, as_location
from skyscan_lab.sphere import Angles

Body = Literal["sun", "moon", "mercury", "venus", "mars", "jupiter", "saturn", "uranus", "neptune"]

SUN_DIAMETER_DEG = 0.533
"""Mean optical diameter of the Sun, degrees; it varies by ±1.7 % over the year."""


def body_direction(body: Body, time: TimeLike, location: LocationLike) -> tuple[Angles, Angles]:
    """Direction of the Sun, the Moon or a planet, as seen from a site.

    Parameters
    ----------
    body : {"sun", "moon", "mercury", "venus", "mars", "jupiter", ...}
        Which.
    time : Time, datetime or array_like
        Times: astropy Time, datetime64 (UTC) as in a session, or seconds since 1970-01-01.
    location : Location, EarthLocation or (latitude, longitude[, height])
        The site, degrees and metres.

    Returns
    -------
    azimuth_deg, elevation_deg : ndarray
        Degrees, without refraction.

    Examples
    --------
    >>> azimuth, elevation = body_direction("sun", Time("2024-03-20T12:00:00"), (0.0, 0.0))
    >>> round(float(elevation), 1)  # noon at the equinox on the equator, less 7.5 min
    88.2
    """
    site = as_location(location).to_earth_location()
    with bundled_earth_orientation(), solar_system_ephemeris.set("builtin"):
        moments = as_time(time)
        frame = AltAz(obstime=moments, location=site)
        apparent = get_body(body, moments, site).transform_to(frame)
    return np.asarray(apparent.az.to_value(u.deg)), np.asarray(apparent.alt.to_value(u.deg))


class SolarSystem(Catalog):
    """Sun, Moon and planets as a catalogue.

    Parameters
    ----------
    bodies : sequence of str
        Which; all by default.

    Raises
    ------
    InvalidInput
        For a body that is not among them.

    Examples
    --------
    >>> sky = SolarSystem(["sun", "moon"])
    >>> [str(name) for name in sky.table("2024-03-20T12:00:00", (0.0, 0.0))["name"]]
    ['sun']
    """

    def __init__(self, bodies: Sequence[Body] = get_args(Body)) -> None:
        for body in bodies:
            if body not in get_args(Body):
                raise InvalidInput("body", body, f"one of {', '.join(get_args(Body))}")
        self._bodies = tuple(bodies)
        self.names = np.array(self._bodies, dtype=str)

    def _geometric(self, times: Time, site: Location) -> tuple[Angles, Angles]:
        found = [body_direction(body, times, site) for body in self._bodies]
        azimuth, elevation = np.moveaxis(np.array(found), 1, 0)
        return azimuth.T, elevation.T
