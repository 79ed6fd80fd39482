"""One map, searched: its noise, what is known of it so far, and where something more stands out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from skyscan_lab.antenna import AntennaPattern
from skyscan_lab.forward import ForwardModel
from skyscan_lab.forward.inverse import covariance_of
from skyscan_lab.interference.bursts import bursts
from skyscan_lab.interference.excursions import Extent, extent_of, threshold_for
from skyscan_lab.interference.matched_filter import Found, Known, MatchedFilter, apart, around
from skyscan_lab.interference.mesh import Mesh, mesh_of
from skyscan_lab.interference.scan_noise import Precision, ScanNoise, fit_scan_noise, noise_along
from skyscan_lab.session.scans import scans_of
from skyscan_lab.solving.buildup import FLOOR
from skyscan_lab.solving.joint_fit import JointFit, Prior, fit_jointly
from skyscan_lab.solving.pattern_beam import PatternBeam
from skyscan_lab.solving.samples import Samples, samples_for_fit

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_RADIUS_HPBW = 1.2
# The scatter of the filtered map is 1 if the noise is what it is taken for: that is believed as
# much as the scatter of so many beams; and more where a beam is told from two, by its readings.
_BELIEVED = 30.0
_BELIEVED_BESIDE = 200.0
_CLIP = 2.5
_CLIPPED_VARIANCE = 0.91126
_LOG10 = float(np.log(10.0))
# Until the readings say better, the strongest source is so many dB above the floor; and then that
# is known to a factor of e^½ or so.
_PEAK_DB = 10.0
_SLOPE_ERROR = 0.5
_FEWEST_PEAKS = 0.6
_CERTAIN = 2.0
_EXPLAINED = 3.0
_STRONG = 10.0
# A step that lowers the cost by less is the last.
_ENOUGH = 1e-3
_RING_HPBW = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
_RING_WAYS = 12
_ONE_SIDED_95 = 1.645


@dataclass(frozen=True, eq=False)
class Readings:
    """Readings of a session in the order of measurement, and how they lie.

    Attributes
    ----------
    samples : Samples
        The readings.
    scans : list of ndarray of int
        Those of each scan.
    scan : ndarray of int, shape (n,)
        Which scan each belongs to.
    graph : csr_array
        Which are neighbours.
    mesh : Mesh
        Triangles between them.
    """

    samples: Samples
    scans: list[NDArray[np.intp]]
    scan: NDArray[np.intp]
    graph: csr_array
    mesh: Mesh

    @classmethod
    def of(cls, ds: xr.Dataset) -> Readings:
        """Of a session of one channel."""
        raveled = samples_for_fit(ds)
        order = np.argsort(ds["sequence"].values.ravel()[raveled.cells], kind="stable")
        samples = raveled.take(order)
        scans = scans_of(ds)
        scan = np.zeros(samples.readings.size, dtype=np.intp)
        for number, members in enumerate(scans):
            scan[members] = number
        mesh = mesh_of(samples.azimuth_deg, samples.elevation_deg)
        return cls(samples, scans, scan, mesh.graph(samples.readings.size), mesh)

    @cached_property
    def least_noise(self) -> float:
        """Standard deviation of rounding."""
        steps = np.diff(np.unique(self.samples.readings))
        step = float(steps.min()) if steps.size else 0.0
        return max(step / float(np.sqrt(12.0)), 1e-9)

    @cached_property
    def noise(self) -> float:
        """Of one reading about its scan."""
        return max(noise_along(self.samples.readings, self.scans), self.least_noise)

    def kept(self, hpbw_deg: float) -> Mask:
        """All but those that no beam of that width allows."""
        samples = self.samples
        return ~bursts(
            samples.azimuth_deg,
            samples.elevation_deg,
            samples.readings,
            self.scan,
            self.graph,
            hpbw_deg,
            self.noise,
        )


@dataclass(frozen=True, eq=False)
class Filtered:
    """A map, filtered for one more source.

    Attributes
    ----------
    filter : MatchedFilter
        For other directions.
    found : Found
        At the readings.
    spread : float
        Standard deviation of its z.
    fine_spread : float
        The same, for what differs within a beam.
    extent : Extent
        Its size.
    freedom : float
        How well the spread is known, in independent numbers.
    """

    filter: MatchedFilter
    found: Found
    spread: float
    fine_spread: float
    extent: Extent
    freedom: float

    def threshold(self, false_alarm: float) -> float:
        """In standard deviations, for so many false alarms a map."""
        return threshold_for(false_alarm, self.extent, self.freedom)

    def peaks(
        self, graph: csr_array, least: float, needed: float, step_deg: float, apart_deg: float
    ) -> Found:
        """Peaks above some standard deviations, highest first, away from each other.

        Where a reading may be a burst, it takes as many as are `needed` in the end without it.
        """
        z, z_least = self.found.z, least * self.spread
        start = np.repeat(np.arange(z.size), np.diff(graph.indptr))
        highest = np.full(z.size, -np.inf)
        np.maximum.at(highest, start, z[graph.indices])
        top = np.flatnonzero((z >= highest) & (z > _FEWEST_PEAKS * z_least))
        if not top.size:
            return self.found.take(top)
        climbed = self.filter.climb(
            self.found.azimuth_deg[top], self.found.elevation_deg[top], step_deg
        )
        climbed = climbed.take(np.flatnonzero(climbed.z > z_least))
        # Of a strong source a single reading may say what the pattern does not know.
        weak = np.flatnonzero(climbed.z < _CERTAIN * needed * self.spread)
        sure = np.ones(climbed.z.size, dtype=bool)
        alone = self.filter.without_bursts(climbed.take(weak))
        sure[weak] = (alone == climbed.z[weak]) | (alone > needed * self.spread)
        climbed = climbed.take(np.flatnonzero(sure))
        return climbed.take(np.array(apart(climbed, apart_deg), dtype=np.intp))


@dataclass(frozen=True, eq=False)
class Search:
    """What is known of a map so far.

    Attributes
    ----------
    readings : Readings
        The map.
    pattern : AntennaPattern
        The beam.
    model : ForwardModel
        Of the readings.
    kept : ndarray of bool, shape (n,)
        Readings that count.
    noise : ScanNoise
        Of the readings.
    slope : float
        Of the response, as it is taken to be beforehand.
    fit : JointFit
        Of the model.
    """

    readings: Readings
    pattern: AntennaPattern
    model: ForwardModel
    kept: Mask
    noise: ScanNoise
    slope: float
    fit: JointFit

    @classmethod
    def begin(
        cls,
        readings: Readings,
        pattern: AntennaPattern,
        width_error: float,
        kept: Mask,
        slope: float | None = None,
    ) -> Search:
        """A map of which nothing is known but its floor.

        The slope of the response, in units for a decade, is taken from the units where they say it;
        otherwise it is a guess to begin with, by default from the strongest reading.
        """
        samples = readings.samples
        beam = PatternBeam(pattern, width_error)
        model = ForwardModel(samples.azimuth_deg, samples.elevation_deg, beam, samples.kind, FLOOR)
        level = float(np.median(samples.readings[kept]))
        if samples.response_known:
            response, floor = [0.0, 10.0, 0.0], 10.0 ** (level / 10.0)
        else:
            rise = max(float(samples.readings[kept].max()) - level, 10.0 * readings.noise)
            response, floor = [level, slope or rise * 10.0 / _PEAK_DB, 0.0], 1.0
        start = model.join(
            response=response,
            floor=[floor, *np.zeros(len(FLOOR))],
            sources=np.zeros((0, 3)),
            beam=[0.0],
        )
        spread = 1.4826 * float(np.median(np.abs(samples.readings[kept] - level)))
        # Of the drift nothing is known yet, but that it is in the scatter of all.
        noise = ScanNoise(max(spread, readings.noise))
        precision = noise.precision(readings.scans, kept)
        fit = _fitted(model, readings.samples, precision, response[1], start)
        if fit is None:
            raise AssertionError("a floor alone always has a reading")
        return cls(readings, pattern, model, kept, noise, response[1], fit)

    @property
    def sources(self) -> Floats:
        """Log power, azimuth and elevation of each, radians."""
        return self.model.sources_of(self.fit.parameters)

    @property
    def hpbw_deg(self) -> float:
        """Geometric mean of the beam's widths."""
        return float(np.sqrt(np.prod(self.pattern.hpbw_deg)))

    @cached_property
    def precision(self) -> Precision:
        """Inverse covariance of the readings."""
        return self.noise.precision(self.readings.scans, self.kept, self._added)

    @cached_property
    def _added(self) -> Floats | None:
        """Variance for what a beam is not known by: as if each reading of a source erred alone."""
        beam = self.model.beam
        if not len(self.sources) or not isinstance(beam, PatternBeam):
            return None
        power = self.model.power(self.fit.parameters)
        blocks = self.model.blocks(len(self.sources))
        floor = self.model.floor_terms @ self.fit.parameters[blocks["floor"]]
        slope = self.fit.parameters[blocks["response"]][1]
        share = beam.width_error * np.clip(1.0 - floor / power, 0.0, 1.0)
        added = (slope / _LOG10 * share) ** 2
        return np.asarray(added) if added.max() > (0.1 * self.noise.sigma) ** 2 else None

    def refit(
        self,
        start: Floats,
        noise: ScanNoise | None = None,
        *,
        steps: int = 40,
        enough: float = _ENOUGH,
    ) -> Search | None:
        """Fit from some parameters, in the noise that is known, or another one."""
        search = self if noise is None else replace(self, noise=noise)
        fit = _fitted(
            self.model,
            self.readings.samples,
            search.precision,
            self.slope,
            start,
            steps=steps,
            enough=enough,
        )
        return None if fit is None else replace(search, fit=fit)

    def gain(self, other: Search) -> float:
        """By how much another fit that was begun here lowers the cost."""
        residual = self.fit.residual
        blocks = self.model.blocks(len(self.sources))
        away = self.fit.parameters[blocks["beam"]]
        own = residual @ self.precision.times(residual)
        own += float(np.sum((away / self.model.beam.prior_sigma) ** 2))
        if not self.readings.samples.response_known:
            slope = self.fit.parameters[blocks["response"]][1]
            own += ((slope - self.slope) / (_SLOPE_ERROR * self.slope)) ** 2
        return float(own - other.fit.cost)

    def with_sources(
        self,
        sources: Floats,
        *,
        steps: int = 40,
        enough: float = _ENOUGH,
        equal: bool = False,
    ) -> Search | None:
        """The same map with other sources, fitted; the last two of equal power where asked for."""
        parameters = self.fit.parameters
        blocks = self.model.blocks(len(self.sources))
        start = self.model.join(
            response=parameters[blocks["response"]],
            floor=parameters[blocks["floor"]],
            sources=sources,
            beam=parameters[blocks["beam"]],
        )
        fit = _fitted(
            self.model,
            self.readings.samples,
            self.precision,
            self.slope,
            start,
            steps=steps,
            enough=enough,
            equal=equal,
        )
        return None if fit is None else replace(self, fit=fit)

    def with_measured_noise(self) -> Search:
        """The same map, in the noise that its residual shows."""
        noise = fit_scan_noise(
            self.fit.residual,
            self.readings.scans,
            self.kept,
            self.readings.least_noise,
            max(1.0, self.hpbw_deg / self.readings.samples.spacing_deg),
        )
        # On the flank of a strong source a reading may have looked like a burst: if a source that
        # was found explains it, it counts again.
        kept = self.kept | (np.abs(self.fit.residual) < _EXPLAINED * noise.sigma) & (
            self._rise > _STRONG * noise.sigma
        )
        again = replace(self, kept=kept).refit(self.fit.parameters, noise)
        return self if again is None else again

    @property
    def _rise(self) -> Floats:
        """What the sources add to each reading."""
        blocks = self.model.blocks(len(self.sources))
        power = self.model.power(self.fit.parameters)
        floor = self.model.floor_terms @ self.fit.parameters[blocks["floor"]]
        slope = self.fit.parameters[blocks["response"]][1]
        return np.asarray(slope * np.log10(np.maximum(power / floor, 1.0)))

    @cached_property
    def filtered(self) -> Filtered:
        """The map, filtered for one more source."""
        samples, precision = self.readings.samples, self.precision
        radius = _RADIUS_HPBW * max(self.pattern.hpbw_deg)
        blocks = self.model.blocks(len(self.sources))
        slope = self.fit.parameters[blocks["response"]][1]
        by_power = slope / (_LOG10 * self.model.power(self.fit.parameters))
        width = float(np.exp(self.fit.parameters[blocks["beam"]][0])) if len(self.sources) else 1.0
        matched = MatchedFilter(
            samples.azimuth_deg,
            samples.elevation_deg,
            self.pattern if width == 1.0 else Widened(self.pattern, width),
            radius,
            by_power,
            precision.times(self.fit.residual),
            precision,
            Known(self.fit.weighted, self.fit.covariance()),
        )
        found = matched.at(samples.azimuth_deg, samples.elevation_deg)
        extent = extent_of(
            self.readings.mesh, samples.azimuth_deg, samples.elevation_deg, found.metric
        )
        own = extent.area / np.pi
        measured = _spread(found.z)
        freedom = own + _BELIEVED

        def believed(much: float) -> float:
            return float(np.sqrt((own * measured**2 + much) / (own + much)))

        return Filtered(
            matched, found, believed(_BELIEVED), believed(_BELIEVED_BESIDE), extent, freedom
        )

    def beside(self, place: int) -> Found:
        """What stands out beside a source, best first: where a second one may be."""
        _, azimuth, elevation = self.sources[place]
        az, el = around(
            float(np.degrees(azimuth)),
            float(np.degrees(elevation)),
            _RING_HPBW * self.hpbw_deg,
            _RING_WAYS,
        )
        found = self.filtered.filter.at(az, el)
        return found.take(np.argsort(-found.z))

    def conditional_errors(self) -> Floats:
        """Error of the logarithm of each power, its place and the response given; shape (s,).

        A source at the rim of the map may be a stronger one farther out: its power is uncertain,
        but not that it is there.
        """
        count = len(self.sources)
        blocks = self.model.blocks(count)
        order = np.flatnonzero(self.fit.free)
        errors = np.empty(count)
        for place in range(count):
            first = blocks["sources"].start + 3 * place
            rest = (order >= blocks["response"].stop) & (order != first + 1) & (order != first + 2)
            covariance = covariance_of(self.fit.information[np.ix_(rest, rest)])
            at = int(np.searchsorted(order[rest], first))
            errors[place] = np.sqrt(covariance[at, at])
        return errors

    def upper_limit(self, threshold: float) -> float:
        """Power of a source that would be found with 95 %, in the median over the map."""
        needed = (threshold + _ONE_SIDED_95) * self.filtered.spread
        error = self.filtered.found.error
        return needed * float(np.median(error[np.isfinite(error)]))


