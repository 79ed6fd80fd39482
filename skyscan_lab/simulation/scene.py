"""What the antenna receives: sources and sky, through the mount and the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.mount import Mount
from skyscan_lab.simulation.dish import Dish
from skyscan_lab.simulation.sky import DiffuseSky
from skyscan_lab.simulation.sources import Source
from skyscan_lab.sphere import from_plane, to_plane

# A uniform disc as its centre and a ring (Radon's rule of seven points): exact for a beam that
# is a polynomial of degree five across the disc, which it is unless it is about as narrow.
_RING = np.arange(6) * (np.pi / 3.0)
_DISC = np.sqrt(2.0 / 3.0) * np.array([[0.0, *np.sin(_RING)], [0.0, *np.cos(_RING)]])
_DISC_SHARES = np.array([1 / 4, *[1 / 8] * 6])


@dataclass(frozen=True)
class Scene:
    """Sources and sky as one antenna sees them.

    Parameters
    ----------
    sources : tuple of Source
        Everything point-like.
    sky : DiffuseSky
        Everything else.
    dish : Dish
        The antenna.
    mount : Mount
        How it was set up.
    """

    sources: tuple[Source, ...] = ()
    sky: DiffuseSky = DiffuseSky()
    dish: Dish = Dish()
    mount: Mount = Mount()

    def antenna_k(
        self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike, unix_s: ArrayLike
    ) -> NDArray[np.float64]:
        """Antenna temperature during runs of readings.

        Parameters
        ----------
        azimuth_deg, elevation_deg, unix_s : array_like, shape (..., n)
            Where the axes of the mount truly stand in the middle of each reading, degrees, and
            when that is, seconds since 1970-01-01 UTC. A run lies along the last axis: over it
            the diffuse sky, which changes from degree to degree only, goes straight from that
            of the first reading to that of the last.

        Returns
        -------
        ndarray, shape (..., n)
            Kelvin.
        """
        azimuth, elevation = np.asarray(azimuth_deg), np.asarray(elevation_deg)
        ends = self.diffuse_k(azimuth[..., [0, -1]], elevation[..., [0, -1]])
        along = np.linspace(0.0, 1.0, azimuth.shape[-1])
        diffuse = ends[..., :1] * (1.0 - along) + ends[..., 1:] * along
        return np.asarray(diffuse + self.sources_k(azimuth, elevation, unix_s))

    def diffuse_k(self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> NDArray[np.float64]:
        """Antenna temperature of sky and ground.

        Parameters
        ----------
        azimuth_deg, elevation_deg : array_like
            Where the axes of the mount truly stand, degrees.

        Returns
        -------
        ndarray
            Kelvin.
        """
        return self.dish.diffuse_k(self.sky, *self.mount.to_sky(azimuth_deg, elevation_deg))

    def sources_k(
        self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike, unix_s: ArrayLike
    ) -> NDArray[np.float64]:
        """Antenna temperature of all sources.

        Parameters
        ----------
        azimuth_deg, elevation_deg : array_like
            Where the axes of the mount truly stand, degrees.
        unix_s : array_like
            When, seconds since 1970-01-01 UTC.

        Returns
        -------
        ndarray
            Kelvin.
        """
        azimuth, elevation, times = np.broadcast_arrays(
            np.asarray(azimuth_deg, dtype=float),
            np.asarray(elevation_deg, dtype=float),
            np.asarray(unix_s, dtype=float),
        )
        beam = self.mount.beam(azimuth, elevation)
        total = np.zeros(azimuth.shape)
        # Sources that stand still go through the mount once, the others at every time; each
        # kind in one pass, with its points along the first axis.
        points = [self._points(source, times) for source in self.sources]
        for shape in dict.fromkeys(kelvin.shape[1:] for _, _, kelvin in points):
            alike = [parts for parts in points if parts[2].shape[1:] == shape]
            source_azimuth, source_elevation, kelvin = map(np.concatenate, zip(*alike, strict=True))
            in_frame = self.mount.to_frame(source_azimuth, source_elevation)
            gain = self.dish.gain(*to_plane(*in_frame, *beam, projection="arc"))
            total += (kelvin * gain).sum(axis=0)
        return total

    def _points(
        self, source: Source, times: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """True directions of a source's points, degrees, and what arrives from each, kelvin.

        Their shape is (points,) + that of the times, or of one time for what stands still.
        """
        azimuth, elevation = source.direction(times)
        shape = np.shape(azimuth) or (1,) * times.ndim
        azimuth, elevation = (angle.reshape(1, *shape) for angle in (azimuth, elevation))
        kelvin = np.full(azimuth.shape, source.temperature_k)
        if source.diameter_deg:
            along = (-1, *[1] * len(shape))
            cross, up = (axis.reshape(along) * source.diameter_deg / 2.0 for axis in _DISC)
            azimuth, elevation = from_plane(cross, up, azimuth, elevation, projection="arc")
            kelvin = kelvin * _DISC_SHARES.reshape(along)
        if source.in_space:
            kelvin = kelvin * self.sky.transmission(elevation)
            kelvin = kelvin * self.sky.open_share(azimuth, elevation)
        return azimuth, elevation, kelvin
