"""Background along scans: what drifts slowly under sources and interference.

It is a quadratic spline with two knots a scale along each scan, about as stiff as the local
quadratics of Martin et al. [1]_. They reject the highest readings until the rest looks normal; here
nothing is thrown away, and half of a scan may be under something: see
`skyscan_lab.contamination`.

References
----------
.. [1] J. R. Martin et al., "Skynet algorithm for single-dish radio mapping I", ApJS 240, 12
   (2019), 3.3.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from skyscan_lab.contamination import fit_contaminated
from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.session import is_gridded, samples_of, validate
from skyscan_lab.session.scans import distance_along, scans_of

Values = NDArray[np.float64]

_KNOTS_A_SCALE = 2.0
_DEGREE = 2


def subtract_background(ds: xr.Dataset, hpbw_deg: float, scale: float = 12.0) -> xr.Dataset:
    """Subtract the background from each scan of a session.

    Parameters
    ----------
    ds : Dataset
        A session of one channel, gridded or on the fly; scans are lines along which it was
        measured.
    hpbw_deg : float
        Width of the beam at half power, degrees.
    scale : float
        Shortest scale on which the background may bend, in beam widths, 3 or more; features
        broader than it are background too.

    Returns
    -------
    Dataset
        The session with `rssi` and `rssi_last` less their background, and two more variables,
        ``background`` and ``background_error``, in the same units. The attributes
        ``background_noise`` and ``background_contaminated`` are the standard deviation of a reading
        and the share of the readings that have something on top.

    Raises
    ------
    InvalidInput
        For a beam or a scale out of range.
    SessionError
        For a Dataset that is not a session of one channel.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> az, el = (axis.ravel() for axis in np.meshgrid(np.arange(0.0, 100), np.arange(30.0, 40)))
    >>> level = 400 + 0.2 * az + np.random.default_rng(1).normal(0, 1, az.size)
    >>> level[35:40] += 90
    >>> flat = subtract_background(session_from_points(az, el, level, units="counts"), 5.0)
    >>> flat.background.isel(elevation=0, azimuth=[0, 50]).round(0).values
    array([400., 410.])
    """
    if not 0.0 < hpbw_deg <= 90.0:
        raise InvalidInput("hpbw_deg", hpbw_deg, "within (0°, 90°]")
    if not 3.0 <= scale < np.inf:
        raise InvalidInput("scale", scale, "finite and at least 3 beam widths")
    validate(ds)
    if ds["rssi"].ndim != ds["flag"].ndim:
        raise SessionError("dims of rssi", ds["rssi"].dims, "one channel")
    flat = samples_of(ds)
    azimuth, elevation = flat["azimuth_measured"].values, flat["elevation_measured"].values
    readings = flat["rssi"].values
    scans = [scan for scan in scans_of(ds) if scan.size]
    bases = [
        _basis(distance_along(azimuth[scan], elevation[scan]), scale * hpbw_deg) for scan in scans
    ]
    background, error = np.empty(readings.size), np.empty(readings.size)
    fits, errors, state = fit_contaminated([readings[scan] for scan in scans], bases)
    for scan, fit, spread in zip(scans, fits, errors, strict=True):
        background[scan], error[scan] = fit, spread
    result = ds.copy()
    for name, values, words in (
        ("background", background, "background along the scan"),
        ("background_error", error, "standard error of background"),
    ):
        attributes = {"long_name": words, "units": ds["rssi"].attrs["units"]}
        result[name] = (ds["flag"].dims, _placed(ds, flat, values), attributes)
    for name in ("rssi", "rssi_last"):
        result[name] = (ds[name] - result["background"]).assign_attrs(ds[name].attrs)
    return validate(
        result.assign_attrs(
            background_noise=state.noise,
            background_contaminated=float(state.shares.sum()),
            background_scale_deg=scale * hpbw_deg,
        )
    )


def _placed(ds: xr.Dataset, flat: xr.Dataset, values: Values) -> Values:
    """Values of samples in the cells of their session, by the order of measurement."""
    placed = np.full(ds["flag"].shape, np.nan)
    sequence = ds["sequence"].values
    order = np.argsort(sequence, axis=None)
    at = order[np.searchsorted(sequence.ravel()[order], flat["sequence"].values)]
    placed.flat[at] = values
    return placed if is_gridded(ds) else placed.reshape(ds["flag"].shape)


def _basis(way: Values, scale_deg: float) -> Values:
    """Splines at the places of a scan, shape (n, k)."""
    if way.size <= _DEGREE or way[-1] <= 0.0:
        return np.ones((way.size, 1))
    pieces = max(int(np.ceil(_KNOTS_A_SCALE * way[-1] / scale_deg)), 1)
    lines = np.linspace(way[0], way[-1], pieces + 1)
    knots = np.concatenate([lines[:1].repeat(_DEGREE), lines, lines[-1:].repeat(_DEGREE)])
    return np.asarray(BSpline.design_matrix(way, knots, _DEGREE).toarray())
