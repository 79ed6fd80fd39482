"""From horizontal directions to the stars: ICRS positions, and one rotation for a whole map.

Refraction is not applied: these are geometric directions, as the rotor gives them.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from astropy import units as u
from astropy.coordinates import ICRS, AltAz
from astropy.coordinates.erfa_astrom import ErfaAstromInterpolator, erfa_astrom
from astropy.time import Time
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from skyscan_lab.earth import bundled_earth_orientation
from skyscan_lab.errors import ExportRefused
from skyscan_lab.session import Location, location_of
from skyscan_lab.sphere import unit_vector

SIDEREAL_TURN_DEG_PER_S = 360.0 / 86164.0905

# Aberration and precession are smooth: astropy computes them every so often and interpolates,
# which is a hundred times faster and good to micro-arcseconds.
_INTERPOLATION = 300.0 * u.s

_REWEIGHTINGS = 30
_TINY = 1e-12  # keeps a weight where the fit happens to be exact


def equatorial(
    azimuth_deg: ArrayLike, elevation_deg: ArrayLike, time: Time, location: Location
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ICRS positions of horizontal directions.

    Parameters
    ----------
    azimuth_deg, elevation_deg : array_like
        Directions in degrees.
    time : Time
        When, one time or one a direction.
    location : Location
        From where.

    Returns
    -------
    ra_deg, dec_deg : ndarray
        Degrees, without refraction.

    Examples
    --------
    >>> ra, dec = equatorial(0.0, 47.0, Time("2024-01-01"), Location(47.0, 8.0))
    >>> bool(abs(dec - 90.0) < 0.2)  # the pole of date, 24 years of precession from ICRS's
    True
    """
    with bundled_earth_orientation(), erfa_astrom.set(ErfaAstromInterpolator(_INTERPOLATION)):
        horizontal = AltAz(
            az=np.asarray(azimuth_deg, dtype=float) * u.deg,
            alt=np.asarray(elevation_deg, dtype=float) * u.deg,
            obstime=time,
            location=location.to_earth_location(),
        )
        position = horizontal.transform_to(ICRS())
    return np.asarray(position.ra.deg), np.asarray(position.dec.deg)


def sample_positions(
    ds: xr.Dataset,
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """ICRS position of every cell, each at its own time, in the shape of ``time``.

    Returns
    -------
    tuple of ndarray, or None
        Right ascension and declination in degrees; NaN where no time or no direction is
        recorded. None where no site is recorded, or no time at all.
    """
    site = location_of(ds)
    times = ds["time"].values
    azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    known = ~np.isnat(times) & np.isfinite(azimuth) & np.isfinite(elevation)
    if site is None or not known.any():
        return None
    ra, dec = np.full(times.shape, np.nan), np.full(times.shape, np.nan)
    ra[known], dec[known] = equatorial(
        azimuth[known], elevation[known], _as_time(times[known]), site
    )
    return ra, dec


def middle_of(ds: xr.Dataset) -> tuple[np.datetime64, float] | None:
    """Middle of a session, UTC, and its duration in seconds; None where no time is recorded."""
    times = ds["time"].values
    times = times[~np.isnat(times)]
    if not times.size:
        return None
    span = np.ptp(times)
    return times.min() + span // 2, float(span / np.timedelta64(1, "s"))


def sky_rotation(
    ds: xr.Dataset,
    azimuth_deg: NDArray[np.float64],
    elevation_deg: NDArray[np.float64],
    native_longitude_deg: NDArray[np.float64],
    pixel_deg: float,
) -> NDArray[np.float64]:
    """Rotation from a map's native sphere to ICRS at the middle of the session.

    Aberration is no rotation: the one whose largest error over the map is smallest leaves up
    to 21″ of it over a whole hemisphere, and less over a part.

    Parameters
    ----------
    ds : Dataset
        A session.
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        Directions all over the map.
    native_longitude_deg : ndarray, shape (n,)
        Native longitude of each; its native latitude is the elevation.
    pixel_deg : float
        Size of a pixel: the sky must not turn by half of it.

    Returns
    -------
    ndarray, shape (3, 3)
        Takes native unit vectors to ICRS.

    Raises
    ------
    ExportRefused
        Where site or times are unknown, or the sky turned too far, with the reason.
    """
    site, middle = location_of(ds), middle_of(ds)
    measured = ds["sequence"].values >= 0
    timeless = int(np.isnat(ds["time"].values[measured]).sum())
    if site is None:
        raise ExportRefused("no site is recorded, so directions cannot be placed among the stars")
    if middle is None or timeless:
        raise ExportRefused(
            f"{timeless} of {int(measured.sum())} points have no time, so directions cannot be "
            "placed among the stars"
        )
    turned = middle[1] * SIDEREAL_TURN_DEG_PER_S
    if turned >= pixel_deg / 2.0:
        raise ExportRefused(
            f"the sky turned by {turned:.3g}° in the {middle[1]:.6g} s of the session, and half a "
            f"pixel is {pixel_deg / 2.0:.3g}°: no one RA/Dec belongs to a pixel (each sample's "
            "own is in the table)"
        )
    stars = unit_vector(*equatorial(azimuth_deg, elevation_deg, _as_time(middle[0]), site))
    # Longitude and latitude take the places of azimuth and elevation.
    return _closest_rotation(unit_vector(native_longitude_deg, elevation_deg), stars)


def _closest_rotation(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation whose largest error is as small as Lawson's reweighting makes it."""
    weights = np.ones(len(start))
    for _ in range(_REWEIGHTINGS):
        rotation = Rotation.align_vectors(end, start, weights=weights)[0]
        weights *= np.linalg.norm(rotation.apply(start) - end, axis=1) + _TINY
        weights /= weights.sum()
    return np.asarray(rotation.as_matrix())


def _as_time(times: np.datetime64 | NDArray[np.datetime64]) -> Time:
    return Time(times, scale="utc")
