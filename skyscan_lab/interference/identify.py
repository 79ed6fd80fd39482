"""Name the sources of a map from a catalogue, with the odds of each name.

A map's sources are taken for a mixture: of the listed objects above the horizon a fraction
is seen, each where the catalogue has it, give or take the error of the source; the others
are not listed, and lie anywhere with equal density. By Bayes' rule the odds that source i is
object j, against that it is not listed, are the likelihood ratio [1]_ [2]_ ::

    q N(offset of i from j; covariance of i) / ((1 − q) λ)

with q the fraction of the listed objects that is seen, and λ the density of unlisted sources.
An object explains one source at most, and a source is one object at most: the probabilities
are summed over all the ways to pair them. Where q and λ are not given, they are found from the
map itself, and what it leaves open about them is averaged over.

References
----------
.. [1] W. Sutherland and W. Saunders, "On the likelihood ratio for source identification",
   MNRAS 259, 413 (1992), eqs. 1-5.
.. [2] T. Budavári and A. S. Szalay, "Probabilistic cross-identification of astronomical
   sources", ApJ 679, 301 (2008): the same ratio as a Bayes factor, and its prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import astropy.units as u
import numpy as np
from astropy.table import QTable
from numpy.typing import ArrayLike, NDArray

from skyscan_lab.catalogs import Catalog, CatalogLike, Refraction, TimeLike, as_catalog, as_time
from skyscan_lab.errors import InvalidInput
from skyscan_lab.interference.ellipses import direction_covariance
from skyscan_lab.interference.matchings import pair_probabilities
from skyscan_lab.session import LocationLike
from skyscan_lab.sphere import Angles, separation, to_plane

UNIDENTIFIED = "unidentified"
"""The answer where no listed object is more probable than none."""

Region: TypeAlias = tuple[tuple[float, float], tuple[float, float]]
"""Bounds of azimuth and of elevation, degrees."""

_SKY: Region = ((0.0, 360.0), (0.0, 90.0))
# Odds below this add nothing to a probability that anybody reads.
_NEGLIGIBLE = 1e-9
_ROUNDS = 200
# Of what the names would say about the prior odds, how much may be missing.
_MOST_MISSING = 0.8
# An object that has moved by more σ than this between two sources can be both.
_MOVED_SIGMA = 5.0


@dataclass(frozen=True)
class _Pairs:
    """Every source against every object that is in the region."""

    names: NDArray[np.str_]
    apart_deg: NDArray[np.float64]
    log_density: NDArray[np.float64]
    probability: NDArray[np.float64]
    fraction: float
    density: float


def identify(
    sources: QTable,
    catalog: CatalogLike,
    time: TimeLike | None = None,
    location: LocationLike | None = None,
    *,
    pointing_sigma: float = 0.0,
    seen_fraction: float | None = None,
    unlisted_density: float | None = None,
    region: Region | None = None,
    refraction: Refraction | None = None,
) -> QTable:
    """Name each source, with the probability that the name is right.

    Parameters
    ----------
    sources : QTable
        With ``azimuth`` and ``elevation``, their errors (``covariance``, or ``azimuth_error``
        and ``elevation_error``: `skyscan_lab.interference.ellipses.direction_covariance`),
        and perhaps ``time``, which is used for objects that move.
    catalog : path, table, Catalog, or several of them
        What may be there; see `skyscan_lab.catalogs.as_catalog`.
    time : Time, datetime or array_like, optional
        One for all, or one a source; by default that of the sources, or of their ``meta``. A
        list in azimuth and elevation needs none.
    location : Location, EarthLocation or (latitude, longitude[, height]), optional
        The site; by default from the ``meta`` of the sources, as a session names it.
    pointing_sigma : float
        Error of the pointing on either axis, degrees, beyond the errors of the sources: what
        an uncalibrated mount is off by.
    seen_fraction : float, optional
        Fraction of the listed objects in the region that is seen, in (0, 1).
    unlisted_density : float, optional
        Unlisted sources a square degree.
    region : ((low, high), (low, high)), optional
        Where was looked, azimuth and elevation in degrees; by default ``meta["region"]``, or
        all that is above the horizon.
    refraction : Refraction, optional
        Air above the site; without it the catalogue's directions are geometric.

    Returns
    -------
    QTable
        The sources with five more columns: ``match``, the most probable name or
        ``"unidentified"``; ``probability`` of it; ``unidentified``, the probability that it is
        none of the list; ``nearest``, a name, and ``separation`` from that, degrees.
        ``meta`` has ``seen_fraction`` and ``unlisted_density``, given or found.

    Raises
    ------
    InvalidInput
        For sources without errors, a catalogue that needs a time or a site that is not known,
        and figures out of range.

    Examples
    --------
    >>> sources = QTable({"azimuth": [359.0, 120.0] * u.deg, "elevation": [60.0, 20.0] * u.deg,
    ...                   "covariance": [np.eye(2) * 0.01] * 2 * u.deg**2})
    >>> listed = QTable({"name": ["A", "B"], "azimuth": [359.1, 350.0] * u.deg,
    ...                  "elevation": [60.1, 60.0] * u.deg})
    >>> named = identify(sources, listed)
    >>> [str(name) for name in named["match"]], float(named["probability"][0]) > 0.99
    (['A', 'unidentified'], True)
    """
    pairs = _pairs(
        sources,
        catalog,
        time,
        location,
        pointing_sigma,
        seen_fraction,
        unlisted_density,
        region,
        refraction,
    )
    named = sources.copy()
    none = np.clip(1.0 - pairs.probability.sum(axis=1), 0.0, 1.0)
    rows = np.arange(len(sources))
    if len(pairs.names):
        best = pairs.probability.argmax(axis=1)
        nearest = np.where(np.isfinite(pairs.apart_deg), pairs.apart_deg, np.inf).argmin(axis=1)
        listed = pairs.probability[rows, best] >= none
        match = np.where(listed, pairs.names[best], UNIDENTIFIED)
        probability = np.where(listed, pairs.probability[rows, best], none)
        close, apart = pairs.names[nearest], pairs.apart_deg[rows, nearest]
    else:
        match, probability = np.full(len(sources), UNIDENTIFIED), none
        close, apart = np.full(len(sources), ""), np.full(len(sources), np.nan)
    named["match"] = match
    named["probability"] = probability
    named["unidentified"] = none
    named["nearest"] = close
    named["separation"] = apart * u.deg
    named.meta["seen_fraction"] = pairs.fraction
    named.meta["unlisted_density"] = pairs.density
    return named


def candidates(
    sources: QTable,
    catalog: CatalogLike,
    time: TimeLike | None = None,
    location: LocationLike | None = None,
    *,
    pointing_sigma: float = 0.0,
    seen_fraction: float | None = None,
    unlisted_density: float | None = None,
    region: Region | None = None,
    refraction: Refraction | None = None,
    least: float = 1e-3,
) -> QTable:
    """Every name that a source may have, one a row.

    Parameters
    ----------
    sources, catalog, time, location
        As for `identify`, and so are the others.
    pointing_sigma, seen_fraction, unlisted_density, region, refraction
        As for `identify`.
    least : float
        Probability below which a name is left out.

    Returns
    -------
    QTable
        ``source`` (row of the sources), ``name``, ``separation`` in degrees,
        ``log_likelihood`` (natural logarithm of the density of the source's place if it is
        this object, a square degree) and ``probability``; by source, the most probable first.
    """
    pairs = _pairs(
        sources,
        catalog,
        time,
        location,
        pointing_sigma,
        seen_fraction,
        unlisted_density,
        region,
        refraction,
    )
    row, column = np.nonzero(pairs.probability >= least)
    order = np.lexsort((-pairs.probability[row, column], row))
    row, column = row[order], column[order]
    return QTable(
        {
            "source": row,
            "name": pairs.names[column],
            "separation": pairs.apart_deg[row, column] * u.deg,
            "log_likelihood": pairs.log_density[row, column],
            "probability": pairs.probability[row, column],
        }
    )


def nearest_in_catalog(sources: QTable, catalog: QTable) -> QTable:
    """Nearest listed object to each source, and how far away it is.

    Nearest is no identification: the mount may be off by more than the satellites are apart,
    and a blend of two lies between them. The separation is there to be judged; `identify` has
    the odds.

    Parameters
    ----------
    sources : QTable
        With ``azimuth`` and ``elevation``, as `local_maxima` returns it.
    catalog : QTable
        With ``name``, ``azimuth`` and ``elevation``; at least one row.

    Returns
    -------
    QTable
        The sources with two more columns: ``nearest``, a name, and ``separation`` in degrees
        on the sky.

    Raises
    ------
    InvalidInput
        For a catalogue without rows.

    Examples
    --------
    >>> sources = QTable({"azimuth": [359.0] * u.deg, "elevation": [60.0] * u.deg})
    >>> listed = QTable({"name": ["A", "B"], "azimuth": [1.0, 350.0] * u.deg,
    ...                  "elevation": [60.0, 60.0] * u.deg})
    >>> named = nearest_in_catalog(sources, listed)
    >>> named["nearest"][0], named["separation"][0].round(3)
    (np.str_('A'), <Quantity 1. deg>)
    """
    if len(catalog) == 0:
        raise InvalidInput("rows of the catalogue", 0, "at least 1")
    apart = separation(
        sources["azimuth"].to_value(u.deg)[:, None],
        sources["elevation"].to_value(u.deg)[:, None],
        catalog["azimuth"].to_value(u.deg),
        catalog["elevation"].to_value(u.deg),
    )
    best = apart.argmin(axis=1)
    named = sources.copy()
    named["nearest"] = np.asarray(catalog["name"], dtype=str)[best]
    named["separation"] = apart[np.arange(len(sources)), best] * u.deg
    return named


def _pairs(
    sources: QTable,
    catalog: CatalogLike,
    time: TimeLike | None,
    location: LocationLike | None,
    pointing_sigma: float,
    seen_fraction: float | None,
    unlisted_density: float | None,
    region: Region | None,
    refraction: Refraction | None,
) -> _Pairs:
    if seen_fraction is not None and not 0.0 < seen_fraction < 1.0:
        raise InvalidInput("seen_fraction", seen_fraction, "within (0, 1)")
    if unlisted_density is not None and not (
        np.isfinite(unlisted_density) and unlisted_density > 0.0
    ):
        raise InvalidInput("unlisted_density", unlisted_density, "finite and greater than 0")
    looked_at = _region(region or sources.meta.get("region", _SKY))
    covariance = direction_covariance(sources, pointing_sigma)
    listed = as_catalog(catalog)
    azimuth, elevation = _listed_directions(listed, sources, time, location, refraction)
    inside = _inside(azimuth, elevation, looked_at).any(axis=0)
    azimuth, elevation = azimuth[:, inside], elevation[:, inside]
    names = listed.names[inside]

    east = sources["azimuth"].to_value(u.deg)[:, None]
    up = sources["elevation"].to_value(u.deg)[:, None]
    apart = separation(east, up, azimuth, elevation)
    # In the frame of the source, in which its covariance is given.
    offset = np.stack(to_plane(azimuth, elevation, east, up, projection="arc"), axis=-1)
    mahalanobis = np.einsum("ijk,ikl,ijl->ij", offset, np.linalg.inv(covariance), offset)
    area = 2.0 * np.pi * np.sqrt(np.linalg.det(covariance))
    log_density = np.where(
        np.isfinite(mahalanobis), -mahalanobis / 2.0 - np.log(area)[:, None], -np.inf
    )
    owner, of_appearance = _appearances(azimuth, elevation, log_density, covariance)
    likelihood = np.where(of_appearance, np.exp(log_density[:, owner]), 0.0)
    found, fraction, density = _posterior(
        likelihood, seen_fraction, unlisted_density, _area_deg2(looked_at)
    )
    probability = np.zeros(log_density.shape)
    for column, mine in enumerate(owner):
        probability[:, mine] += found[:, column]
    return _Pairs(names, apart, log_density, probability, fraction, density)


def _listed_directions(
    listed: Catalog,
    sources: QTable,
    time: TimeLike | None,
    location: LocationLike | None,
    refraction: Refraction | None,
) -> tuple[Angles, Angles]:
    """Azimuth and elevation of each object for each source, shape (n, m)."""
    meta = sources.meta
    if time is None and listed.needs_time:
        time = sources["time"] if "time" in sources.colnames else meta.get("time")
    if location is None and listed.needs_site:
        location = meta.get("location")
        if location is None and "site_latitude_deg" in meta:
            location = (
                meta["site_latitude_deg"],
                meta["site_longitude_deg"],
                meta.get("site_height_m", 0.0),
            )
    if time is not None:
        moments = as_time(time)
        if moments.shape not in ((), (len(sources),)):
            raise InvalidInput("shape of time", moments.shape, f"() or ({len(sources)},)")
        time = moments
    azimuth, elevation = listed.directions(time, location, refraction)
    shape = (len(sources), len(listed))
    return np.broadcast_to(azimuth, shape), np.broadcast_to(elevation, shape)


def _appearances(
    azimuth: Angles,
    elevation: Angles,
    log_density: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """What can explain one source at most: an object, for as long as it stays in its place.

    An object that moves on while the sky is scanned can be met more than once; each place
    where it stands by a source's time is one appearance.

    Returns
    -------
    owner : ndarray of int, shape (k,)
        Which object each appearance is of.
    of_appearance : ndarray of bool, shape (n, k)
        Which sources can be it.
    """
    size = np.sqrt(np.linalg.eigvalsh(covariance)[:, 1])
    # Only near sources matter, and most objects are near none or one.
    near = log_density > log_density.max(axis=1, initial=-np.inf, keepdims=True) - 50.0
    near &= np.isfinite(log_density)
    owner, members = [], []
    for column in range(log_density.shape[1]):
        rows = np.flatnonzero(near[:, column])
        left = list(rows)
        while left:
            first = left[0]
            moved = separation(
                azimuth[left, column],
                elevation[left, column],
                azimuth[first, column],
                elevation[first, column],
            )
            here = moved <= _MOVED_SIGMA * np.maximum(size[left], size[first])
            group = np.zeros(log_density.shape[0], dtype=bool)
            group[np.array(left)[here]] = True
            owner.append(column)
            members.append(group)
            left = [row for row, same in zip(left, here, strict=True) if not same]
        if not rows.size:
            owner.append(column)
            members.append(np.zeros(log_density.shape[0], dtype=bool))
    shape = (log_density.shape[0], len(owner))
    return np.array(owner, dtype=int), np.array(members, dtype=bool).T.reshape(shape)


def _posterior(
    likelihood: NDArray[np.float64],
    seen_fraction: float | None,
    unlisted_density: float | None,
    area_deg2: float,
) -> tuple[NDArray[np.float64], float, float]:
    """Probability of each pair, with the fraction and the density that were used."""
    sources, objects = likelihood.shape
    fraction = seen_fraction if seen_fraction is not None else 0.5
    density = unlisted_density if unlisted_density is not None else (sources + 0.5) / area_deg2
    found = np.zeros(likelihood.shape)
    for _ in range(_ROUNDS):
        found = _at(likelihood, fraction / (1.0 - fraction) / density)
        matched = float(found.sum())
        before = (fraction, density)
        if seen_fraction is None:
            fraction = (matched + 1.0) / (objects + 2.0)
        if unlisted_density is None:
            density = (sources - matched + 0.5) / area_deg2
        if np.allclose(before, (fraction, density), rtol=1e-3, atol=0.0):
            break
    variance = 0.0
    if seen_fraction is None:
        variance += 1.0 / (objects + 2.0) / fraction / (1.0 - fraction)
    if unlisted_density is None:
        variance += 1.0 / density / area_deg2
    if variance > 0.0:
        found = _averaged(likelihood, fraction / (1.0 - fraction) / density, found, variance)
    return found, float(fraction), float(density)


def _at(likelihood: NDArray[np.float64], prior_odds: float) -> NDArray[np.float64]:
    odds = prior_odds * likelihood
    return pair_probabilities(np.where(odds > _NEGLIGIBLE, odds, 0.0))


def _averaged(
    likelihood: NDArray[np.float64],
    prior_odds: float,
    found: NDArray[np.float64],
    variance: float,
) -> NDArray[np.float64]:
    """Average over what the map leaves open about the prior odds.

    `variance` is that of their logarithm if every name were known. Names that are not known
    say less: by the part that moves along when the odds are moved, the slope of the iteration
    (T. A. Louis, JRSS B 44, 226 (1982)). The average is Gauss's over three odds.
    """
    none = 1.0 - found.sum(axis=1)
    moves_along = min(float((none * (1.0 - none)).sum()) * variance, _MOST_MISSING)
    step = np.exp(np.sqrt(3.0 * variance / (1.0 - moves_along)))
    return np.asarray(
        2.0 / 3.0 * found
        + (_at(likelihood, prior_odds * step) + _at(likelihood, prior_odds / step)) / 6.0
    )


def _region(region: Region) -> Region:
    (west, east), (low, high) = region
    if not (west < east <= west + 360.0 and -90.0 <= low < high <= 90.0):
        raise InvalidInput(
            "region", region, "((low, high), (low, high)) of azimuth and elevation, degrees"
        )
    return region


def _area_deg2(region: Region) -> float:
    (west, east), (low, high) = np.radians(region)
    return float(np.degrees(np.degrees((east - west) * (np.sin(high) - np.sin(low)))))


def _inside(azimuth: ArrayLike, elevation: ArrayLike, region: Region) -> NDArray[np.bool_]:
    (west, east), (low, high) = region
    turned = np.mod(np.asarray(azimuth) - west, 360.0)
    height = np.asarray(elevation)
    return (turned <= east - west) & (height >= low) & (height <= high)
