"""Where on the sky a named target is now, as a rotor at a site would have to point."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from skyscan_lab.protocol.rotors import PointRequest
from skyscan_lab.station import Site
from skyscan_server.domain.errors import Invalid, Refused
from skyscan_server.domain.orbits import MAX_AGE_DAYS, Orbits

_LONGITUDE = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*°?\s*([EW])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A target and its direction, degrees."""

    name: str
    azimuth_deg: float
    elevation_deg: float


def target_now(
    request: PointRequest, site: Site, orbits: Orbits, now: datetime | None = None
) -> Target:
    """Direction of a target; takes some milliseconds, the first one a second.

    Parameters
    ----------
    request : PointRequest
        Which target.
    site : Site
        From where.
    orbits : Orbits
        Satellites by their elements.
    now : datetime, optional
        When; now by default.

    Raises
    ------
    NotFound
        For a satellite whose orbit is not known here.
    Invalid
        For a longitude that is none.
    Refused
        For a target below the horizon, and for elements that are too old to say where it is.

    Examples
    --------
    >>> from pathlib import Path
    >>> request = PointRequest(target_type="geostationary", target_id="19.2E")
    >>> site = Site(latitude_deg=47.37, longitude_deg=8.54)
    >>> round(target_now(request, site, Orbits(Path("nowhere"))).azimuth_deg, 1)
    165.6
    """
    # Late, because most hubs never need astropy, which takes a second to import.
    from astropy.time import Time

    from skyscan_lab.catalogs import body_direction, look_angles

    location = (site.latitude_deg, site.longitude_deg, site.height_m)
    moment = Time(now or datetime.now(UTC))
    if request.target_type == "satellite":
        satellite = orbits.find(request.target_id)
        name = str(satellite.names[0])
        age = float(satellite.age_days(moment)[0])
        if age > MAX_AGE_DAYS:
            raise Refused(f"the elements of {name} are {age:.0f} days old: newer ones are needed")
        (azimuth,), (elevation,) = (angle[0] for angle in satellite.directions(moment, location))
        if not math.isfinite(azimuth):
            raise Refused(f"{name} has come down, by its elements")
    elif request.target_type == "geostationary":
        longitude = _longitude_deg(request.target_id)
        name = request.target_id
        azimuth, elevation, _ = look_angles(longitude, location)
    else:
        name = request.target_type
        azimuth, elevation = body_direction(request.target_type, moment, location)
    target = Target(name, float(azimuth), float(elevation))
    if target.elevation_deg < 0.0:
        raise Refused(f"{name} is below the horizon: elevation {target.elevation_deg:.1f}°")
    return target


def _longitude_deg(text: str) -> float:
    found = _LONGITUDE.fullmatch(text.strip())
    if found is None or float(found[1]) > 180.0:
        raise Invalid("target_id", text, "a longitude such as 19.2E or 15W")
    return float(found[1]) * (1.0 if found[2].upper() == "E" else -1.0)
