"""The session: one sky scan as an xarray Dataset.

A gridded session has the dims ``(elevation, azimuth)``, both increasing, in degrees: the
*nominal* grid. A free-form session (on the fly, adaptive, a spiral) keeps its samples along
``sample``. Receivers with channels add the leading dims ``frequency`` and ``polarization`` to
the readings. `SCHEMA` is the one table of what a session holds; everything else here builds
or checks a Dataset against it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from astropy.coordinates import EarthLocation
from astropy.time import Time
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.lattice import Lattice, find_lattice, nearest
from skyscan_lab.power import Domain, Units, check_units
from skyscan_lab.sphere import azimuth_difference

CONVENTIONS = "CF-1.11"
SCHEMA_VERSION = 1


class Flag(IntEnum):
    """Why a cell is missing, or that it is not."""

    MEASURED = 0
    NOT_VISITED = 1
    READING_FAILED = 2
    OUT_OF_LIMITS = 3
    NOT_IN_RECORDING = 4
    REJECTED = 5


@dataclass(frozen=True)
class Variable:
    """One row of the schema.

    Attributes
    ----------
    name : str
        Name in the Dataset.
    dtype : str
        Its type.
    missing : object
        What stands in a cell that was not measured.
    long_name : str
        What it is, in words.
    units : str or None
        Units; ``"session"`` for those of the session, None for none.
    standard_name : str or None
        CF standard name, where there is one.
    channels : bool
        Whether the dims ``frequency`` and ``polarization`` may lead.
    """

    name: str
    dtype: str
    missing: Any
    long_name: str
    units: str | None = None
    standard_name: str | None = None
    channels: bool = False


_NAN = float("nan")
_NAT = np.datetime64("NaT", "ns")
_AZIMUTH = "sensor_to_target_azimuth_angle"
_ELEVATION = "sensor_to_target_elevation_angle"

SCHEMA: tuple[Variable, ...] = (
    Variable("rssi", "float64", _NAN, "received signal strength", "session", channels=True),
    Variable(
        "rssi_std",
        "float64",
        _NAN,
        "standard deviation of the readings averaged into rssi",
        "session",
        channels=True,
    ),
    Variable("rssi_reads", "int32", 0, "number of readings averaged into rssi", "1"),
    Variable("rssi_last", "float64", _NAN, "last reading at the point", "session", channels=True),
    Variable(
        "azimuth_measured", "float64", _NAN, "azimuth where the rotor was", "degree", _AZIMUTH
    ),
    Variable(
        "elevation_measured", "float64", _NAN, "elevation where the rotor was", "degree", _ELEVATION
    ),
    Variable("time", "datetime64[ns]", _NAT, "time of measurement, UTC", None, "time"),
    Variable("sequence", "int32", -1, "order of measurement; -1 where not measured"),
    Variable("flag", "int8", int(Flag.NOT_VISITED), "why a cell is missing", None, "status_flag"),
)
"""Every variable of a session, in the order in which it is written."""

AXES: tuple[Variable, ...] = (
    Variable("elevation", "float64", None, "nominal elevation", "degree", _ELEVATION),
    Variable("azimuth", "float64", None, "nominal azimuth", "degree", _AZIMUTH),
    Variable("frequency", "float64", None, "channel centre frequency", "Hz", "radiation_frequency"),
    Variable("polarization", "str", None, "polarization of the channel"),
)
"""Coordinates of the dims that have any."""

GRID_DIMS = ("elevation", "azimuth")
SAMPLE_DIMS = ("sample",)
CHANNEL_DIMS = ("frequency", "polarization")

_AXIS = {row.name: row for row in AXES}
_ROW = {row.name: row for row in SCHEMA}


@dataclass(frozen=True)
class Location:
    """Where a session was measured, on WGS-84.

    Attributes
    ----------
    latitude_deg, longitude_deg : float
        Geodetic, degrees; longitude east of Greenwich.
    height_m : float
        Above the ellipsoid, metres.
    """

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0

    def __post_init__(self) -> None:
        if not -90.0 <= self.latitude_deg <= 90.0:
            raise InvalidInput("latitude_deg", self.latitude_deg, "within [-90, 90]")
        if not -180.0 <= self.longitude_deg <= 360.0:
            raise InvalidInput("longitude_deg", self.longitude_deg, "within [-180, 360]")
        if not np.isfinite(self.height_m):
            raise InvalidInput("height_m", self.height_m, "finite")

    def to_earth_location(self) -> EarthLocation:
        """As astropy's EarthLocation."""
        return EarthLocation.from_geodetic(self.longitude_deg, self.latitude_deg, self.height_m)


