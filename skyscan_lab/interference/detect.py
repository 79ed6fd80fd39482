"""Sources as the local maxima of a map."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import xarray as xr
from astropy.table import Column, QTable

from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.interference.neighbours import neighbour_graph
from skyscan_lab.interference.noise import noise_from_neighbours
from skyscan_lab.interference.prominence import peak_prominences
from skyscan_lab.interference.refine import refine_maximum
from skyscan_lab.session import CHANNEL_DIMS, directions_of, units_of, validate


def local_maxima(
    ds: xr.Dataset, threshold_sigma: float = 5.0, prominence: float | None = None
) -> QTable:
    """Local maxima of a map that stand out from its noise.

    A maximum counts when it is `threshold_sigma` above the background, the median of the map,
    and rises by `prominence` above the saddle that joins it to a higher one. Each is refined
    by a paraboloid through it and its neighbours on the tangent plane, which in a logarithmic
    receiver is the exact shape of a Gaussian beam. A sidelobe is a local maximum too: nothing
    here knows the antenna.

    Parameters
    ----------
    ds : Dataset
        A session of one channel, gridded or free-form. On a full circle the map closes on
        itself; missing cells are neither maxima nor walls between them.
    threshold_sigma : float
        Least height above the background, in standard deviations of a reading; 0 or more.
    prominence : float, optional
        Least prominence in the session's units, greater than 0; by default
        ``threshold_sigma`` standard deviations.

    Returns
    -------
    QTable
        ``azimuth`` (within [0, 360)) and ``elevation`` in degrees, ``power`` and
        ``prominence`` in the session's units, ``snr`` (height above the background over the
        noise), ``at_edge`` (no readings on one side of it: the source may lie beyond).
        Strongest first. ``meta`` holds ``units``, ``background`` and ``noise``.

    Raises
    ------
    SessionError
        For a Dataset that is not a session, or one of several channels.
    InvalidInput
        For a threshold or prominence out of range.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> az, el = np.meshgrid(np.arange(20.0, 31.0), np.arange(40.0, 51.0))
    >>> level = np.rint(400 + 60 * np.exp(-((az - 25) ** 2 + (el - 44) ** 2) / 4))
    >>> ds = session_from_points(az.ravel(), el.ravel(), level.ravel(), units="counts")
    >>> table = local_maxima(ds)
    >>> table["azimuth"].round(1), table["elevation"].round(1), table["power"].data
    (<Quantity [25.] deg>, <Quantity [44.] deg>, array([460.]))
    """
    if not (np.isfinite(threshold_sigma) and threshold_sigma >= 0.0):
        raise InvalidInput("threshold_sigma", threshold_sigma, "finite and 0 or more")
    if prominence is not None and not (np.isfinite(prominence) and prominence > 0.0):
        raise InvalidInput("prominence", prominence, "finite and greater than 0")
    validate(ds)
    channels = [dim for dim in CHANNEL_DIMS if dim in ds["rssi"].dims]
    if channels:
        raise SessionError("dims of rssi", ds["rssi"].dims, f"one channel: select by {channels}")

    azimuth, elevation = directions_of(ds)
    power = ds["rssi"].values.ravel()
    graph = neighbour_graph(ds, azimuth, elevation)
    noise = noise_from_neighbours(power, graph)
    finite = power[np.isfinite(power)]
    background = float(np.median(finite)) if finite.size else float("nan")
    rows = []
    # A map without noise is constant, or too small to have an inside: neither has maxima.
    if np.isfinite(noise) and noise > 0.0:
        least_rise = threshold_sigma * noise if prominence is None else prominence
        for cells, rise in peak_prominences(power, graph):
            height = float(power[cells[0]])
            if height - background < threshold_sigma * noise or rise < least_rise:
                continue
            around = np.union1d(cells, graph[cells].indices)
            around = around[np.isfinite(power[around])]
            az, el, edge = refine_maximum(
                azimuth[around], elevation[around], power[around], np.isin(around, cells)
            )
            rows.append((az, el, height, rise, (height - background) / noise, edge))
    return _table(rows, ds, background, noise)


def _table(
    rows: list[tuple[float, float, float, float, float, bool]],
    ds: xr.Dataset,
    background: float,
    noise: float,
) -> QTable:
    azimuth, elevation, power, rise, snr, edge = zip(*rows, strict=True) if rows else [()] * 6
    units = units_of(ds)
    return QTable(
        [
            np.array(azimuth, dtype=float) * u.deg,
            np.array(elevation, dtype=float) * u.deg,
            # dBm is no astropy unit that a table can average or write: numbers, described.
            Column(power, dtype=float, description=units),
            Column(rise, dtype=float, description=units),
            Column(snr, dtype=float),
            Column(edge, dtype=bool),
        ],
        names=["azimuth", "elevation", "power", "prominence", "snr", "at_edge"],
        meta={"units": units, "background": background, "noise": noise},
    )
