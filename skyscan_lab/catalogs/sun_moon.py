"""Sun and Moon, from what astropy brings along: nothing is downloaded.

Directions are geometric: refraction is not in them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from astropy import units as u
from astropy.coordinates import AltAz, get_body, solar_system_ephemeris
from astropy.time import Time
from numpy.typing import ArrayLike

from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.session import LocationLike, as_location
from skyscan_lab.sphere import Angles

Body = Literal["sun", "moon"]

SUN_DIAMETER_DEG = 0.533
"""Mean optical diameter of the Sun, degrees; it varies by ±1.7 % over the year."""


def body_direction(
    body: Body, time: Time | ArrayLike, location: LocationLike
) -> tuple[Angles, Angles]:
    """Direction of the Sun or the Moon, as seen from a site.

    Parameters
    ----------
    body : {"sun", "moon"}
        Which.
    time : Time or array_like
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
        moments = _as_time(time)
        frame = AltAz(obstime=moments, location=site)
        apparent = get_body(body, moments, site).transform_to(frame)
    return np.asarray(apparent.az.to_value(u.deg)), np.asarray(apparent.alt.to_value(u.deg))


def _as_time(time: Time | ArrayLike) -> Time:
    if isinstance(time, Time):
        return time
    values = np.asarray(time)
    return Time(values, format="datetime64" if values.dtype.kind == "M" else "unix", scale="utc")
