"""Point-like sources of the simulated sky.

A source states the antenna temperature that it causes in the peak of the beam. Of the sources
outside the atmosphere, that is above the atmosphere: `skyscan_lab.simulation.sky` weakens
them by its opacity and hides them behind the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skyscan_lab.catalogs import body_direction, look_angles
from skyscan_lab.catalogs.solar_system import SUN_DIAMETER_DEG
from skyscan_lab.session import Location
from skyscan_lab.sphere import Angles, direction, offset, unit_vector

BOLTZMANN_J_K = 1.380649e-23
SOLAR_FLUX_UNIT = 1e-22
"""W m⁻² Hz⁻¹."""


class Source(Protocol):
    """Something in the sky that radiates."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def temperature_k(self) -> float:
        """Antenna temperature in the peak of the beam, kelvin."""

    @property
    def diameter_deg(self) -> float:
        """Diameter of its uniform disc; 0 for a point."""

    @property
    def in_space(self) -> bool:
        """Whether it lies behind atmosphere and horizon."""

    def direction(self, unix_s: NDArray[np.float64]) -> tuple[Angles, Angles]:
        """True azimuth and elevation, degrees, at times in seconds since 1970-01-01 UTC.

        Their shape broadcasts against that of the times.
        """


@dataclass(frozen=True)
class PointSource:
    """Fixed in azimuth and elevation: an emitter on the ground, or anything that stands still.

    Parameters
    ----------
    azimuth_deg, elevation_deg : float
        True direction.
    temperature_k : float
        Antenna temperature in the peak of the beam.
    name : str
        What it is called.
    """

    azimuth_deg: float
    elevation_deg: float
    temperature_k: float
    name: str = "emitter"
    diameter_deg: float = field(default=0.0, init=False)
    in_space: bool = field(default=False, init=False)

    def direction(self, unix_s: NDArray[np.float64]) -> tuple[Angles, Angles]:  # noqa: ARG002 (it stands still)
        """Its fixed direction, degrees."""
        return np.asarray(self.azimuth_deg), np.asarray(self.elevation_deg)


@dataclass(frozen=True)
class MovingSource:
    """On a great circle at a constant rate: an aircraft, or a satellite for some minutes.

    Parameters
    ----------
    azimuth_deg, elevation_deg : float
        True direction at `unix_s`.
    unix_s : float
        When it is there, seconds since 1970-01-01 UTC.
    position_angle_deg : float
        Which way it moves then, degrees from up to increasing azimuth.
    rate_deg_s : float
        How fast, degrees a second along the circle.
    temperature_k, name
        As for `PointSource`.
    """

    azimuth_deg: float
    elevation_deg: float
    unix_s: float
    position_angle_deg: float
    rate_deg_s: float
    temperature_k: float
    name: str = "moving emitter"
    diameter_deg: float = field(default=0.0, init=False)
    in_space: bool = field(default=False, init=False)

    def direction(self, unix_s: NDArray[np.float64]) -> tuple[Angles, Angles]:
        """Direction at times, degrees."""
        gone = self.rate_deg_s * (np.asarray(unix_s) - self.unix_s)
        return offset(self.azimuth_deg, self.elevation_deg, self.position_angle_deg, gone)


@dataclass(frozen=True)
class GeostationarySatellite:
    """On the geostationary arc, as seen from a site.

    Parameters
    ----------
    longitude_deg : float
        Longitude of its slot, degrees east.
    temperature_k : float
        Antenna temperature in the peak of the beam, above the atmosphere.
    location : Location
        The site.
    name : str
        What it is called.
    """

    longitude_deg: float
    temperature_k: float
    location: Location
    name: str = "satellite"
    diameter_deg: float = field(default=0.0, init=False)
    in_space: bool = field(default=True, init=False)

    def direction(self, unix_s: NDArray[np.float64]) -> tuple[Angles, Angles]:  # noqa: ARG002 (it stands still)
        """Its fixed direction, degrees."""
        return self._direction

    @cached_property
    def _direction(self) -> tuple[Angles, Angles]:
        azimuth, elevation, _ = look_angles(self.longitude_deg, self.location)
        return azimuth, elevation


@dataclass(frozen=True)
class Sun:
    """The Sun: a disc that follows the ephemeris.

    Parameters
    ----------
    temperature_k : float
        Antenna temperature that it would cause in the peak of the beam if it were a point, above
        the atmosphere; `temperature_of_flux` makes it from a flux density.
    location : Location
        The site.
    diameter_deg : float
        Its diameter at the observing frequency; the optical one by default.
    """

    temperature_k: float
    location: Location
    diameter_deg: float = SUN_DIAMETER_DEG
    name: str = field(default="Sun", init=False)
    in_space: bool = field(default=True, init=False)

    def direction(self, unix_s: NDArray[np.float64]) -> tuple[Angles, Angles]:
        """Direction at times, degrees.

        Interpolated to 0.1″ between directions of the ephemeris that stand ten minutes apart
        on the clock, wherever the times asked for lie: an ephemeris for each reading would
        cost more than all the rest of a station.
        """
        times = np.asarray(unix_s, dtype=float)
        node = np.floor(times / _NODE_S).astype(np.int64)
        fraction = (times / _NODE_S - node)[..., np.newaxis]
        vectors = _sun_vectors(self.location, node[..., np.newaxis] + np.arange(-1, 3))
        return direction(np.einsum("...k,...kc->...c", _cubic(fraction), vectors))


def temperature_of_flux(flux_w_m2_hz: float, effective_area_m2: float) -> float:
    """Antenna temperature, K, of an unpolarized point source: ``S A / 2k``.

    Parameters
    ----------
    flux_w_m2_hz : float
        Flux density in both polarizations, W m⁻² Hz⁻¹.
    effective_area_m2 : float
        Effective area of the antenna, which takes one polarization.

    Examples
    --------
    >>> quiet_sun_at_11_ghz = 370 * SOLAR_FLUX_UNIT
    >>> round(temperature_of_flux(quiet_sun_at_11_ghz, effective_area_m2=0.07))
    94
    """
    return flux_w_m2_hz * effective_area_m2 / (2.0 * BOLTZMANN_J_K)


_NODE_S = 600.0
_NODES_A_CHUNK = 36


def _cubic(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lagrange weights of the nodes −1, 0, 1, 2 at a place between 0 and 1."""
    s = fraction
    return np.concatenate(
        [
            -s * (s - 1.0) * (s - 2.0) / 6.0,
            (s * s - 1.0) * (s - 2.0) / 2.0,
            -s * (s + 1.0) * (s - 2.0) / 2.0,
            s * (s * s - 1.0) / 6.0,
        ],
        axis=-1,
    )


def _sun_vectors(location: Location, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
    vectors = np.empty((*nodes.shape, 3))
    chunks = nodes // _NODES_A_CHUNK
    for chunk in np.unique(chunks):
        here = chunks == chunk
        vectors[here] = _sun_chunk(location, int(chunk))[nodes[here] % _NODES_A_CHUNK]
    return vectors


@lru_cache(maxsize=64)
def _sun_chunk(location: Location, chunk: int) -> NDArray[np.float64]:
    times = (chunk * _NODES_A_CHUNK + np.arange(_NODES_A_CHUNK)) * _NODE_S
    return unit_vector(*body_direction("sun", times, location))
