"""The level of the empty sky in a session, and where the ground is in the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from skyscan_lab.baseline.tipping import TippingCurve, tipping_curve
from skyscan_lab.baseline.y_factor import YFactor
from skyscan_lab.contamination import fit_contaminated
from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.power import LogResponse, response_of
from skyscan_lab.session import is_gridded, units_of, validate
from skyscan_lab.sphere import wrap_azimuth

Values = NDArray[np.float64]

_GROUP_DEG = 1.0
_SECTOR_DEG = 5.0
_FEWEST_READINGS = 5
# Ground stands above the sky by so many σ of a reading.
_GROUND_SIGMA = 5.0


@dataclass(frozen=True)
class Baseline:
    """The empty sky of a session.

    Attributes
    ----------
    tipping : TippingCurve
        Sky against airmass: opacity and receiver temperature.
    sky : DataArray
        Level of the empty sky at each cell or sample, in the units of the session.
    ground : DataArray of bool
        Where the ground is in the beam: from the lowest reading of an azimuth up, without a gap,
        the sky is outshone.
    horizon : DataArray
        Lowest elevation at which the sky is seen, degrees, against ``azimuth``; NaN where already
        the lowest reading sees it.
    noise : float
        Standard deviation of a reading about the sky, in the units of the session.
    contaminated : float
        Share of the readings with something on top: sources, interference, ground.
    """

    tipping: TippingCurve
    sky: xr.DataArray
    ground: xr.DataArray
    horizon: xr.DataArray
    noise: float
    contaminated: float


def baseline(
    ds: xr.Dataset,
    *,
    response: LogResponse | None = None,
    calibration: YFactor | None = None,
    atmosphere_k: float = 270.0,
    background_k: float = 2.725,
) -> Baseline:
    """Level of the empty sky against elevation; robust to sources, which only add to it.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.
    response : LogResponse, optional
        How power becomes a reading; needed for counts.
    calibration : YFactor, optional
        Scale of the receiver: without it opacity and receiver temperature can be told only where
        the atmosphere is thick.
    atmosphere_k, background_k : float
        As for `tipping_curve`.

    Returns
    -------
    Baseline
        What was found.

    Raises
    ------
    SessionError
        For a Dataset that is not a session of one channel.
    InvalidInput
        For counts without a response, or readings at fewer than four elevations.
    """
    validate(ds)
    if ds["rssi"].ndim != ds["flag"].ndim:
        raise SessionError("dims of rssi", ds["rssi"].dims, "one channel")
    known = response or response_of(units_of(ds))
    if known is None:
        raise InvalidInput("response", None, "given for counts: LogResponse(offset, per_decade)")
    readings = ds["rssi"].values
    azimuth, elevation = _directions(ds)
    finite = np.isfinite(readings)
    # Powers relative to the median, so that their size does not matter to the fits.
    middle = float(np.median(readings[finite])) if finite.any() else 0.0
    unit = float(known.to_power(middle))
    power = known.to_power(np.where(finite, readings, middle)) / unit
    groups = _groups(ds, elevation, finite)
    if len(groups) < 4:
        raise InvalidInput("elevations with readings", len(groups), "at least 4")
    levels, errors, state = fit_contaminated(
        [power.ravel()[group] for group in groups], [np.ones((group.size, 1)) for group in groups]
    )
    at = np.array([elevation.ravel()[group].mean() for group in groups])
    tipping = tipping_curve(
        at,
        unit * np.array([level[0] for level in levels]),
        unit * np.array([error[0] for error in errors]),
        calibration=calibration,
        atmosphere_k=atmosphere_k,
        background_k=background_k,
    )
    model = tipping.power(elevation) / unit
    outshone = finite & (power - model > _GROUND_SIGMA * state.noise)
    ground, edges, azimuths = _ground(ds, azimuth, elevation, finite, outshone)
    dims, units = ds["flag"].dims, ds["rssi"].attrs["units"]
    sky = known.to_reading(model * unit)
    coords = {dim: ds[dim] for dim in dims if dim in ds.coords}
    return Baseline(
        tipping=tipping,
        sky=xr.DataArray(sky, coords, dims, "sky", {"long_name": "empty sky", "units": units}),
        ground=xr.DataArray(ground, coords, dims, "ground", {"long_name": "ground in the beam"}),
        horizon=xr.DataArray(
            edges,
            {"azimuth": azimuths},
            "azimuth",
            "horizon",
            {"long_name": "lowest elevation that sees the sky", "units": "degree"},
        ),
        noise=state.noise * known.per_decade / float(np.log(10.0)),
        contaminated=float(state.shares.sum()),
    )


def _directions(ds: xr.Dataset) -> tuple[Values, Values]:
    azimuth, elevation = ds["azimuth_measured"].values, ds["elevation_measured"].values
    if not is_gridded(ds):
        return azimuth, np.nan_to_num(elevation)
    azimuth = np.where(np.isfinite(azimuth), azimuth, ds["azimuth"].values)
    return azimuth, np.where(np.isfinite(elevation), elevation, ds["elevation"].values[:, None])


def _groups(ds: xr.Dataset, elevation: Values, finite: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Readings of like elevation, in the order of azimuth or of measurement."""
    if is_gridded(ds):
        kind = np.broadcast_to(np.arange(len(elevation))[:, None], elevation.shape)
    else:
        kind = np.floor(elevation / _GROUP_DEG).astype(np.intp)
    used = np.where(finite, kind, -1000).ravel()
    found = [np.flatnonzero(used == k) for k in np.unique(used) if k > -1000]
    return [group for group in found if group.size >= _FEWEST_READINGS]


def _ground(
    ds: xr.Dataset,
    azimuth: Values,
    elevation: Values,
    finite: NDArray[np.bool_],
    outshone: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], Values, Values]:
    """Where the ground is, the horizon, and the azimuths of the horizon."""
    if is_gridded(ds):
        azimuths = ds["azimuth"].values
        sector = np.broadcast_to(np.arange(azimuths.size), elevation.shape).ravel()
    else:
        sector = np.floor(wrap_azimuth(azimuth) / _SECTOR_DEG).astype(np.intp)
        azimuths = (np.arange(int(360 / _SECTOR_DEG)) + 0.5) * _SECTOR_DEG
    ground = np.zeros(elevation.size, dtype=bool)
    edges = np.full(azimuths.size, np.nan)
    height = elevation.ravel()
    for column in range(azimuths.size):
        cells = np.flatnonzero((sector == column) & finite.ravel())
        cells = cells[np.argsort(height[cells], kind="stable")]
        if not cells.size or not outshone.ravel()[cells[0]]:
            continue
        clear = np.flatnonzero(~outshone.ravel()[cells])
        first = int(clear[0]) if clear.size else cells.size
        ground[cells[:first]] = True
        edges[column] = height[cells[first]] if clear.size else 90.0
    return ground.reshape(elevation.shape), edges, azimuths
