"""Where values are asked for: a grid or a list of directions; and the session they become."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput
from skyscan_lab.grid import ScanGrid
from skyscan_lab.interpolation.samples import Samples, closes
from skyscan_lab.lattice import unroll_azimuth
from skyscan_lab.session import CHANNEL_DIMS, Flag, is_gridded, samples_of, session_from_points

Values = NDArray[np.float64]
Points = tuple[ArrayLike, ArrayLike]

# Samples all round leave no wider gap in azimuth than this many steps.
_ROUND_STEPS = 1.5


@dataclass(frozen=True)
class Targets:
    """Directions at which values are asked for.

    Attributes
    ----------
    azimuth, elevation : ndarray, shape (m,)
        Degrees; elevation-major for a grid.
    grid : ScanGrid or None
        The grid that they are, or None for a list.
    """

    azimuth: Values
    elevation: Values
    grid: ScanGrid | None = None

    @property
    def elevations(self) -> tuple[Values, NDArray[np.intp]]:
        """Distinct elevations, and which of them each target has."""
        if self.grid is None:
            return np.unique(self.elevation, return_inverse=True)
        rows, columns = self.grid.shape
        return self.grid.elevations, np.repeat(np.arange(rows), columns)

    @property
    def azimuths(self) -> tuple[Values, NDArray[np.intp]]:
        """Distinct azimuths, and which of them each target has."""
        if self.grid is None:
            return np.unique(self.azimuth, return_inverse=True)
        rows, columns = self.grid.shape
        return self.grid.azimuths, np.tile(np.arange(columns), rows)

    @classmethod
    def of_grid(cls, grid: ScanGrid) -> Targets:
        """Every cell of a grid."""
        elevation, azimuth = np.meshgrid(grid.elevations, grid.azimuths, indexing="ij")
        return cls(azimuth.ravel(), elevation.ravel(), grid)

    @classmethod
    def of_points(cls, points: Points) -> Targets:
        """A list of directions.

        Raises
        ------
        InvalidInput
            For anything but two rows of finite angles on the sky.
        """
        try:
            azimuth, elevation = (np.asarray(axis, dtype=float) for axis in points)
            azimuth, elevation = np.broadcast_arrays(np.atleast_1d(azimuth), elevation)
        except (TypeError, ValueError):
            raise InvalidInput("points", points, "a pair (az, el) of angles in degrees") from None
        if azimuth.ndim != 1 or not azimuth.size:
            raise InvalidInput("shape of points", azimuth.shape, "one row of directions")
        wrong = np.flatnonzero(~((np.abs(azimuth) <= 720.0) & (np.abs(elevation) <= 90.0)))
        if wrong.size:
            at = int(wrong[0])
            raise InvalidInput(
                f"points[{at}]",
                (float(azimuth[at]), float(elevation[at])),
                "an azimuth within [-720°, 720°] and an elevation within [-90°, 90°]",
            )
        return cls(azimuth.copy(), elevation.copy())

    def as_session(
        self, like: xr.Dataset, columns: dict[str, NDArray[np.float64]], method: str
    ) -> xr.Dataset:
        """Session of interpolated values.

        Parameters
        ----------
        like : Dataset
            The session that was interpolated.
        columns : dict of ndarray, shape channels + (m,)
            ``rssi``, ``rssi_error`` and what else the method has; NaN where there is no value.
        method : str
            Name of the method.
        """
        channels = [dim for dim in CHANNEL_DIMS if dim in like["rssi"].dims]
        units = like["rssi"].attrs["units"]
        base = session_from_points(
            self.azimuth,
            self.elevation,
            np.zeros(self.azimuth.size),
            units=units,
            grid=self.grid,
        )
        if self.grid is None:
            # A list stays the list that was asked for, also where it fills a lattice.
            base = samples_of(base)
        shape = base["rssi"].shape
        present = np.isfinite(columns["rssi"]).any(axis=tuple(range(len(channels))))
        present = present.reshape(shape)
        base["rssi_reads"][...] = 0
        base["sequence"][...] = np.where(present, np.arange(present.size).reshape(shape), -1)
        base["flag"][...] = np.where(present, Flag.MEASURED, Flag.NOT_VISITED)
        base = base.assign_coords({dim: like[dim] for dim in channels})
        dims = (*channels, *base["flag"].dims)
        columns |= {
            name: np.full_like(columns["rssi"], np.nan) for name in ("rssi_std", "rssi_last")
        }
        for name, values in columns.items():
            attributes = like[name].attrs if name in like else {"units": units} | _ATTRIBUTES[name]
            base[name] = (dims, values.reshape(*values.shape[:-1], *shape), attributes)
        note = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} interpolated: {method}"
        history = "\n".join(filter(None, [like.attrs.get("history", ""), note]))
        return base.assign_attrs({**like.attrs, "history": history, "interpolation": method})


_ATTRIBUTES = {
    "rssi_error": {"long_name": "standard error of rssi"},
    "reading_error": {"long_name": "standard error of rssi as a prediction of one more reading"},
    "weighting_scale": {
        "long_name": "width of the weights at half their height",
        "units": "degree",
    },
}


def grid_of_step(samples: Samples, step: float) -> ScanGrid:
    """Grid of a given step over what a session covers.

    Parameters
    ----------
    samples : Samples
        Where it was measured.
    step : float
        Degrees.

    Returns
    -------
    ScanGrid
        From the lowest to the highest azimuth and elevation; all round where the samples go all
        round.
    """
    ds = samples.session
    if is_gridded(ds):
        azimuths, elevations = ds["azimuth"].values, ds["elevation"].values
        full = closes(azimuths)
    else:
        azimuths, elevations = np.sort(unroll_azimuth(samples.azimuth)), samples.elevation
        gap = 360.0 - float(azimuths[-1] - azimuths[0])
        lowest = np.cos(np.radians(np.abs(elevations).min()))
        full = gap * lowest <= _ROUND_STEPS * samples.step_deg
    start = float(azimuths[0])
    end = start + 360.0 if full else float(azimuths[-1])
    turn = 360.0 * np.floor(start / 360.0)
    return ScanGrid(
        az=(start - turn, end - turn),
        el=(float(elevations.min()), float(elevations.max())),
        step=step,
    )
