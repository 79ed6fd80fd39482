"""Everything at once: mount, beam, response and sources, from a sky and a list of what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import astropy.units as u
import numpy as np
import xarray as xr
from astropy.table import QTable
from numpy.typing import NDArray

from skyscan_lab.catalogs.catalog import Catalog
from skyscan_lab.catalogs.opening import CatalogLike, as_catalog
from skyscan_lab.errors import InvalidInput, SessionError
from skyscan_lab.forward import ApertureBeam, modes_up_to
from skyscan_lab.forward.inverse import covariance_of
from skyscan_lab.forward.mounting import MOUNT_NAMES, angle_between, as_mount
from skyscan_lab.power import LogResponse
from skyscan_lab.session import location_of
from skyscan_lab.solving.arc import arc_of
from skyscan_lab.solving.buildup import Sky, build_up
from skyscan_lab.solving.constellation import Attitude, attitudes
from skyscan_lab.solving.evidence import beam_gain, independent_readings
from skyscan_lab.solving.fitted_beam import FittedBeam
from skyscan_lab.solving.samples import samples_for_fit
from skyscan_lab.solving.slide import slide_wanted
from skyscan_lab.solving.solution import Alternative, Solution, Status
from skyscan_lab.solving.strips import StripErrors, strip_errors
from skyscan_lab.solving.tied import (
    Belief,
    TiedSky,
    refine,
    slots_of,
    tie,
    with_slots,
    with_unlisted,
)
from skyscan_lab.sphere import unit_vector, wrap_azimuth

Floats = NDArray[np.float64]

_CANDIDATES = 8
_FIRST_STEPS = 4
_QUICK_STEPS = 12
# A residual that is so many times the least after the first steps is not worth more of them.
_FAR = 3.0
_STEPS = 80
_UNLISTED = 2
_ORDERS = (3, 4)
# Ways to set up the mount that end nearer than that are one.
_SAME_DEG = 0.5
# In log likelihood: one in a thousand, with something to spare for what the count of
# independent readings does not know.
_CLEAR = 10.0
# A residual that is so many times that with free positions explains nothing.
_UNEXPLAINED = 2.0
# Sites and times are not that wrong, nor satellites that far from their slots.
_SLIDE_DEG = 3.5
# And with so many times no better beam helps any more.
_HOPELESS = 4.0
# Of the power must come from the list: else what is seen is something else.
_EXPLAINED = 0.5
# Two objects are brought onto two sources by many mounts.
_LEAST_SEEN = 3
_DEGENERATE = 0.95
_SEEN = 3.0
_ONE_SIDED_95 = 1.645
# What has set is not seen; at the horizon refraction lifts by half a degree.
_HORIZON_DEG = -1.0
_TILTS = ("tilt_north", "tilt_east", "azimuth_zero")


@dataclass(frozen=True, eq=False)
class Listing:
    """What is listed: names and true directions."""

    names: tuple[str, ...]
    vectors: Floats


def solve(
    ds: xr.Dataset,
    catalog: CatalogLike,
    *,
    azimuth: float | None = None,
    azimuth_sigma: float = 3.0,
    tilt_sigma: float = 3.0,
    fixed: Sequence[str] = (),
    most_parameters: int = 85,
) -> Solution:
    """Solve a session against a list of what may be in its sky.

    First the sky is modelled without the list (`skyscan_lab.solving.buildup`). The constellation of
    what was found is laid over the list in every way that the mount allows
    (`skyscan_lab.solving.constellation`), and the forward model decides between them: each is
    fitted to the readings themselves. For the best one everything becomes free, up to two sources
    that are on no list join, and the beam grows as long as that pays.

    Parameters
    ----------
    ds : Dataset
        A session of one channel.
    catalog : path, table or Catalog
        What may be seen. One that is no list of azimuths and elevations needs the session's site
        and time; its true directions are then those in the middle of the session.
    azimuth : float, optional
        By how much the dial shows too much azimuth, degrees, within some `azimuth_sigma`; by
        default nothing is known of it.
    azimuth_sigma, tilt_sigma : float
        Standard deviations of that, and of the mount's tilt on each axis, degrees.
    fixed : sequence of str
        Terms of the mount that are 0: any of `MOUNT_NAMES`.
    most_parameters : int
        The model has no more of them.

    Returns
    -------
    Solution
        With a status that says whether to believe it.

    Raises
    ------
    SessionError
        As `samples_for_fit`.
    InvalidInput
        For an empty list, or arguments out of range.
    """
    _check(azimuth_sigma, tilt_sigma, fixed)
    samples = samples_for_fit(ds)
    if not np.ptp(samples.readings) > 0.0:
        raise SessionError("readings", samples.readings[0], "not all the same: nothing is seen")
    listed = _listing(as_catalog(catalog), ds)  # refused, if it has to be, before the long work
    free = build_up(samples, most_parameters=most_parameters)
    return _solved(
        ds, free, listed, azimuth, azimuth_sigma, tilt_sigma, tuple(fixed), most_parameters
    )


def solve_sky(
    ds: xr.Dataset,
    free: Sky,
    catalog: CatalogLike,
    *,
    azimuth: float | None = None,
    azimuth_sigma: float = 3.0,
    tilt_sigma: float = 3.0,
    fixed: Sequence[str] = (),
    most_parameters: int = 85,
) -> Solution:
    """Solve a session whose sky is modelled already: `solve` without its first step.

    Parameters
    ----------
    ds : Dataset
        The session.
    free : Sky
        Its model without a list (`skyscan_lab.solving.buildup.build_up`), which serves for as many
        lists as one likes.
    catalog, azimuth, azimuth_sigma, tilt_sigma, fixed, most_parameters
        As for `solve`.
    """
    _check(azimuth_sigma, tilt_sigma, fixed)
    listed = _listing(as_catalog(catalog), ds)
    return _solved(
        ds, free, listed, azimuth, azimuth_sigma, tilt_sigma, tuple(fixed), most_parameters
    )


def _solved(
    ds: xr.Dataset,
    free: Sky,
    listed: Listing,
    azimuth: float | None,
    azimuth_sigma: float,
    tilt_sigma: float,
    fixed: tuple[str, ...],
    most_parameters: int,
) -> Solution:
    samples = free.samples
    found = _attitudes(free, listed.vectors, azimuth, azimuth_sigma, tilt_sigma)
    terms = tuple(name for name in _TILTS if name not in fixed)
    slots = slots_of(listed.vectors)
    belief = _belief(azimuth, azimuth_sigma, tilt_sigma)
    mounts = [_mount_of(one, fixed) for one in found]
    tried = [
        tie(free, slots, mount, terms=terms, belief=belief, steps=_FIRST_STEPS) for mount in mounts
    ]
    ways = _ways([one for one in tried if one is not None])
    if not ways:
        return _nowhere(free, ds)
    best = refine(ways[0], steps=_STEPS)
    best = with_unlisted(best, _UNLISTED, most_parameters=most_parameters, steps=_STEPS)
    if best.fit.rms <= _HOPELESS * free.fit.rms:
        best = _grown(best, most_parameters)
    best, undetermined = _with_offset(best, fixed, most_parameters)
    alternatives = _alternatives(ways, free)
    status = _status(best, free, alternatives)
    if status == "unique" and (slide := _slide(best, listed)) is not None:
        status = "ambiguous"
        undetermined += (f"the list: slid along the arc by {slide:.0f} degrees it explains more",)
    errors = strip_errors(best.sky)
    if not samples.response_known:
        undetermined += (
            "slope of the response: nothing calibrates it, and another beam takes its place",
        )
    if "collimation" not in fixed:
        undetermined += ("collimation: it moves with azimuth zero and tilt",)
    return Solution(
        status=status,
        alternatives=alternatives,
        pointing=_pointing(best, errors, undetermined),
        mount=as_mount(best.mount),
        pattern=FittedBeam.of(best.sky.model.beam, best.sky.beam),
        response=LogResponse(*(float(value) for value in best.sky.block("response")[:2])),
        sources=_sources(best, listed),
        residual=samples.as_map(best.fit.residual, ds).rename("residual"),
        parameters=int(best.fit.numbers.size),
        free_rms=free.fit.rms,
        free_parameters=int(free.fit.numbers.size),
        undetermined=undetermined,
    )


def _check(azimuth_sigma: float, tilt_sigma: float, fixed: Sequence[str]) -> None:
    for field, value in (("azimuth_sigma", azimuth_sigma), ("tilt_sigma", tilt_sigma)):
        if not 0.0 < value <= 90.0:
            raise InvalidInput(field, value, "within (0, 90] degrees")
    for name in fixed:
        if name not in MOUNT_NAMES:
            raise InvalidInput("fixed", name, f"one of {', '.join(MOUNT_NAMES)}")


def _listing(catalog: Catalog, ds: xr.Dataset) -> Listing:
    time = ds["time"].mean().values if catalog.needs_time else None
    if time is not None and np.isnat(time):
        raise SessionError("time", "none", "recorded: the catalogue's objects move")
    azimuth, elevation = catalog.directions(time, location_of(ds))
    known = np.isfinite(azimuth[0]) & (elevation[0] > _HORIZON_DEG)
    if not known.any():
        raise InvalidInput("catalog", "nothing above the horizon", "at least one object above it")
    names = tuple(str(name) for name in np.asarray(catalog.names)[known])
    return Listing(names, unit_vector(azimuth[0][known], elevation[0][known]))


def _attitudes(
    free: Sky,
    vectors: Floats,
    azimuth: float | None,
    azimuth_sigma: float,
    tilt_sigma: float,
) -> list[Attitude]:
    sources = free.sources
    seen = unit_vector(np.degrees(sources[:, 1]), np.degrees(sources[:, 2]))
    # A source ten times as strong is surer to be there, but not ten times as sure.
    level = float(free.block("floor")[0])
    weights = np.log1p(np.exp(sources[:, 0]) / abs(level))
    return attitudes(
        seen,
        weights,
        vectors,
        azimuth_deg=azimuth,
        azimuth_sigma_deg=azimuth_sigma,
        tilt_sigma_deg=tilt_sigma,
        most=_CANDIDATES,
    )


def _mount_of(attitude: Attitude, fixed: Sequence[str]) -> Floats:
    mount = np.zeros(len(MOUNT_NAMES))
    mount[:3] = attitude.terms
    mount[[name in fixed for name in MOUNT_NAMES]] = 0.0
    return mount


def _belief(azimuth: float | None, azimuth_sigma: float, tilt_sigma: float) -> Belief:
    mean, sigma = np.zeros(len(MOUNT_NAMES)), np.full(len(MOUNT_NAMES), np.inf)
    sigma[:2] = np.radians(tilt_sigma)
    if azimuth is not None:
        mean[2], sigma[2] = np.radians(azimuth), np.radians(azimuth_sigma)
    return Belief(mean, sigma)


def _nowhere(free: Sky, ds: xr.Dataset) -> Solution:
    """The answer where no way to set up the mount brings a listed object into the map."""
    sources = free.sources
    power = np.exp(sources[:, 0])
    pointing = QTable(
        {
            "term": list(MOUNT_NAMES),
            "value": np.zeros(len(MOUNT_NAMES)) * u.deg,
            "error": np.full(len(MOUNT_NAMES), np.nan) * u.deg,
            "status": ["undetermined"] * len(MOUNT_NAMES),
        }
    )
    return Solution(
        status="failed",
        alternatives=(),
        pointing=pointing,
        mount=as_mount(np.zeros(len(MOUNT_NAMES))),
        pattern=FittedBeam.of(free.model.beam, free.beam),
        response=LogResponse(*(float(value) for value in free.block("response")[:2])),
        sources=_table([], free, power, _power_errors(free, power)),
        residual=free.samples.as_map(free.fit.residual, ds).rename("residual"),
        parameters=int(free.fit.numbers.size),
        free_rms=free.fit.rms,
        free_parameters=int(free.fit.numbers.size),
        undetermined=("the mount: no listed object comes into the map",),
    )


def _ways(tried: Sequence[TiedSky]) -> list[TiedSky]:
    """The different ones, cheapest first; those that come near the cheapest are fitted on."""
    ways = _distinct(tried)
    return _distinct(
        with_slots(way, way.slots, way.mount, steps=_QUICK_STEPS, beam_free=False)
        if way.fit.rms <= _FAR * ways[0].fit.rms
        else way
        for way in ways
    )


def _distinct(ways: Iterable[TiedSky]) -> list[TiedSky]:
    kept: list[TiedSky] = []
    for way in sorted(ways, key=lambda one: one.fit.cost):
        if all(_apart_deg(way, other) > _SAME_DEG for other in kept):
            kept.append(way)
    return kept


def _apart_deg(one: TiedSky, other: TiedSky) -> float:
    rest = float(np.linalg.norm(one.mount[3:] - other.mount[3:]))
    return float(np.degrees(angle_between(one.mount, other.mount) + rest))


def _grown(best: TiedSky, most_parameters: int) -> TiedSky:
    for order in _ORDERS:
        richer = refine(best, beam=ApertureBeam(modes_up_to(order)), steps=_STEPS)
        if richer.fit.numbers.size > most_parameters:
            break
        if beam_gain(best.fit, richer.fit, best.sky.samples, best.sky.hpbw_deg) <= 0.0:
            break
        best = richer
    return best


def _with_offset(
    best: TiedSky, fixed: Sequence[str], most_parameters: int
) -> tuple[TiedSky, tuple[str, ...]]:
    """Free the offset in elevation, too, where the readings can tell it from the tilt."""
    name = "elevation_offset"
    if name in fixed:
        return best, ()
    if best.fit.numbers.size >= most_parameters:
        return best, (f"{name}: the model has as many numbers as it may have",)
    listed = best.fit.ties.listed
    terms = (*(() if listed is None else listed.free), name)
    wider = refine(best, terms=terms, steps=_STEPS)
    covariance = strip_errors(wider.sky).covariance[-len(terms) :, -len(terms) :]
    sigma = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sigma, sigma) - np.eye(len(terms))
    worst = int(np.argmax(np.abs(correlation[-1])))
    if abs(correlation[-1, worst]) > _DEGENERATE:
        return best, (f"{name}: it moves with {terms[worst]}",)
    return wider, ()


def _alternatives(ways: Sequence[TiedSky], free: Sky) -> tuple[Alternative, ...]:
    best = ways[0]
    count = independent_readings(free.samples, best.fit.rms, free.hpbw_deg)
    return tuple(
        Alternative(
            as_mount(way.mount), way.fit.rms, float(count * np.log(way.fit.rms / best.fit.rms))
        )
        for way in ways[1:]
    )


def _slide(tied: TiedSky, listed: Listing) -> float | None:
    """By how much a list of the arc would have to be slid, where the readings insist on that."""
    arc = arc_of(listed.vectors)
    if arc is None:
        return None
    slide_deg, ratio = slide_wanted(tied, arc)
    count = independent_readings(tied.sky.samples, tied.fit.rms / ratio, tied.sky.hpbw_deg)
    gain = count * np.log(ratio)
    return slide_deg if abs(slide_deg) > _SLIDE_DEG and gain > _CLEAR else None


def _status(best: TiedSky, free: Sky, alternatives: Sequence[Alternative]) -> Status:
    power = np.exp(best.sky.sources[:, 0])
    listed = power[: len(best.slots)]
    seen = listed > _SEEN * _power_errors(best.sky, power)[: len(best.slots)]
    if best.fit.rms > _UNEXPLAINED * free.fit.rms or listed[seen].sum() < _EXPLAINED * power.sum():
        return "failed"
    if np.count_nonzero(seen) < _LEAST_SEEN:
        return "ambiguous"
    if alternatives and alternatives[0].evidence < _CLEAR:
        return "ambiguous"
    return "unique"


def _pointing(best: TiedSky, errors: StripErrors, undetermined: Sequence[str]) -> QTable:
    listed = best.fit.ties.listed
    terms = () if listed is None else listed.free
    last = np.diag(errors.covariance)[errors.covariance.shape[0] - len(terms) :]
    sigma = np.degrees(np.sqrt(last))
    error = dict(zip(terms, sigma, strict=True))
    value = np.degrees(best.mount)
    loose = {text.partition(":")[0] for text in undetermined}
    status = [
        "determined" if name in error else "undetermined" if name in loose else "fixed"
        for name in MOUNT_NAMES
    ]
    return QTable(
        {
            "term": list(MOUNT_NAMES),
            "value": value * u.deg,
            "error": np.array([error.get(name, np.nan) for name in MOUNT_NAMES]) * u.deg,
            "status": status,
        }
    )


def _sources(best: TiedSky, listed: Listing) -> QTable:
    sky = best.sky
    sources = sky.sources
    power = np.exp(sources[:, 0])
    error = _power_errors(sky, power)
    names = [" + ".join(listed.names[place] for place in slot.members) for slot in best.slots]
    return _table(names, sky, power, error)


def _table(names: Sequence[str], sky: Sky, power: Floats, error: Floats) -> QTable:
    sources, samples = sky.sources, sky.samples
    unlisted = len(sources) - len(names)
    seen = power > _SEEN * error
    table = QTable(
        {
            "name": [*names, *[""] * unlisted],
            "azimuth": wrap_azimuth(np.degrees(sources[:, 1])) * u.deg,
            "elevation": np.degrees(sources[:, 2]) * u.deg,
            "power": power,
            "power_error": error,
            "upper_limit": np.where(seen, np.nan, power + _ONE_SIDED_95 * error),
            "listed": [True] * len(names) + [False] * unlisted,
        }
    )
    floor = "of the floor" if not samples.response_known else f"10^({samples.units}/10)"
    table.meta["power"] = floor
    return table


def _power_errors(sky: Sky, power: Floats) -> Floats:
    """Errors of linear powers, scaled to what the model leaves.

    At a power near nothing its logarithm may be anything, while the power itself is well known: so
    the information is taken over to the powers before it is inverted.
    """
    fit = sky.fit
    blocks = sky.model.blocks(len(power))
    places = blocks["sources"].start + 3 * np.arange(len(power))
    order = np.flatnonzero(fit.ties.free)
    mine = np.searchsorted(order, places)
    stretch = np.ones(fit.numbers.size)
    stretch[mine] = 1.0 / power
    covariance = covariance_of(fit.information * np.outer(stretch, stretch))
    # The noise of a map is a guess; what the model leaves is a fact.
    return np.asarray(fit.scatter / sky.samples.noise * np.sqrt(np.diag(covariance)[mine]))
