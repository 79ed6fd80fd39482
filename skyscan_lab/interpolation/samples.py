"""What a session gives to an interpolation: directions, readings, and how well they are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.interpolation.triangles import SkyTriangles
from skyscan_lab.power import Units
from skyscan_lab.session import is_gridded, samples_of, units_of
from skyscan_lab.sphere import azimuth_difference, unit_vector

Values = NDArray[np.float64]

# Directions this close are one: no encoder tells them apart, and no interpolation may.
_SAME = 1e-8
# Directions that were not measured but asked for are nominal ones to the last digits.
_NOMINAL_DEG = 1e-6
# A circle is closed when the gap at its ends is the step, up to the rounding of the axis.
_CLOSING_STEPS = 1.01
_EVEN = 1e-6


@dataclass(frozen=True)
class Ring:
    """A grid that goes all round in even steps, and where on it the samples lie.

    Attributes
    ----------
    elevations : ndarray, shape (rows,)
        Degrees.
    start_deg, columns : float, int
        The first azimuth and how many there are; the step is ``360 / columns``.
    row, column : ndarray of int, shape (n,)
        Cell of each sample.
    """

    elevations: Values
    start_deg: float
    columns: int
    row: NDArray[np.intp]
    column: NDArray[np.intp]


@dataclass(frozen=True)
class Samples:
    """Readings of one channel, each direction once.

    Attributes
    ----------
    azimuth, elevation : ndarray, shape (n,)
        Degrees; where the rotor was, the nominal place where that was not recorded.
    values : ndarray, shape (n,)
        Finite, in the units of the session.
    units : {"dBm", "dBFS", "dB", "counts"}
        Those.
    session : Dataset
        The session of one channel from which they are.
    """

    azimuth: Values
    elevation: Values
    values: Values
    units: Units
    session: xr.Dataset

    @classmethod
    def of(cls, ds: xr.Dataset) -> Samples:
        """Samples of a session of one channel.

        Raises
        ------
        InvalidInput
            For a session without a single reading.
        """
        flat = samples_of(ds)
        azimuth, elevation = flat["azimuth_measured"].values, flat["elevation_measured"].values
        known = np.isfinite(azimuth) & np.isfinite(elevation)
        if not known.any():
            raise InvalidInput("readings of the session", 0, "at least 1")
        azimuth, elevation = azimuth[known], elevation[known]
        values = flat["rssi"].values[known]
        cell = np.rint(unit_vector(azimuth, elevation) / _SAME)
        first, inverse, count = np.unique(
            cell, axis=0, return_index=True, return_inverse=True, return_counts=True
        )[1:]
        if first.size < azimuth.size:
            # Several readings of one direction are averaged as they are: what a reading is in
            # power is known of some units only.
            mean = np.bincount(inverse.reshape(-1), weights=values) / count
            order = np.argsort(first)
            azimuth, elevation, values = azimuth[first[order]], elevation[first[order]], mean[order]
        return cls(azimuth, elevation, values, units_of(ds), ds)

    @cached_property
    def vectors(self) -> Values:
        """Unit vectors, shape (n, 3)."""
        return unit_vector(self.azimuth, self.elevation)

    @cached_property
    def triangles(self) -> SkyTriangles:
        """Delaunay triangles of the samples."""
        return SkyTriangles(self.azimuth, self.elevation)

    @cached_property
    def step_deg(self) -> float:
        """Distance between neighbouring lines of samples, the wider one: the gap to be bridged."""
        if is_gridded(self.session):
            spacing = [np.diff(self.session[axis].values) for axis in ("azimuth", "elevation")]
            steps = [float(np.median(step)) for step in spacing if step.size]
            if steps:
                return max(steps)
        return self.triangles.typical_edge_deg

    @cached_property
    def rounding(self) -> float:
        """Step to which the readings were rounded, in their units; 0 where there is none."""
        distinct = np.unique(self.values)
        if distinct.size < 2:
            return 0.0
        step = float(np.diff(distinct).min())
        multiples = (distinct - distinct[0]) / step
        whole = np.abs(multiples - np.rint(multiples)).max() < _EVEN * max(multiples[-1], 1.0)
        return step if whole and multiples[-1] < 1e6 else 0.0

    @cached_property
    def measured_variance(self) -> float:
        """Variance of a value that the readings themselves tell; 0 where they tell nothing.

        The scatter of the readings of a point over their number, pooled over the points, and the
        variance of a rounding error.
        """
        flat = samples_of(self.session)
        with np.errstate(divide="ignore", invalid="ignore"):
            of_mean = flat["rssi_std"].values ** 2 / flat["rssi_reads"].values
        of_mean = of_mean[np.isfinite(of_mean)]
        # The median of the points: a source that flickers is not the noise of the receiver.
        scatter = float(np.median(of_mean)) if of_mean.size else 0.0
        return scatter + self.rounding**2 / 12.0

    @cached_property
    def ring(self) -> Ring | None:
        """The full circle that the samples lie on, or None."""
        ds = self.session
        if not is_gridded(ds) or ds.sizes["azimuth"] < 3:
            return None
        azimuths, elevations = ds["azimuth"].values, ds["elevation"].values
        columns = azimuths.size
        step = 360.0 / columns
        if np.abs(azimuths - azimuths[0] - step * np.arange(columns)).max() > _NOMINAL_DEG:
            return None
        column = np.rint(azimuth_difference(self.azimuth, azimuths[0]) / step).astype(np.intp)
        column %= columns
        row = np.abs(self.elevation[:, None] - elevations).argmin(axis=1)
        off = np.abs(azimuth_difference(self.azimuth, azimuths[column]))
        if max(off.max(), np.abs(self.elevation - elevations[row]).max()) > _NOMINAL_DEG:
            return None
        if np.cos(np.radians(elevations)).min() * step < _NOMINAL_DEG:
            return None  # the zenith is one direction, and no row of them
        return Ring(elevations, float(azimuths[0]), columns, row, column)


def closes(azimuths: Values) -> bool:
    """Whether an axis of azimuth goes all round, so that its end is beside its start."""
    if azimuths.size < 3:
        return False
    gap = 360.0 - float(azimuths[-1] - azimuths[0])
    return bool(gap <= _CLOSING_STEPS * np.diff(azimuths).max())