LocationLike: TypeAlias = (
    Location | EarthLocation | tuple[float, float] | tuple[float, float, float]
)
"""A `Location`, an astropy EarthLocation, or (latitude, longitude[, height]) in deg, deg, m."""


def as_location(location: LocationLike) -> Location:
    """Make a `Location` of anything that says where a site is.

    Examples
    --------
    >>> as_location((47.37, 8.54))
    Location(latitude_deg=47.37, longitude_deg=8.54, height_m=0.0)
    """
    if isinstance(location, Location):
        return location
    if isinstance(location, EarthLocation):
        geodetic = location.geodetic
        return Location(
            float(geodetic.lat.deg), float(geodetic.lon.deg), float(geodetic.height.to_value("m"))
        )
    try:
        return Location(*(float(part) for part in location))
    except TypeError:
        raise InvalidInput(
            "location",
            location,
            "an EarthLocation or (latitude, longitude[, height]) in degrees and metres",
        ) from None


def empty_session(
    grid: ScanGrid,
    *,
    units: str,
    location: LocationLike | None = None,
    averaging: Domain | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Session of a grid with nothing measured yet.

    Parameters
    ----------
    grid : ScanGrid
        The nominal grid.
    units, location, averaging, attrs
        As for `session_from_points`.

    Returns
    -------
    Dataset
        Every cell missing, flagged `Flag.NOT_VISITED`.

    Examples
    --------
    >>> ds = empty_session(ScanGrid(az=(0, 4), el=(20, 22), step=1), units="dBm")
    >>> dict(ds.sizes), int(ds.rssi.count())
    ({'elevation': 3, 'azimuth': 5}, 0)
    """
    coords = {"elevation": grid.elevations, "azimuth": grid.azimuths}
    return _assemble({}, coords, _attributes(units, location, averaging, attrs))


def session_from_points(
    az: ArrayLike,
    el: ArrayLike,
    rssi: ArrayLike,
    time: Any = None,
    reads: ArrayLike | None = None,
    units: str = "dBm",
    location: LocationLike | None = None,
    *,
    std: ArrayLike | None = None,
    last: ArrayLike | None = None,
    grid: ScanGrid | None = None,
    averaging: Domain | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Session of points measured one after the other.

    Points that fill a lattice become a gridded session; others stay samples. Points are
    numbered in the order given.

    Parameters
    ----------
    az, el : array_like, shape (n,)
        Where the rotor was, degrees; azimuth on any turn.
    rssi : array_like, shape (n,)
        Signal strength in `units`; NaN where the reading failed.
    time : array_like, shape (n,), optional
        Time of each point, UTC: astropy Time, datetime64, datetime or ISO 8601 strings. Naive
        times are UTC.
    reads : array_like of int, shape (n,), optional
        Number of readings in each average; 1 by default.
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of `rssi`, `std` and `last`.
    location : EarthLocation or (latitude, longitude[, height]), optional
        Site, degrees and metres.
    std, last : array_like, shape (n,), optional
        Standard deviation of the readings of each point, and the last of them.
    grid : ScanGrid, optional
        The nominal grid, where it is known; otherwise it is found from the points.
    averaging : {"linear power", "native units, uncorrected"}, optional
        What the readings of a point were averaged over, where that is known.
    attrs : mapping, optional
        Further attributes: ``rotor``, ``receiver``, ``frequency_hz``, ``title``, ``source``…

    Returns
    -------
    Dataset
        A valid session.

    Raises
    ------
    InvalidInput
        For arrays of different length, directions that are not finite or not on the sky,
        unknown units, a point that is not on the given grid, or two points in one of its cells.

    Examples
    --------
    >>> ds = session_from_points([10, 11, 10, 11], [20, 20, 21, 21], [-90, -91, -89, -60.0])
    >>> ds.rssi.dims, float(ds.rssi.sel(azimuth=11, elevation=21)), ds.rssi.attrs["units"]
    (('elevation', 'azimuth'), -60.0, 'dBm')
    """
    azimuth, elevation = _column("az", az), _column("el", el, like=az)
    _check_directions(azimuth, elevation)
    strength = _column("rssi", rssi, like=az)
    measured = np.isfinite(strength)
    counts = np.ones(azimuth.size) if reads is None else _column("reads", reads, like=az)
    if not np.all(np.isfinite(counts) & (counts >= 0)):
        raise InvalidInput("reads", reads, "whole numbers of readings, 0 or more")
    columns: dict[str, NDArray[Any]] = {
        "rssi": strength,
        "rssi_std": _optional("std", std, like=az),
        "rssi_reads": np.where(measured, counts, 0).astype("int32"),
        "rssi_last": _optional("last", last, like=az),
        "azimuth_measured": azimuth,
        "elevation_measured": elevation,
        "time": _times(time, azimuth.size),
        "sequence": np.where(measured, np.arange(azimuth.size), -1).astype("int32"),
        "flag": np.where(measured, Flag.MEASURED, Flag.READING_FAILED).astype("int8"),
    }
    if last is None:
        columns["rssi_last"] = np.where(columns["rssi_reads"] == 1, strength, np.nan)
    attributes = _attributes(units, location, averaging, attrs)
    lattice = find_lattice(azimuth, elevation) if grid is None else _on_grid(grid, columns)
    if lattice is None:
        return _assemble(columns, {}, attributes)
    # Cells of a recording that no point fell into were not skipped by us: they are not in it.
    missing = Flag.NOT_IN_RECORDING if grid is None else Flag.NOT_VISITED
    shape = (lattice.elevations.size, lattice.azimuths.size)
    cells: dict[str, NDArray[Any]] = {}
    for row in SCHEMA:
        cells[row.name] = np.full(shape, row.missing, dtype=row.dtype)
        if row.name == "flag":
            cells[row.name][:] = missing
        cells[row.name][lattice.rows, lattice.columns] = columns[row.name]
    coords = {"elevation": lattice.elevations, "azimuth": lattice.azimuths}
    return _assemble(cells, coords, attributes)


def validate(ds: xr.Dataset) -> xr.Dataset:
    """Check that a Dataset is a session.

    Parameters
    ----------
    ds : Dataset
        Anything.

    Returns
    -------
    Dataset
        The same one.

    Raises
    ------
    SessionError
        Naming the first variable, dim or attribute that is not as `SCHEMA` says.

    Examples
    --------
    >>> ds = session_from_points([1.0], [20.0], [-90.0])
    >>> validate(ds) is ds
    True
    """
    base = GRID_DIMS if "elevation" in ds.dims or "azimuth" in ds.dims else SAMPLE_DIMS
    for row in SCHEMA:
        if row.name not in ds.variables:
            raise SessionError(row.name, sorted(map(str, ds.variables)), "a variable of a session")
        found = ds[row.name]
        if not row.channels or not set(found.dims) & set(CHANNEL_DIMS):
            allowed: tuple[Hashable, ...] = base
        else:
            allowed = (*(dim for dim in CHANNEL_DIMS if dim in found.dims), *base)
        if found.dims != allowed:
            raise SessionError(f"dims of {row.name}", found.dims, f"{allowed}")
        if found.dtype.kind != np.dtype(row.dtype).kind:
            raise SessionError(f"type of {row.name}", str(found.dtype), f"like {row.dtype}")
        if row.units == "session" and found.attrs.get("units") != ds["rssi"].attrs.get("units"):
            raise SessionError(
                f"units of {row.name}",
                found.attrs.get("units"),
                f"those of rssi ({ds['rssi'].attrs.get('units')})",
            )
    check_units(ds["rssi"].attrs.get("units", ""))
    for dim in ds.dims:
        if dim not in (*base, *CHANNEL_DIMS):
            raise SessionError("dim", dim, f"one of {(*base, *CHANNEL_DIMS)}")
        if dim in GRID_DIMS and (dim not in ds.coords or not _increasing(ds[dim].values)):
            raise SessionError(f"coordinate {dim}", dim, "present, finite and increasing")
    if base == GRID_DIMS and np.ptp(ds["azimuth"].values) >= 360.0:
        raise SessionError("span of azimuth", float(np.ptp(ds["azimuth"].values)), "below 360°")
    sequence = ds["sequence"].values
    used = sequence[sequence >= 0]
    if np.unique(used).size != used.size:
        raise SessionError("sequence", "a repeated number", "a number for each measured cell")
    return ds


def is_gridded(ds: xr.Dataset) -> bool:
    """Whether a session lies on a grid (True) or along ``sample``."""
    return set(GRID_DIMS) <= set(ds.dims)


def units_of(ds: xr.Dataset) -> Units:
    """Units of a session's readings."""
    return check_units(str(ds["rssi"].attrs.get("units", "")))


def location_of(ds: xr.Dataset) -> Location | None:
    """Site of a session, where it is recorded."""
    if "site_latitude_deg" not in ds.attrs or "site_longitude_deg" not in ds.attrs:
        return None
    return Location(
        float(ds.attrs["site_latitude_deg"]),
        float(ds.attrs["site_longitude_deg"]),
        float(ds.attrs.get("site_height_m", 0.0)),
    )


def samples_of(ds: xr.Dataset) -> xr.Dataset:
    """What was measured, along ``sample``, in the order of measurement.

    Parameters
    ----------
    ds : Dataset
        A session, gridded or not.

    Returns
    -------
    Dataset
        A free-form session of the measured points only.

    Examples
    --------
    >>> ds = session_from_points([11, 10, 11, 10], [20, 20, 21, 21], [4.0, 3, 2, 1], units="dB")
    >>> samples_of(ds).azimuth_measured.values
    array([11., 10., 11., 10.])
    """
    flat = ds
    if is_gridded(ds):
        flat = ds.stack(sample=GRID_DIMS).reset_index("sample", drop=True)
        flat = flat.drop_vars(GRID_DIMS, errors="ignore").transpose(..., "sample")
    taken = np.flatnonzero(flat["sequence"].values >= 0)
    return flat.isel(sample=taken[np.argsort(flat["sequence"].values[taken], kind="stable")])


def _assemble(
    values: Mapping[str, NDArray[Any]],
    coords: Mapping[str, NDArray[Any]],
    attributes: dict[str, Any],
) -> xr.Dataset:
    units = attributes.pop("units")
    base = GRID_DIMS if coords else SAMPLE_DIMS
    shape = tuple(axis.size for axis in coords.values())
    variables: dict[str, Any] = {}
    for row in SCHEMA:
        data = values.get(row.name)
        if data is None:
            data = np.full(shape, row.missing, dtype=row.dtype)
        variables[row.name] = (base, data, variable_attributes(row, units))
    axes = {
        name: (name, axis, variable_attributes(_AXIS[name], units)) for name, axis in coords.items()
    }
    return validate(xr.Dataset(variables, axes, attributes))


def variable_attributes(row: Variable, units: str) -> dict[str, Any]:
    """CF attributes of one variable of a session in given units."""
    attributes: dict[str, Any] = {"long_name": row.long_name}
    if row.standard_name:
        attributes["standard_name"] = row.standard_name
    if row.units:
        attributes["units"] = units if row.units == "session" else row.units
    if row.name == "flag":
        attributes["flag_values"] = np.array([int(flag) for flag in Flag], dtype="int8")
        attributes["flag_meanings"] = " ".join(flag.name.lower() for flag in Flag)
    return attributes


def _attributes(
    units: str,
    location: LocationLike | None,
    averaging: Domain | None,
    attrs: Mapping[str, Any] | None,
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "Conventions": CONVENTIONS,
        "title": "Sky scan",
        "source": f"skyscan-lab {_version()}",
        "skyscan_schema": SCHEMA_VERSION,
        "averaging": averaging or "unknown",
        "units": check_units(units),
    }
    if location is not None:
        site = as_location(location)
        attributes |= {
            "site_latitude_deg": site.latitude_deg,
            "site_longitude_deg": site.longitude_deg,
            "site_height_m": site.height_m,
        }
    extra = {key: value for key, value in (attrs or {}).items() if value is not None}
    if "units" in extra:
        raise InvalidInput("attrs", "units", "given as the argument units")
    attributes |= extra
    attributes.setdefault("history", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} created")
    return attributes


def _version() -> str:
    try:
        return version("skyscan-lab")
    except PackageNotFoundError:  # used from a source tree that is not installed
        return "(not installed)"


def _column(field: str, values: ArrayLike, like: ArrayLike | None = None) -> NDArray[np.float64]:
    try:
        column = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InvalidInput(field, values, "numbers") from None
    if column.ndim != 1:
        raise InvalidInput(f"shape of {field}", column.shape, "one value a point")
    if like is not None and column.size != np.size(like):
        raise InvalidInput(f"length of {field}", column.size, f"as many as az ({np.size(like)})")
    return column


def _optional(field: str, values: ArrayLike | None, like: ArrayLike) -> NDArray[np.float64]:
    return np.full(np.size(like), np.nan) if values is None else _column(field, values, like)


def _check_directions(azimuth: NDArray[np.float64], elevation: NDArray[np.float64]) -> None:
    for field, values in (("az", azimuth), ("el", elevation)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InvalidInput(f"{field}[{bad[0]}]", float(values[bad[0]]), "a finite angle")
    for field, values, low, high in (("az", azimuth, -720, 720), ("el", elevation, -90, 90)):
        bad = np.flatnonzero((values < low) | (values > high))
        if bad.size:
            raise InvalidInput(
                f"{field}[{bad[0]}]", float(values[bad[0]]), f"within [{low}°, {high}°]"
            )


def _times(time: Any, count: int) -> NDArray[np.datetime64]:
    if time is None:
        return np.full(count, _NAT, dtype="datetime64[ns]")
    if isinstance(time, Time):
        time = np.asarray(time.utc.datetime64)
    if not isinstance(time, np.ndarray) or time.dtype.kind != "M":
        time = np.array([_utc(moment) for moment in np.atleast_1d(np.asarray(time, dtype=object))])
    times = np.asarray(time, dtype="datetime64[ns]")
    if times.shape != (count,):
        raise InvalidInput("length of time", times.size, f"as many as az ({count})")
    return times


def _utc(moment: Any) -> np.datetime64[Any]:
    if moment is None:
        return _NAT
    if isinstance(moment, np.datetime64):
        return np.asarray(moment, dtype="datetime64[ns]")[()]
    try:
        parsed = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    except ValueError:
        raise InvalidInput("time", moment, "an ISO 8601 time") from None
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(parsed, "ns")


def _on_grid(grid: ScanGrid, columns: Mapping[str, NDArray[Any]]) -> Lattice:
    azimuth, elevation = columns["azimuth_measured"], columns["elevation_measured"]
    middle = (grid.azimuths[0] + grid.azimuths[-1]) / 2.0
    turned = middle + azimuth_difference(azimuth, middle)
    if grid.full_circle:
        # The last half step before the start belongs to the first column.
        turned = np.where(turned > grid.azimuths[-1] + grid.step / 2.0, turned - 360.0, turned)
    column, row = nearest(grid.azimuths, turned), nearest(grid.elevations, elevation)
    distance = np.maximum(
        np.abs(turned - grid.azimuths[column]), np.abs(elevation - grid.elevations[row])
    )
    off = np.flatnonzero(distance > grid.step / 2.0)
    if off.size:
        raise InvalidInput(
            f"point {off[0]}",
            (float(azimuth[off[0]]), float(elevation[off[0]])),
            f"within half a step ({grid.step / 2.0}°) of a point of the grid",
        )
    cell = row * grid.azimuths.size + column
    first = np.unique(cell, return_index=True)[1]
    if first.size != cell.size:
        again = int(np.setdiff1d(np.arange(cell.size), first)[0])
        raise InvalidInput(
            f"point {again}",
            (float(azimuth[again]), float(elevation[again])),
            "the only point in its cell; leave out grid to keep them as samples",
        )
    return Lattice(grid.azimuths, grid.elevations, column, row)


def _increasing(axis: NDArray[Any]) -> bool:
    return bool(np.all(np.isfinite(axis)) and np.all(np.diff(axis) > 0))
