"""Emitters on the ground, from bearings taken at two sites or more.

The place is the most probable one under Gaussian errors of the bearings, on WGS-84. Where a
bearing contradicts the others (a reflection, another emitter), it is left out, if the rest
can say so: a bearing is tested against the place that all the others give. Where the likelihood
is no ellipse, as when the bearings are almost parallel, the geometry is called weak.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import astropy.units as u
import numpy as np
from astropy.coordinates import EarthLocation
from astropy.table import QTable
from numpy.typing import NDArray
from scipy.stats import chi2 as chi2_distribution

from skyscan_lab.errors import InvalidInput
from skyscan_lab.interference.ellipses import direction_covariance
from skyscan_lab.interference.sightlines import (
    Place,
    Sightlines,
    Terrain,
    crossings,
    height_at,
    most_probable,
)
from skyscan_lab.sphere import offset

# Of so many places computed from good bearings, one loses a bearing.
_FALSE_REJECTION = 1e-3
# Whoever is left out must be worse than anybody else by this in χ²: odds of 20.
_CLEARLY = 6.0
# On the ellipse the likelihood may differ by this from what an ellipse has.
_MOST_BENT = 0.3
_ELLIPSE = float(chi2_distribution.ppf(0.95, 2))
# Of the robust start; Cauchy's tail.
_TAIL_SIGMA = 2.5
_MOST_PAIRS = 300
_STARTS = 3
_STEPS_OF_A_DOUBT = 15
_RANGES_DEG = (0.01, 0.1, 1.0)


@dataclass
class _Fix:
    """What the bearings of one emitter say."""

    kept: NDArray[np.bool_]
    status: str = "ok"
    reason: str = ""
    place: Place | None = None
    height_m: float = np.nan
    covariance: NDArray[np.float64] = field(default_factory=lambda: np.full((2, 2), np.nan))
    chi2: float = np.nan
    dof: int = 0


def triangulate(bearings: QTable, terrain: Terrain = 0.0) -> QTable:
    """Locate emitters on the ground from bearings.

    Parameters
    ----------
    bearings : QTable
        One a row: ``site`` (EarthLocation), or ``latitude``, ``longitude`` and perhaps
        ``height``; ``azimuth``; ``elevation`` where it was measured, else NaN or no such
        column; and its error: ``covariance``, shape (n, 2, 2) in square degrees on
        cross-elevation and elevation, or (n,) of the azimuth alone; or ``azimuth_error`` and
        ``elevation_error``. With a column ``emitter`` each of its values is located by itself.
        Numbers without a unit are degrees and metres.
    terrain : float or callable
        Height of the ground above the ellipsoid, metres, or a function that takes latitude
        and longitude in degrees and returns it.

    Returns
    -------
    QTable
        One row an emitter: ``emitter``; ``latitude``, ``longitude``, ``height``;
        ``covariance`` on (east, north) in square metres; ``semi_major`` and ``semi_minor``
        axis of the 95 % ellipse in metres, and the ``position_angle`` of the major one from
        north to east; ``chi2`` and ``dof`` of the fit; ``bearings`` used and ``rejected``;
        ``status`` and ``reason``. ``meta["rejected"]`` has the rows that were left out.

        The status is ``"ok"``; ``"weak"``, where the geometry does not hold the place: the
        ellipse is then not to be believed; ``"inconsistent"``, where bearings contradict
        each other and it cannot be told which is wrong; or ``"failed"``, without a place.

    Raises
    ------
    InvalidInput
        For a table that does not hold bearings.

    Examples
    --------
    >>> bearings = QTable({"latitude": [47.0, 47.0, 47.2], "longitude": [8.0, 8.4, 8.0],
    ...     "azimuth": [53.8, 306.3, 126.2], "azimuth_error": [0.5, 0.5, 0.5]})
    >>> found = triangulate(bearings)
    >>> found["latitude"].round(2)[0], found["longitude"].round(2)[0], str(found["status"][0])
    (<Quantity 47.1 deg>, <Quantity 8.2 deg>, 'ok')
    """
    lines = _sightlines(bearings)
    if "emitter" in bearings.colnames:
        names, group = np.unique(np.asarray(bearings["emitter"]), return_inverse=True)
    else:
        names, group = np.array([0]), np.zeros(len(bearings), dtype=int)
    fixes, rejected = [], []
    for number in range(len(names)):
        rows = np.flatnonzero(group == number)
        fix = _locate(lines.only(group == number), terrain)
        rejected += rows[~fix.kept].tolist()
        fixes.append(fix)
    return _table(names, fixes, rejected)


def _locate(lines: Sightlines, terrain: Terrain) -> _Fix:
    everyone = np.ones(len(lines), dtype=bool)
    if lines.sites < 2:
        return _Fix(everyone, "failed", "bearings from one site only")
    start = _robust_start(lines, terrain)
    fix = _without_outliers(lines, start, terrain)
    if fix.status != "ok":
        return fix
    return _judged(lines, fix, terrain)


def _robust_start(lines: Sightlines, terrain: Terrain) -> Place:
    """Most probable place under errors with long tails, from where the bearings cross."""
    starts = crossings(lines, _MOST_PAIRS)
    if not starts:  # no two cross ahead of them: somewhere along each
        starts = [
            Place(*_ahead(lines, row, distance))
            for row in range(len(lines))
            for distance in _RANGES_DEG
        ]
    costs = [np.minimum(lines.chi2(place, terrain), _TAIL_SIGMA**2 * 4).sum() for place in starts]
    best = [starts[row] for row in np.argsort(costs, kind="stable")[:_STARTS]]
    found = [most_probable(lines, place, terrain, tail=_TAIL_SIGMA) for place in best]
    return min(found, key=lambda each: each[2])[0]


def _ahead(lines: Sightlines, row: int, distance_deg: float) -> tuple[float, float]:
    """Latitude and longitude at a distance along a bearing, on a round Earth."""
    longitude, latitude = offset(
        lines.longitude_deg[row], lines.latitude_deg[row], lines.azimuth_deg[row], distance_deg
    )
    return float(latitude), (float(longitude) + 180.0) % 360.0 - 180.0


def _without_outliers(lines: Sightlines, start: Place, terrain: Terrain) -> _Fix:
    """Leave out what contradicts the rest, beginning with what is far from the robust place."""
    limit = chi2_distribution.isf(_FALSE_REJECTION / len(lines), lines.measured)
    kept = lines.chi2(start, terrain) < 2.0 * limit
    for _ in range(2 * len(lines)):
        if _spare(lines, kept) < 0 or lines.only(kept).sites < 2:
            return _contradicting(lines, start, terrain)
        place, information, _ = most_probable(lines.only(kept), start, terrain)
        against = _against_the_rest(lines, kept, place, information, terrain)
        good = against < limit
        if (good == kept).all():
            break
        # One at a time: who is left out changes what the rest says about the next.
        worst = int(np.argmax(np.where(good == kept, -np.inf, np.abs(against - limit))))
        kept = kept.copy()
        kept[worst] = good[worst]
    else:
        return _contradicting(lines, start, terrain)
    cost = float(lines.only(kept).chi2(place, terrain).sum())
    spare = _spare(lines, kept)
    fix = _Fix(kept, place=place, chi2=cost, dof=spare)
    fix.height_m = height_at(terrain, place)
    fix.covariance = _inverse(information)
    if spare > 0 and chi2_distribution.sf(cost, spare) < _FALSE_REJECTION:
        fix.status, fix.reason = "inconsistent", "the bearings miss each other by more than errors"
    if not kept.all():
        return _clearly_told(lines, fix, terrain)
    return fix


def _spare(lines: Sightlines, kept: NDArray[np.bool_]) -> int:
    """How many numbers were measured beyond the two that are sought."""
    return int(lines.measured[kept].sum()) - 2


def _against_the_rest(
    lines: Sightlines,
    kept: NDArray[np.bool_],
    place: Place,
    information: NDArray[np.float64],
    terrain: Terrain,
) -> NDArray[np.float64]:
    """χ² of each bearing against the place that the others alone give."""
    residual, slope = lines.compare(place, terrain)
    against = np.zeros(len(lines))
    for row in range(len(lines)):
        own = slope[row].T @ slope[row]
        others = information - own if kept[row] else information
        covariance = _inverse(others)
        if not np.isfinite(covariance).all():
            continue  # nobody else says anything: it cannot be contradicted
        shift = -covariance @ slope[row].T @ residual[row] if kept[row] else np.zeros(2)
        miss = residual[row] - slope[row] @ shift
        spread = np.eye(2) + slope[row] @ covariance @ slope[row].T
        against[row] = float(miss @ np.linalg.solve(spread, miss))
    return against


def _clearly_told(lines: Sightlines, fix: _Fix, terrain: Terrain) -> _Fix:
    """Whether another choice of who is wrong would do as well."""
    assert fix.place is not None  # noqa: S101 (it was just found)
    for out in np.flatnonzero(~fix.kept):
        for other in np.flatnonzero(fix.kept):
            swapped = fix.kept.copy()
            swapped[out], swapped[other] = True, False
            part = lines.only(swapped)
            if part.sites < 2:
                continue
            starts = [fix.place, *crossings(part, _MOST_PAIRS)]
            start = min(starts, key=lambda place: float(part.chi2(place, terrain).sum()))
            _, _, cost = most_probable(part, start, terrain, steps=_STEPS_OF_A_DOUBT)
            if cost < fix.chi2 + _CLEARLY or _spare(lines, swapped) <= 0:
                return _Fix(
                    np.ones(len(lines), dtype=bool),
                    "inconsistent",
                    f"it cannot be told whether bearing {out} or {other} is wrong",
                    fix.place,
                    fix.height_m,
                    fix.covariance,
                    fix.chi2,
                    fix.dof,
                )
    return fix


def _contradicting(lines: Sightlines, start: Place, terrain: Terrain) -> _Fix:
    """Too few agree on anything: all of them, with their misfit."""
    place, information, cost = most_probable(lines, start, terrain)
    everyone = np.ones(len(lines), dtype=bool)
    return _Fix(
        everyone,
        "inconsistent",
        "too few bearings agree to say which are wrong",
        place,
        height_at(terrain, place),
        _inverse(information),
        cost,
        _spare(lines, everyone),
    )


def _judged(lines: Sightlines, fix: _Fix, terrain: Terrain) -> _Fix:
    """Say so where the place is not held: off the line of sight, or no ellipse."""
    assert fix.place is not None  # noqa: S101 (it was just found)
    lines = lines.only(fix.kept)
    if not lines.reach(fix.place):
        fix.status, fix.reason = "weak", "the bearings part: they cross nowhere ahead"
        return fix
    if not np.isfinite(fix.covariance).all():
        fix.status, fix.reason = "weak", "the bearings are parallel"
        return fix
    values, axes = np.linalg.eigh(fix.covariance)
    angles = np.arange(8) * np.pi / 4.0
    circle = np.stack([np.cos(angles), np.sin(angles)])
    edge = axes @ (np.sqrt(values * _ELLIPSE)[:, None] * circle)
    rise = np.array(
        [
            lines.chi2(fix.place.moved(north, east, fix.height_m), terrain).sum() - fix.chi2
            for north, east in edge.T
        ]
    )
    bent = float(np.abs(rise / _ELLIPSE - 1.0).max())
    if bent > _MOST_BENT:
        fix.status = "weak"
        fix.reason = f"the likelihood is no ellipse: off by {bent:.0%} on that of 95 %"
    return fix


def _inverse(information: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance, NaN where the information does not hold the place in every direction."""
    values = np.linalg.eigvalsh(information)
    if not (values[1] > 0.0 and values[0] > 1e-12 * values[1]):
        return np.full((2, 2), np.nan)
    return np.asarray(np.linalg.inv(information))