@dataclass(frozen=True)
class Widened:
    """A pattern, so many times as wide."""

    pattern: AntennaPattern
    factor: float

    @property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power."""
        first, second = self.pattern.hpbw_deg
        return self.factor * first, self.factor * second

    def gain(self, cross_elevation_deg: object, elevation_offset_deg: object) -> Floats:
        """Gain relative to the peak."""
        x, y = (np.asarray(v, dtype=float) for v in (cross_elevation_deg, elevation_offset_deg))
        return self.pattern.gain(x / self.factor, y / self.factor)

    def gradient(
        self, cross_elevation_deg: object, elevation_offset_deg: object
    ) -> tuple[Floats, Floats, Floats]:
        """Gain and its derivatives to both offsets, per degree."""
        x, y = (np.asarray(v, dtype=float) for v in (cross_elevation_deg, elevation_offset_deg))
        gain, by_x, by_y = self.pattern.gradient(x / self.factor, y / self.factor)
        return gain, by_x / self.factor, by_y / self.factor


def _fitted(
    model: ForwardModel,
    samples: Samples,
    precision: Precision,
    slope: float,
    start: Floats,
    *,
    steps: int = 40,
    enough: float = _ENOUGH,
    equal: bool = False,
) -> JointFit | None:
    """Fit everything that can be: a response that is known stays, and so does a beam unseen."""
    blocks = model.blocks(model.count(start))
    free = np.ones(start.size, dtype=bool)
    weight, mean = np.zeros(start.size), np.zeros(start.size)
    free[blocks["response"].stop - 1] = False
    if samples.response_known:
        free[blocks["response"]] = False
    else:
        free[blocks["floor"].start] = False
        place = blocks["response"].start + 1
        mean[place], weight[place] = slope, (_SLOPE_ERROR * slope) ** -2.0
    if not model.count(start):
        free[blocks["beam"]] = False
        free[blocks["response"].start + 1] = False
    weight[blocks["beam"]] = model.beam.prior_sigma**-2.0
    prior = Prior(mean, weight)
    return fit_jointly(
        model,
        samples.readings,
        precision,
        prior,
        start,
        free,
        steps=steps,
        enough=enough,
        # Powers of the last two sources.
        same=(blocks["sources"].stop - 6, blocks["sources"].stop - 3) if equal else None,
    )


def _spread(z: Floats) -> float:
    """Standard deviation, without what stands out: sources not found yet are no noise."""
    spread = 1.4826 * float(np.median(np.abs(z)))
    for _ in range(4):
        inside = np.abs(z) < _CLIP * spread
        if not inside.any():
            break
        spread = float(np.sqrt(np.mean(z[inside] ** 2) / _CLIPPED_VARIANCE))
    return max(spread, 1e-12)
