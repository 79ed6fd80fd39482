"""Where a session was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xarray as xr
from astropy.coordinates import EarthLocation

from skyscan_lab.errors import InvalidInput


@dataclass(frozen=True)
class Location:
    """Where a session was measured, on WGS-84.

    Attributes
    ----------
    latitude_deg, longitude_deg : float
        Geodetic, degrees; longitude east of Greenwich.
    height_m : float
        Above the ellipsoid, metres.

    Raises
    ------
    InvalidInput
        For an angle out of range or a height that is not finite.
    """

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0

    def __post_init__(self) -> None:
        if not -90.0 <= self.latitude_deg <= 90.0:
            raise InvalidInput("latitude_deg", self.latitude_deg, "within [-90, 90]")
        if not -180.0 <= self.longitude_deg <= 360.0:
            raise InvalidInput("longitude_deg", self.longitude_deg, "within [-180, 360]")
        if not np.isfinite(self.height_m):
            raise InvalidInput("height_m", self.height_m, "finite")

    def to_attributes(self) -> dict[str, float]:
        """As attributes of a session, from which `location_of` makes it again."""
        return {
            "site_latitude_deg": self.latitude_deg,
            "site_longitude_deg": self.longitude_deg,
            "site_height_m": self.height_m,
        }

    def to_earth_location(self) -> EarthLocation:
        """As astropy's EarthLocation."""
        return EarthLocation.from_geodetic(self.longitude_deg, self.latitude_deg, self.height_m)


LocationLike: TypeAlias = (
    Location | EarthLocation | tuple[float, float] | tuple[float, float, float]
)
"""A `Location`, an astropy EarthLocation, or (latitude, longitude[, height]) in deg, deg, m."""


def as_location(location: LocationLike) -> Location:
    """Make a `Location` of anything that says where a site is.

    Parameters
    ----------
    location : Location, EarthLocation or tuple of float
        Latitude and longitude in degrees, and perhaps a height in metres; WGS-84.

    Returns
    -------
    Location
        The same place.

    Raises
    ------
    InvalidInput
        For anything else, and for a place that is not on the Earth.

    Examples
    --------
    >>> as_location((47.37, 8.54))
    Location(latitude_deg=47.37, longitude_deg=8.54, height_m=0.0)
    """
    if isinstance(location, Location):
        return location
    if isinstance(location, EarthLocation):
        longitude, latitude, height = location.to_geodetic("WGS84")
        location = (latitude.deg, longitude.deg, height.to_value("m"))
    try:
        parts = [] if isinstance(location, str) else [float(part) for part in location]
    except (TypeError, ValueError):
        parts = []
    if len(parts) not in (2, 3):
        raise InvalidInput(
            "location",
            location,
            "an EarthLocation or (latitude, longitude[, height]) in degrees and metres",
        )
    return Location(*parts)


def location_of(ds: xr.Dataset) -> Location | None:
    """Site of a session.

    Parameters
    ----------
    ds : Dataset
        A session.

    Returns
    -------
    Location or None
        None where no site is recorded.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> location_of(session_from_points([1.0], [20.0], [-90.0], location=(47.0, 8.5, 440.0)))
    Location(latitude_deg=47.0, longitude_deg=8.5, height_m=440.0)
    """
    if "site_latitude_deg" not in ds.attrs:
        return None
    return Location(
        float(ds.attrs["site_latitude_deg"]),
        float(ds.attrs["site_longitude_deg"]),
        float(ds.attrs.get("site_height_m", 0.0)),
    )