def _sightlines(bearings: QTable) -> Sightlines:
    columns, count = set(bearings.colnames), len(bearings)
    if "azimuth" not in columns:
        raise InvalidInput("columns of the bearings", bearings.colnames, "with azimuth")
    azimuth = _numbers(bearings, "azimuth", u.deg)
    elevation = np.full(count, np.nan)
    if "elevation" in columns:
        elevation = _numbers(bearings, "elevation", u.deg)
    wrong = np.flatnonzero(~np.isfinite(azimuth) | (np.abs(elevation) > 90.0))
    if wrong.size:
        raise InvalidInput(
            f"bearing {wrong[0]}", (azimuth[wrong[0]], elevation[wrong[0]]), "directions in degrees"
        )
    latitude, longitude, height = _sites(bearings)
    return Sightlines(
        latitude, longitude, height, azimuth, elevation, _covariance(bearings, elevation)
    )


def _sites(bearings: QTable) -> tuple[NDArray[np.float64], ...]:
    columns = set(bearings.colnames)
    if "site" in columns and isinstance(bearings["site"], EarthLocation):
        longitude, latitude, height = bearings["site"].to_geodetic("WGS84")
        return latitude.deg, longitude.deg, height.to_value(u.m)
    if not {"latitude", "longitude"} <= columns:
        raise InvalidInput(
            "columns of the bearings",
            bearings.colnames,
            "with site (EarthLocation), or latitude and longitude",
        )
    latitude, longitude = (_numbers(bearings, axis, u.deg) for axis in ("latitude", "longitude"))
    height = np.zeros(len(bearings))
    if "height" in columns:
        height = _numbers(bearings, "height", u.m)
    wrong = np.flatnonzero(~(np.abs(latitude) <= 90.0) | ~np.isfinite(longitude + height))
    if wrong.size:
        raise InvalidInput(f"latitude of bearing {wrong[0]}", latitude[wrong[0]], "a site on Earth")
    return latitude, longitude, height


