"""The readings of a session as a fit needs them: flat, finite, with their noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import KDTree

from skyscan_lab.errors import SessionError
from skyscan_lab.forward.reading import Kind
from skyscan_lab.interference.neighbours import neighbour_graph
from skyscan_lab.interference.noise import noise_from_neighbours
from skyscan_lab.power import response_of
from skyscan_lab.session import CHANNEL_DIMS, directions_of, units_of, validate
from skyscan_lab.sphere import separation, unit_vector

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Samples:
    """Readings of a session of one channel.

    Attributes
    ----------
    azimuth_deg, elevation_deg : ndarray, shape (n,)
        What the dials showed; the nominal place where that was not recorded.
    readings : ndarray, shape (n,)
        In the session's units, all finite.
    noise : float
        Standard deviation of one, from the map itself.
    units : str
        Of the session.
    cells : ndarray of int, shape (n,)
        Where each lies in the raveled ``rssi``.
    spacing_deg : float
        Median distance of a sample to its nearest neighbour.
    """

    azimuth_deg: Floats
    elevation_deg: Floats
    readings: Floats
    noise: float
    units: str
    cells: NDArray[np.intp]
    spacing_deg: float

    @property
    def response_known(self) -> bool:
        """Whether the units say how the receiver responds."""
        return response_of(self.units) is not None

    @property
    def kind(self) -> Kind:
        """How the receiver is taken to respond: all that we know respond logarithmically."""
        return "logarithmic"

    def near(self, azimuth_deg: float, elevation_deg: float, radius_deg: float) -> Samples:
        """Those within an angle of a direction."""
        distance = separation(self.azimuth_deg, self.elevation_deg, azimuth_deg, elevation_deg)
        return self.take(distance <= radius_deg)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Samples:
        """Some of them, or all in another order."""
        return Samples(
            self.azimuth_deg[which],
            self.elevation_deg[which],
            self.readings[which],
            self.noise,
            self.units,
            self.cells[which],
            self.spacing_deg,
        )

    def as_map(self, values: Floats, ds: xr.Dataset) -> xr.DataArray:
        """Values of the samples where their readings lie in a session, NaN elsewhere."""
        rssi = ds["rssi"]
        flat = np.full(rssi.size, np.nan)
        flat[self.cells] = values
        return rssi.copy(data=flat.reshape(rssi.shape))


def samples_for_fit(ds: xr.Dataset) -> Samples:
    """Take the readings of a session.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.

    Raises
    ------
    SessionError
        For a Dataset that is not a session, one of several channels, or one with fewer than
        ten readings.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> az, el = np.meshgrid(np.arange(10.0, 15.0), np.arange(20.0, 25.0))
    >>> ds = session_from_points(az.ravel(), el.ravel(), az.ravel() - 90.0, units="dBm")
    >>> samples_for_fit(ds).readings.size
    25
    """
    validate(ds)
    channels = [dim for dim in CHANNEL_DIMS if dim in ds["rssi"].dims]
    if channels:
        raise SessionError("dims of rssi", ds["rssi"].dims, f"one channel: select by {channels}")
    azimuth, elevation = directions_of(ds)
    readings = ds["rssi"].values.ravel()
    noise = noise_from_neighbours(readings, neighbour_graph(ds, azimuth, elevation))
    cells = np.flatnonzero(np.isfinite(readings))
    if cells.size < _FEWEST:
        raise SessionError("readings", cells.size, f"at least {_FEWEST} to fit a model to")
    vectors = unit_vector(azimuth[cells], elevation[cells])
    chord = KDTree(vectors).query(vectors, k=2)[0][:, 1]
    return Samples(
        azimuth[cells],
        elevation[cells],
        readings[cells],
        noise if np.isfinite(noise) and noise > 0.0 else _LEAST_NOISE,
        units_of(ds),
        cells,
        float(np.degrees(np.median(chord))),
    )


_FEWEST = 10
_LEAST_NOISE = 1e-6
