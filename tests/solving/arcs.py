"""Skies over the geostationary arc, made without the code under test: plain trigonometry."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.special import j1

from skyscan_lab.session import session_from_points
from tests.solving.skies import turned, vectors

ORBIT = 42_164.17 / 6378.137
FLATTENING = 1.0 / 298.257223563
FIRST_HALF_POWER = 1.61633994


def look(latitude_deg, longitudes_deg):
    """Azimuth and elevation of slots at longitudes east of a site on WGS-84."""
    lat, lon = np.radians(latitude_deg), np.radians(longitudes_deg)
    e2 = FLATTENING * (2.0 - FLATTENING)
    prime = 1.0 / np.sqrt(1.0 - e2 * np.sin(lat) ** 2)
    site = np.array([prime * np.cos(lat), 0.0, prime * (1.0 - e2) * np.sin(lat)])
    ray = np.stack([ORBIT * np.cos(lon), ORBIT * np.sin(lon), 0.0 * lon], axis=-1) - site
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    up = np.array([np.cos(lat), 0.0, np.sin(lat)])
    north = np.array([-np.sin(lat), 0.0, np.cos(lat)])
    return (
        np.degrees(np.arctan2(ray[:, 1], ray @ north)) % 360.0,
        np.degrees(np.arcsin(ray @ up)),
    )


@dataclass
class ArcSky:
    """A session of the arc through a mount that nobody levelled."""

    session: object
    latitude_deg: float
    longitudes_deg: np.ndarray  # of the listed slots, east of the site
    silent: np.ndarray
    mount_deg: np.ndarray  # tilt about north and east, then the zero of the azimuth

    def listed(self, slide_deg=0.0, mirrored=False):
        """Azimuths and elevations of the list, slid along the arc, or east for west."""
        azimuth, elevation = look(self.latitude_deg, self.longitudes_deg + slide_deg)
        return (-azimuth if mirrored else azimuth) % 360.0, elevation


def angle_between_deg(one_deg, other_deg):
    """Angle of the rotation between two mounts: tilt about north and east, then a turn."""

    def rotation(terms):
        turn = Rotation.from_euler("z", terms[2], degrees=True)
        return turn * Rotation.from_rotvec([terms[0], terms[1], 0.0], degrees=True)

    return float(np.degrees((rotation(one_deg) * rotation(other_deg).inv()).magnitude()))


def gain(across, along, hpbw_deg, blockage):
    """Power pattern of a blocked, evenly lit aperture; sines of offsets on its two axes."""
    first, second = (np.sin(np.radians(width) / 2.0) for width in hpbw_deg)
    # Of the unblocked one; with a hole the beam is that much narrower.
    u = FIRST_HALF_POWER * np.hypot(across / first, along / second)
    jinc = [
        np.where(v > 1e-6, 2 * j1(np.maximum(v, 1e-6)) / np.maximum(v, 1e-6), 1.0)
        for v in (u, blockage * u)
    ]
    return ((jinc[0] - blockage**2 * jinc[1]) / (1.0 - blockage**2)) ** 2


def arc_sky(seed, *, step_deg=2.0, noise=0.4):
    """A random site, list, mount and antenna; a third of the list is silent."""
    rng = np.random.default_rng(seed)
    latitude = rng.choice([-1.0, 1.0]) * rng.uniform(15.0, 50.0)
    spacing = 0.1 + rng.exponential(2.9, 60)
    longitudes = np.cumsum(spacing) - 90.0 + rng.uniform(-3.0, 3.0)
    longitudes = longitudes[np.abs(longitudes) < 75.0]
    silent = rng.random(longitudes.size) < 0.3
    tilt, towards = 3.0 * np.sqrt(rng.random()), rng.uniform(0.0, 2 * np.pi)
    terms = np.array([tilt * np.cos(towards), tilt * np.sin(towards), rng.uniform(-180.0, 180.0)])
    azimuth, elevation = look(latitude, longitudes[~silent])
    above = elevation > 0.0
    power = 10.0 ** rng.normal(0.2, 0.35, above.sum())
    # A scan's own axes: what a dish sees around each of its directions.
    az, el = np.meshgrid(np.arange(0.0, 360.0, step_deg), np.arange(18.0, 66.0, step_deg))
    a, e = np.radians(az.ravel()), np.radians(el.ravel())
    across = np.stack([-np.sin(a), np.cos(a), 0.0 * a], axis=-1)
    along = np.stack([-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e)], axis=-1)
    ahead = vectors(az.ravel(), el.ravel())
    seen = vectors(*turned(azimuth[above], elevation[above], terms))
    width = rng.uniform(4.5, 6.0)
    widths = (width, width * rng.uniform(0.95, 1.05))
    pattern = gain(across @ seen.T, along @ seen.T, widths, rng.uniform(0.0, 0.25))
    received = np.where(ahead @ seen.T > 0.0, pattern, 0.0) @ power
    floor = 1.0 + 0.1 * rng.normal() * (el.ravel() - 40.0) / 25.0
    readings = 400.0 + rng.uniform(120.0, 240.0) * np.log10(floor + received)
    readings = np.rint(readings + rng.normal(scale=noise, size=readings.shape))
    session = session_from_points(az.ravel(), el.ravel(), readings, units="counts")
    return ArcSky(session, latitude, longitudes, silent, terms)
