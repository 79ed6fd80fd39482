"""Sources of a map: found at a stated rate of false alarms, told apart, with their errors.

Everything is one model: floor, response, beam and sources are fitted together to all readings, in
noise that is correlated along scans (`skyscan_lab.interference.scan_noise`). A source joins where
the likelihood ratio of one more, at its best place, exceeds what noise alone would reach
`false_alarm` times a map (`skyscan_lab.interference.matched_filter` and
`skyscan_lab.interference.excursions`). What the model holds already explains its own sidelobes and
slopes, and so is not found again. Then each source is taken for two, and stays two where one would
look like that once in a hundred times. Bursts that no beam allows are left out before
(`skyscan_lab.interference.bursts`).

It stands in `solving`, above `interference`, because the joint fit and the beam of an antenna that
is not known are found here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import astropy.units as u
import numpy as np
import xarray as xr
from astropy.table import QTable
from astropy.time import Time
from numpy.typing import NDArray

from skyscan_lab.antenna import AntennaPattern, GaussianPattern
from skyscan_lab.errors import InvalidInput
from skyscan_lab.forward import source_rows
from skyscan_lab.interference.matched_filter import Found
from skyscan_lab.lattice import unroll_azimuth
from skyscan_lab.session import location_of, samples_of
from skyscan_lab.solving.buildup import Sky, build_up
from skyscan_lab.solving.fitted_beam import FittedBeam
from skyscan_lab.solving.source_search import Readings, Search
from skyscan_lab.sphere import from_plane, separation, to_plane, unit_vector, wrap_azimuth

Floats = NDArray[np.float64]

# What noise gains in one case of a hundred and fifty or so, in standard deviations, by two equal
# sources in place of one, and by a second one of any power: as measured
# (docs/validation/two_sources.md); it hardly depends on beam, sampling and strength.
_PAIR_SIGMA, _SECOND_SIGMA = 3.05, 3.9
# What stands out by so many false alarms a map joins for a while: it must not pass for noise.
_LOOSE = 0.3
_ROUNDS = 60
_SWEEPS = 4
_NOISE_ROUNDS = 3
_MOST_SOURCES = 64
# Of the highest peak, beside which lower ones may be its sidelobes.
_WITH_THE_HIGHEST = 0.3
_APART_HPBW = 1.5
_PEAKS_APART_HPBW = 0.7
_BESIDE_HPBW = 1.2
_JOIN_STEPS = 25
_JOIN_ENOUGH = 0.05
_PRUNE_ENOUGH = 0.3
_SURE = 2.0
_PROMISING = 0.75
_HALVES_HPBW = 0.35
# Widths of beam that are looked for where none is known, in spacings of the readings.
_BANK = (2.5, 5.0, 10.0)
_FITTED_WIDTH_ERROR = 0.01


def find_sources(
    ds: xr.Dataset,
    pattern: AntennaPattern | None = None,
    false_alarm: float = 0.01,
    threshold: float | None = None,
    *,
    width_error: float = 0.01,
) -> QTable:
    """Find the sources of a map.

    Parameters
    ----------
    ds : Dataset
        A session of one channel, gridded or free-form.
    pattern : AntennaPattern, optional
        The antenna's. By default a beam is fitted to the map itself (`build_up`), after something
        as wide as 2.5, 5 or 10 readings has been found, each at a third of the rate of false
        alarms; where nothing is found there is no beam, and the upper limit is that of the widest.
    false_alarm : float
        Mean number of sources that noise alone makes in a map like this, within (0, 10].
    threshold : float, optional
        Instead: least power over its error, in standard deviations, 1 or more.
    width_error : float
        Relative error of the pattern's width, 1 σ, common to both axes; greater than 0. A source
        is not called two for what that explains.

    Returns
    -------
    QTable
        Strongest first. ``azimuth`` (within [0, 360)) and ``elevation``, as the dials show them,
        and their errors; ``covariance``, shape (n, 2, 2), of cross-elevation and elevation, square
        degrees; ``power`` and ``power_error``, linear, in the units that ``meta["power"]`` says;
        ``snr``, the power over its error, for a response that is known; ``time`` at which the beam
        was on it, where that is recorded: what moves was there then.
        ``meta`` has ``threshold`` (of snr), ``false_alarm``, ``region``, ``upper_limit`` (the power
        of a source that would be found with 95 %, in the median over the map), ``hpbw_deg``,
        ``noise`` (of a reading), ``drift`` and ``drift_readings`` (amplitude, and length in
        readings), ``rejected`` (bursts left out), ``units`` and, where they are known, the site and
        the ``time``.

    Raises
    ------
    InvalidInput
        For arguments out of range.
    SessionError
        For a Dataset that is not a session of one channel, or one with fewer than ten readings.

    Examples
    --------
    >>> from skyscan_lab.session import session_from_points
    >>> az, el = (axis.ravel() for axis in np.meshgrid(np.arange(20.0, 50), np.arange(30.0, 50)))
    >>> beam = GaussianPattern(3.0)
    >>> seen = 0.5 * beam.gain((az - 35.2) * np.cos(np.radians(el)), el - 41.1)
    >>> level = -90 + 10 * np.log10(1 + seen) + np.random.default_rng(1).normal(0, 0.05, az.size)
    >>> table = find_sources(session_from_points(az, el, level, units="dBm"), beam)
    >>> table["azimuth"].round(1), table["elevation"].round(1)
    (<Quantity [35.2] deg>, <Quantity [41.1] deg>)
    """
    _check(false_alarm, threshold, width_error)
    readings = Readings.of(ds)
    if not np.ptp(readings.samples.readings) > 0.0:
        return _table(ds, None, readings, threshold or np.inf, false_alarm)
    if pattern is None:
        begun = _begin_without_pattern(readings, false_alarm, threshold)
        if isinstance(begun, float):
            return _table(ds, None, readings, begun, false_alarm)
        search = begun
    else:
        search = Search.begin(readings, pattern, width_error, readings.kept(min(pattern.hpbw_deg)))
    search, needed = _searched(search, false_alarm, threshold)
    return _table(ds, search, readings, needed, false_alarm)


def _check(false_alarm: float, threshold: float | None, width_error: float) -> None:
    if not 0.0 < false_alarm <= 10.0:
        raise InvalidInput("false_alarm", false_alarm, "within (0, 10] a map")
    if threshold is not None and not 1.0 <= threshold < np.inf:
        raise InvalidInput("threshold", threshold, "finite, and 1 standard deviation or more")
    if not 0.0 < width_error <= 0.5:
        raise InvalidInput("width_error", width_error, "within (0, 0.5]")


def _searched(search: Search, false_alarm: float, threshold: float | None) -> tuple[Search, float]:
    """The search at its end, and the threshold there."""

    def needed(here: Search) -> float:
        return here.filtered.threshold(false_alarm) if threshold is None else threshold

    search = _with_all(search, needed)
    # What is left shows the noise as it is, and sources that were noise before.
    for _ in range(_NOISE_ROUNDS):
        search = search.with_measured_noise()
        before = len(search.sources)
        search = _with_all(search, needed)
        search = _split(search, threshold)
        search = _pruned(search, needed, threshold)
        if len(search.sources) == before:
            break
    search = search.refit(search.fit.parameters) or search
    return search, needed(search)


def _with_all(search: Search, needed: Callable[[Search], float]) -> Search:
    """Add sources until none stands out."""
    for _ in range(_ROUNDS):
        room = _MOST_SOURCES - len(search.sources)
        least = needed(search)
        peaks = search.filtered.peaks(
            search.readings.graph,
            min(least, search.filtered.threshold(_LOOSE)),
            least,
            search.readings.samples.spacing_deg,
            _PEAKS_APART_HPBW * search.hpbw_deg,
        )
        peaks = peaks.take(_away(search, peaks, max(least, _SECOND_SIGMA)))
        if not peaks.z.size or room <= 0:
            return search
        # Of several at once those that cannot be sidelobes of each other.
        far = [0]
        for place in range(1, peaks.z.size):
            strong = peaks.z[place] > _WITH_THE_HIGHEST * peaks.z[0]
            if strong and all(
                separation(
                    peaks.azimuth_deg[place],
                    peaks.elevation_deg[place],
                    peaks.azimuth_deg[other],
                    peaks.elevation_deg[other],
                )
                > _APART_HPBW * search.hpbw_deg
                for other in far
            ):
                far.append(place)
        chosen = peaks.take(np.array(far[:room], dtype=np.intp))
        power = _powers(search, chosen.power, chosen.azimuth_deg, chosen.elevation_deg)
        new = source_rows(power, chosen.azimuth_deg, chosen.elevation_deg)
        joined = search.with_sources(
            np.vstack([search.sources, new]), steps=_JOIN_STEPS, enough=_JOIN_ENOUGH
        )
        if joined is None or search.gain(joined) <= 0.0:
            return search
        search = joined
    return search


def _away(search: Search, peaks: Found, sure: float) -> NDArray[np.intp]:
    """Which peaks are more than a part of a source that is there: `_split` asks for those."""
    sources = np.degrees(search.sources[:, 1:])
    distance = separation(
        peaks.azimuth_deg[:, None], peaks.elevation_deg[:, None], sources[:, 0], sources[:, 1]
    )
    near = (distance < _BESIDE_HPBW * search.hpbw_deg).any(axis=1)
    return np.flatnonzero(~near | (peaks.z > sure * search.filtered.spread))


def _powers(search: Search, linear: Floats, azimuth_deg: Floats, elevation_deg: Floats) -> Floats:
    """Powers to begin with: what a reading rises by, taken through the response."""
    there = search.model.at(azimuth_deg, elevation_deg).power(search.fit.parameters)
    if search.model.kind == "linear":
        return linear
    return np.asarray(there * np.expm1(np.minimum(linear / there, 20.0)))


def _split(search: Search, threshold: float | None) -> Search:
    """Take each source for two, where that explains more than noise would."""
    pair, second = (_PAIR_SIGMA, _SECOND_SIGMA) if threshold is None else (threshold, threshold)
    for _ in range(_SWEEPS):
        before = search
        # From the last on: two that take the place of one come to the end, for the next sweep.
        for place in range(len(search.sources) - 1, -1, -1):
            if len(search.sources) >= _MOST_SOURCES:
                return search
            spread = search.filtered.fine_spread
            beside = search.beside(place)
            # A score that falls well short will not make it by refinement.
            if beside.z[0] < _PROMISING * pair * spread:
                continue
            halves, extra = _two_for_one(search, place, beside)
            for sources, equal, least in ((halves, True, pair), (extra, False, second)):
                other = search.with_sources(
                    sources, steps=_JOIN_STEPS, enough=_JOIN_ENOUGH, equal=equal
                )
                if other is not None and search.gain(other) > (least * spread) ** 2:
                    search = other.refit(other.fit.parameters, steps=_JOIN_STEPS) or other
                    break
        if search is before:
            break
    return search


def _two_for_one(search: Search, place: int, beside: Found) -> tuple[Floats, Floats]:
    """Two halves of a source, and one more beside it, where that would explain most."""
    sources = search.sources
    log_power, azimuth, elevation = sources[place]
    az, el = float(np.degrees(azimuth)), float(np.degrees(elevation))
    others = np.delete(sources, place, axis=0)
    power = float(np.exp(log_power))
    x, y = _towards(az, el, float(beside.azimuth_deg[0]), float(beside.elevation_deg[0]))
    step = 0.5 * _HALVES_HPBW * search.hpbw_deg
    ends = from_plane(
        np.array([step * x, -step * x]), np.array([step * y, -step * y]), az, el, "arc"
    )
    halves = np.vstack([others, source_rows([0.5 * power] * 2, *ends)])
    much = float(np.clip(beside.power[0], 0.05 * power, 0.9 * power))
    extra = np.vstack(
        [
            others,
            source_rows([power - 0.5 * much], [az], [el]),
            source_rows([much], beside.azimuth_deg[:1], beside.elevation_deg[:1]),
        ]
    )
    return halves, extra


def _towards(az: float, el: float, to_az: float, to_el: float) -> tuple[float, float]:
    x, y = to_plane(to_az, to_el, az, el, projection="arc")
    length = float(np.hypot(x, y))
    return (float(x) / length, float(y) / length) if length > 0.0 else (1.0, 0.0)


def _pruned(search: Search, needed: Callable[[Search], float], threshold: float | None) -> Search:
    """Without the sources that the readings do not need, weakest first."""
    while len(search.sources):
        spread = search.filtered.spread
        least = needed(search) * spread
        beside = (_PAIR_SIGMA if threshold is None else threshold) * search.filtered.fine_spread
        snr = 1.0 / search.conditional_errors()
        for place in np.argsort(snr):
            if snr[place] > _SURE * least:
                return search
            poorer = search.with_sources(
                np.delete(search.sources, place, axis=0), steps=_JOIN_STEPS, enough=_PRUNE_ENOUGH
            )
            if poorer is None:
                continue
            enough = beside if _is_beside(search, int(place)) else least
            if -search.gain(poorer) < enough**2:
                search = poorer
                break
        else:
            return search
    return search


def _is_beside(search: Search, place: int) -> bool:
    """Whether a source is one of a pair: without it there would still be one."""
    directions = np.degrees(search.sources[:, 1:])
    distance = separation(*directions[place], *np.delete(directions, place, axis=0).T)
    return bool(np.any(distance < _BESIDE_HPBW * search.hpbw_deg))


def _begin_without_pattern(
    readings: Readings, false_alarm: float, threshold: float | None
) -> Search | float:
    """A search with a beam from the map itself, or the threshold that nothing exceeds."""
    share = false_alarm / len(_BANK)
    spacing = readings.samples.spacing_deg
    kept = readings.kept(_BANK[0] * spacing)
    highest = 0.0
    for width in _BANK:
        beam = GaussianPattern(min(width * spacing, 60.0))
        blind = Search.begin(readings, beam, _FITTED_WIDTH_ERROR, kept).with_measured_noise()
        needed = blind.filtered.threshold(share) if threshold is None else threshold
        highest = max(highest, needed)
        step = min(spacing, beam.hpbw_deg[0])
        if blind.filtered.peaks(readings.graph, needed, needed, step, step).z.size:
            sky = build_up(replace(readings.samples.take(kept), noise=readings.noise))
            return _from_sky(readings, sky, kept)
    return highest


def _from_sky(readings: Readings, sky: Sky, kept: NDArray[np.bool_]) -> Search:
    pattern = FittedBeam.of(sky.model.beam, sky.beam)
    slope = float(sky.block("response")[1])
    search = Search.begin(readings, pattern, _FITTED_WIDTH_ERROR, kept, slope)
    joined = search.with_sources(sky.sources)
    return search if joined is None else joined


def _table(
    ds: xr.Dataset,
    search: Search | None,
    readings: Readings,
    threshold: float,
    false_alarm: float,
) -> QTable:
    samples = readings.samples
    count = 0 if search is None else len(search.sources)
    azimuth, elevation, covariance = np.zeros(count), np.zeros(count), np.zeros((count, 2, 2))
    power, power_error, snr = np.zeros(count), np.zeros(count), np.zeros(count)
    if search is not None and count:
        sources = search.sources
        azimuth = wrap_azimuth(np.degrees(sources[:, 1]))
        elevation = np.degrees(sources[:, 2])
        power = np.exp(sources[:, 0])
        order = np.flatnonzero(search.fit.free)
        everything = search.fit.covariance() * search.filtered.spread**2
        first = search.model.blocks(count)["sources"].start
        for place in range(count):
            at = np.searchsorted(order, first + 3 * place + np.arange(3))
            own = everything[np.ix_(at, at)]
            power_error[place] = power[place] * np.sqrt(own[0, 0])
            across = np.array([np.cos(sources[place, 2]), 1.0])
            covariance[place] = np.degrees(np.degrees(own[1:, 1:])) * np.outer(across, across)
        snr = 1.0 / (search.conditional_errors() * search.filtered.spread)
    columns = {
        "azimuth": azimuth * u.deg,
        "elevation": elevation * u.deg,
        "azimuth_error": np.sqrt(covariance[:, 0, 0]) / np.cos(np.radians(elevation)) * u.deg,
        "elevation_error": np.sqrt(covariance[:, 1, 1]) * u.deg,
        "covariance": covariance * u.deg**2,
        "power": power,
        "power_error": power_error,
        "snr": snr,
    }
    time = samples_of(ds)["time"].values
    timed = not np.isnat(time).any()
    if timed:
        columns["time"] = _times(
            time, samples.azimuth_deg, samples.elevation_deg, azimuth, elevation
        )
    table = QTable(columns)
    table = table[np.argsort(-power)]
    table.meta.update(_meta(ds, search, readings, threshold, false_alarm))
    if timed:
        table.meta["time"] = Time(time.astype("int64").mean().astype("datetime64[ns]"))
    return table


def _times(
    time: NDArray[np.datetime64],
    azimuth_deg: Floats,
    elevation_deg: Floats,
    sources_azimuth: Floats,
    sources_elevation: Floats,
) -> Time:
    """When the beam was nearest to each source."""
    seen = (
        unit_vector(sources_azimuth, sources_elevation) @ unit_vector(azimuth_deg, elevation_deg).T
    )
    if not len(seen):
        return Time(np.array([], dtype="datetime64[ns]"))
    return Time(time[seen.argmax(axis=1)])


def _meta(
    ds: xr.Dataset,
    search: Search | None,
    readings: Readings,
    threshold: float,
    false_alarm: float,
) -> dict[str, object]:
    samples = readings.samples
    azimuth = unroll_azimuth(samples.azimuth_deg)
    west, east = float(azimuth.min()), float(azimuth.max())
    if east - west + 1.5 * samples.spacing_deg >= 360.0:
        west, east = 0.0, 360.0
    region = (
        (west, east),
        (float(samples.elevation_deg.min()), float(samples.elevation_deg.max())),
    )
    known = samples.response_known
    meta: dict[str, object] = {
        "units": samples.units,
        "power": f"10^({samples.units}/10)" if known else "of the floor",
        "threshold": float(threshold),
        "false_alarm": false_alarm,
        "region": region,
        "noise": readings.noise,
    }
    site = location_of(ds)
    if site is not None:
        meta["location"] = site
    if search is not None:
        meta |= {
            "upper_limit": search.upper_limit(threshold),
            "hpbw_deg": tuple(float(width) for width in search.pattern.hpbw_deg),
            "noise": search.noise.sigma,
            "drift": search.noise.drift,
            "drift_readings": search.noise.length,
            "rejected": int(np.count_nonzero(~search.kept)),
        }
    return meta
