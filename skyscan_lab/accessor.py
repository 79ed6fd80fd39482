"""``ds.sky``: the one door from a session to science, files and plots.

Importing this module registers the door with xarray. ``import skyscan_lab as sky`` does so by
itself, as soon as a name is used that makes or loads a session.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr
from astropy.table import QTable
from matplotlib.figure import Figure

from skyscan_lab.antenna import AntennaPattern
from skyscan_lab.baseline import Baseline, baseline
from skyscan_lab.catalogs.opening import CatalogLike
from skyscan_lab.interpolation import interpolate
from skyscan_lab.io import (
    FitsExport,
    write_csv,
    write_fits,
    write_healpix,
    write_json,
    write_netcdf,
)
from skyscan_lab.plotting.maps import plot_map
from skyscan_lab.session import validate
from skyscan_lab.solving.find_sources import find_sources
from skyscan_lab.solving.fit_pattern import Model, fit_pattern
from skyscan_lab.solving.pattern_fit import PatternFit
from skyscan_lab.solving.solution import Solution
from skyscan_lab.solving.solve import solve


@xr.register_dataset_accessor("sky")  # type: ignore[no-untyped-call]  # xarray has no types for it
class SkyAccessor:
    """What can be done with a session.

    Parameters
    ----------
    ds : Dataset
        A session.

    Raises
    ------
    SessionError
        For a Dataset that is not a session.

    Examples
    --------
    >>> import tempfile
    >>> from skyscan_lab.io import load_session
    >>> from skyscan_lab.session import session_from_points
    >>> ds = session_from_points([1, 2], [20, 20], [500, 510], units="counts")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_session(ds.sky.to_netcdf(Path(folder) / "session.nc")).identical(ds)
    True
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = validate(ds)

    def plot(self, **options: Any) -> Figure:
        """Draw a map; options as for `skyscan_lab.plotting.maps.plot_map`."""
        return plot_map(self._ds, **options)

    def baseline(self, **options: Any) -> Baseline:
        """Level of the empty sky and the horizon; see `skyscan_lab.baseline.baseline`."""
        return baseline(self._ds, **options)

    def interpolate(self, **options: Any) -> xr.Dataset:
        """Values between the samples; see `skyscan_lab.interpolation.interpolate`."""
        return interpolate(self._ds, **options)

    def fit_pattern(
        self, model: Model = "blocked airy", near: tuple[float, float] | None = None, **options: Any
    ) -> PatternFit:
        """Pattern of the antenna; see `skyscan_lab.solving.fit_pattern.fit_pattern`."""
        return fit_pattern(self._ds, model, near, **options)

    def find_sources(
        self,
        pattern: AntennaPattern | None = None,
        false_alarm: float = 0.01,
        threshold: float | None = None,
        **options: Any,
    ) -> QTable:
        """What radiates in the map; see `skyscan_lab.solving.find_sources.find_sources`."""
        return find_sources(self._ds, pattern, false_alarm, threshold, **options)

    def solve(self, catalog: CatalogLike, **options: Any) -> Solution:
        """Mount, beam, response and sources at once; see `skyscan_lab.solving.solve.solve`."""
        return solve(self._ds, catalog, **options)

    def to_netcdf(self, path: str | Path) -> Path:
        """Write NetCDF, bit for bit; see `skyscan_lab.io.write_netcdf`."""
        return write_netcdf(self._ds, path)

    def to_fits(self, path: str | Path, **options: Any) -> FitsExport:
        """Write a FITS map and the session in tables; see `skyscan_lab.io.write_fits`."""
        return write_fits(self._ds, path, **options)

    def to_healpix(self, path: str | Path, **options: Any) -> Path:
        """Write a HEALPix FITS map; see `skyscan_lab.io.write_healpix`."""
        return write_healpix(self._ds, path, **options)

    def to_csv(self, path: str | Path) -> Path:
        """Write CSV; see `skyscan_lab.io.write_csv`."""
        return write_csv(self._ds, path)

    def to_json(self, path: str | Path) -> Path:
        """Write the Sky Scan API's JSON; see `skyscan_lab.io.write_json`."""
        return write_json(self._ds, path)
