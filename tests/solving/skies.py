"""Skies for tests, made without the code under test: plain trigonometry and a plain Airy disc."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.special import j1

from skyscan_lab.session import session_from_points


@dataclass
class Truth:
    """What is in a sky."""

    azimuth: np.ndarray
    elevation: np.ndarray
    power: np.ndarray
    hpbw_deg: float
    offset: float
    per_decade: float


def vectors(azimuth_deg, elevation_deg):
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1)


def session(truth, azimuth, elevation, *, noise, step=0.0, units="counts", seed=1):
    """Session of a receiver with logarithmic response, on a grid."""
    az, el = np.meshgrid(azimuth, elevation)
    dots = np.clip(
        vectors(az.ravel(), el.ravel()) @ vectors(truth.azimuth, truth.elevation).T, -1.0, 1.0
    )
    u = 1.61633994 * np.sin(np.arccos(dots)) / np.sin(np.radians(truth.hpbw_deg / 2))
    gain = np.where(u > 1e-6, (2 * j1(np.maximum(u, 1e-6)) / np.maximum(u, 1e-6)) ** 2, 1.0)
    power = 1.0 + gain @ truth.power
    readings = truth.offset + truth.per_decade * np.log10(power)
    readings += np.random.default_rng(seed).normal(scale=noise, size=readings.shape)
    if step:
        readings = step * np.rint(readings / step)
    return session_from_points(az.ravel(), el.ravel(), readings, units=units)


def turned(azimuth_deg, elevation_deg, terms_deg):
    """Where a mount shows directions: tilted about north and east, then turned."""
    north, east, zero = terms_deg
    tilt = Rotation.from_rotvec(np.radians([north, east, 0.0]))
    v = tilt.apply(vectors(azimuth_deg, elevation_deg))
    azimuth = (np.degrees(np.arctan2(v[:, 1], v[:, 0])) + zero) % 360
    return azimuth, np.degrees(np.arcsin(v[:, 2]))
