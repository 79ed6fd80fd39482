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

# A uniform disc as its centre and two rings of equal weight a node. The radii give the disc's
# second and fourth moments: exact for a beam that is a polynomial of degree five across it.
_DISC = np.concatenate(
    [
        [[0.0, 0.0]],
        [
            [radius * np.sin(angle), radius * np.cos(angle)]
            for radius, count in ((0.3806409524265093, 6), (0.8480701028420862, 12))
            for angle in np.arange(count) * (2.0 * np.pi / count)
        ],
    ]
)


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
    sky: DiffuseSky = DiffuseSky()  # noqa: RUF009 (immutable)
    dish: Dish = Dish()  # noqa: RUF009 (immutable)
    mount: Mount = Mount()  # noqa: RUF009 (immutable)

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
        for source in self.sources:
            total += self._source_k(source, beam, times)
        return total

    def _source_k(
        self,
        source: Source,
        beam: tuple[NDArray[np.float64], NDArray[np.float64]],
        times: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        azimuth, elevation = source.direction(times)
        if not source.diameter_deg:
            return source.temperature_k * self._share(source, (azimuth, elevation), beam)
        nodes = _DISC.T * source.diameter_deg / 2.0
        cross, up = nodes.reshape(2, -1, *[1] * times.ndim)
        over_disc = from_plane(cross, up, azimuth, elevation, projection="arc")
        return np.asarray(source.temperature_k * self._share(source, over_disc, beam).mean(axis=0))

    def _share(
        self,
        source: Source,
        true: tuple[NDArray[np.float64], NDArray[np.float64]],
        beam: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Gain towards a true direction, with what comes through from space."""
        offsets = to_plane(*self.mount.to_frame(*true), *beam, projection="arc")
        gain = self.dish.gain(*offsets)
        if source.in_space:
            gain = gain * self.sky.transmission(true[1]) * self.sky.open_share(*true)
        return np.asarray(gain)