def _covariance(bearings: QTable, elevation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each bearing; where there is no elevation, the rest of the matrix stands in for it."""
    known = np.isfinite(elevation)
    table = QTable({"elevation": np.where(known, elevation, 0.0) * u.deg})
    columns = set(bearings.colnames)
    if "covariance" in columns:
        given = u.Quantity(bearings["covariance"])
        values = np.asarray(given.value if given.unit == "" else given.to_value(u.deg**2))
        if values.shape == (len(bearings),) and not known.any():
            values = values[:, None, None] * np.eye(2)
        values = np.array(values, dtype=float)
        if values.shape == (len(bearings), 2, 2):
            values[~known] = values[~known, :1, :1] * np.eye(2)
        table["covariance"] = values
    elif "azimuth_error" in columns:
        azimuth_error = _numbers(bearings, "azimuth_error", u.deg)
        table["azimuth_error"] = azimuth_error
        table["elevation_error"] = azimuth_error
        if "elevation_error" in columns:
            given_error = _numbers(bearings, "elevation_error", u.deg)
            table["elevation_error"] = np.where(known, given_error, azimuth_error)
        elif known.any():
            raise InvalidInput("columns of the bearings", bearings.colnames, "with elevation_error")
    return direction_covariance(table)


def _numbers(table: QTable, column: str, unit: u.UnitBase) -> NDArray[np.float64]:
    values = u.Quantity(table[column])
    if values.unit == u.dimensionless_unscaled:
        return np.asarray(values.value, dtype=float)
    return np.asarray(values.to_value(unit), dtype=float)


def _table(names: NDArray[np.generic], fixes: list[_Fix], rejected: list[int]) -> QTable:
    # From (north, east), in which places are moved, to (east, north), in which maps are drawn.
    covariance = np.array([fix.covariance[::-1, ::-1] for fix in fixes])
    held = np.isfinite(covariance).all(axis=(1, 2))
    values, axes = np.linalg.eigh(np.where(held[:, None, None], covariance, np.eye(2)))
    half = np.where(held[:, None], np.sqrt(_ELLIPSE * values), np.nan)
    angle = np.degrees(np.arctan2(axes[:, 0, 1], axes[:, 1, 1])) % 180.0
    places = [fix.place or Place(np.nan, np.nan) for fix in fixes]
    return QTable(
        {
            "emitter": names,
            "latitude": [place.latitude_deg for place in places] * u.deg,
            "longitude": [place.longitude_deg for place in places] * u.deg,
            "height": [fix.height_m for fix in fixes] * u.m,
            "covariance": covariance * u.m**2,
            "semi_major": half[:, 1] * u.m,
            "semi_minor": half[:, 0] * u.m,
            "position_angle": np.where(held, angle, np.nan) * u.deg,
            "chi2": [fix.chi2 for fix in fixes],
            "dof": [fix.dof for fix in fixes],
            "bearings": [int(fix.kept.sum()) for fix in fixes],
            "rejected": [int((~fix.kept).sum()) for fix in fixes],
            "status": [fix.status for fix in fixes],
            "reason": [fix.reason for fix in fixes],
        },
        meta={"rejected": rejected},
    )
