"""A sky from nothing: sources one by one, each where it explains most, then a richer beam.

No catalogue is asked. Positions, powers, beam, floor and response are all free, and all of them
move with every source that joins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from skyscan_lab.forward import (
    ApertureBeam,
    Beam,
    Fit,
    ForwardModel,
    Ties,
    least_squares,
    modes_up_to,
    source_rows,
)
from skyscan_lab.forward.model import FloorTerm
from skyscan_lab.solving.evidence import beam_gain, information_gain
from skyscan_lab.solving.samples import Samples
from skyscan_lab.solving.widths import half_power_widths
from skyscan_lab.sphere import unit_vector

Floats = NDArray[np.float64]

FLOOR: tuple[FloorTerm, ...] = ("elevation", "azimuth")

_MOST_PARAMETERS = 85
_JOIN_STEPS, _JOIN_TOLERANCE = 25, 3e-4
_END_STEPS, _END_TOLERANCE = 150, 1e-6
_FIRST_SOURCES = 3
_MOST_FIRST_SOURCES = 8
_CHUNK = 16_384
_TRIES = 3
_TRIALS = 4
_FAR_ABOVE = 3.0
# Of the strongest source over the floor, until the readings say better.
_PEAK_DB = 10.0
# Of beams to begin with, in spacings of the samples.
_WIDTHS = (1.3, 2.5, 6.0, 14.0)
_FLOOR_PERCENTILE = 5.0


@dataclass(frozen=True, eq=False)
class Sky:
    """A model of a session, fitted.

    Attributes
    ----------
    samples : Samples
        What was fitted.
    model : ForwardModel
        The model.
    fit : Fit
        Its least squares.
    slope_held : bool
        Whether an unknown slope of the response is not fitted yet.
    """

    samples: Samples
    model: ForwardModel
    fit: Fit
    slope_held: bool = False

    @property
    def sources(self) -> Floats:
        """Log power, azimuth and elevation of each source, radians; shape (s, 3)."""
        return self.model.sources_of(self.fit.parameters)

    @property
    def beam(self) -> Floats:
        """Parameters of the beam."""
        return self.block("beam")

    @cached_property
    def hpbw_deg(self) -> float:
        """Geometric mean of the beam's two widths."""
        first, second, _ = half_power_widths(self.model.beam, self.beam)
        return float(np.sqrt(first * second))

    def predict(self, azimuth_deg: Floats, elevation_deg: Floats) -> Floats:
        """What would be read in other directions, in the session's units."""
        values = np.full(azimuth_deg.size, np.nan)
        shown = self._shown(azimuth_deg, elevation_deg)
        there = self.model.at(azimuth_deg[shown], elevation_deg[shown])
        found = there.evaluate(self.fit.parameters, jacobian=False)
        if found is not None:
            values[shown] = found.value
        return values

    def prediction_error(self, azimuth_deg: Floats, elevation_deg: Floats) -> Floats:
        """Standard error of `predict` from that of the free numbers, for independent readings."""
        covariance = self.fit.covariance() * (self.fit.scatter / self.samples.noise) ** 2
        spread = self.fit.ties.expand(self.fit.numbers)[1]
        variance = np.full(azimuth_deg.size, np.nan)
        shown = np.flatnonzero(self._shown(azimuth_deg, elevation_deg))
        for start in range(0, shown.size, _CHUNK):
            part = shown[start : start + _CHUNK]
            there = self.model.at(azimuth_deg[part], elevation_deg[part])
            found = there.evaluate(self.fit.parameters)
            if found is not None:
                jacobian = found.jacobian @ spread
                variance[part] = np.einsum("mf,mf->m", jacobian @ covariance, jacobian)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))

    def _shown(self, azimuth_deg: Floats, elevation_deg: Floats) -> NDArray[np.bool_]:
        """Where there is a power that a receiver could show: a floor that falls may end."""
        power = self.model.at(azimuth_deg, elevation_deg).power(self.fit.parameters)
        return np.asarray(power > 0.0)

    def block(self, name: str) -> Floats:
        """A block of the parameters."""
        blocks = self.model.blocks(len(self.sources))
        return self.fit.parameters[blocks[name]]


def build_up(
    samples: Samples,
    *,
    most_parameters: int = _MOST_PARAMETERS,
    most_sources: int = 64,
    orders: Sequence[int] = (2, 3),
    family: Beam | None = None,
) -> Sky:
    """Model a session from its readings alone.

    Parameters
    ----------
    samples : Samples
        The readings.
    most_parameters : int
        The model has no more of them.
    most_sources : int
        Nor more sources.
    orders : sequence of int
        Up to which order of Zernike modes the beam may grow, in steps.
    family : Beam, optional
        Family of the beam before it grows; by default the blocked Airy. Of another one than the
        antenna's, sources that are not there make up for the difference.

    Returns
    -------
    Sky
        The model to which nothing can be added that would pay by `information_gain`.
    """
    sky = _first_sources(samples, most_sources, most_parameters, family or ApertureBeam())
    # The first step of a richer beam will need its room.
    room = most_parameters - (len(modes_up_to(min(orders))) if orders else 0)
    sky = _with_more_sources(sky, most_sources, room)
    sky = refit(sky, sky.fit.parameters)
    for order in orders:
        richer = with_beam(sky, ApertureBeam(modes_up_to(order)))
        if richer.fit.numbers.size > most_parameters:
            break
        if beam_gain(sky.fit, richer.fit, samples, sky.hpbw_deg) > 0.0:
            # A better beam shows sources that a worse one hid.
            sky = _with_more_sources(richer, most_sources, most_parameters)
    return without_idle_sources(sky)


def refit(
    sky: Sky,
    parameters: Floats,
    *,
    model: ForwardModel | None = None,
    steps: int = _END_STEPS,
    tolerance: float = _END_TOLERANCE,
) -> Sky:
    """Fit a sky anew from some parameters, with everything free that can be."""
    chosen = sky.model if model is None else model
    ties = free_ties(chosen, parameters, sky.samples, slope_held=sky.slope_held)
    weights = np.full(sky.samples.readings.size, sky.samples.noise**-2.0)
    fit = least_squares(
        chosen, sky.samples.readings, weights, ties, steps=steps, tolerance=tolerance
    )
    return replace(sky, model=chosen, fit=fit)


def free_ties(
    model: ForwardModel, parameters: Floats, samples: Samples, *, slope_held: bool = False
) -> Ties:
    """What can be free: with a known response its own terms are not, without one the floor is 1."""
    blocks = model.blocks(model.count(parameters))
    free = np.ones(parameters.size, dtype=bool)
    free[blocks["response"].stop - 1] = False  # compression is for those who ask for it
    if slope_held:
        free[blocks["response"].start + 1] = False
    if samples.response_known:
        free[blocks["response"]] = False
    else:
        free[blocks["floor"].start] = False
    return Ties(parameters, free)


def with_beam(sky: Sky, beam: Beam) -> Sky:
    """The same sky through a richer beam, or one of another family, fitted."""
    model, parameters = begin_with_beam(sky, beam)
    return refit(sky, parameters, model=model)


def begin_with_beam(sky: Sky, beam: Beam) -> tuple[ForwardModel, Floats]:
    """Model with another beam, and the parameters to begin with there."""
    model = replace(sky.model, beam=beam)
    if isinstance(beam, ApertureBeam) and isinstance(sky.model.beam, ApertureBeam):
        values = dict(zip(sky.model.beam.names, sky.beam, strict=True))
        # A touch of each mode: where all are 0, so are the derivatives of the imaginary ones.
        own = np.array([values.get(name, 1e-3) for name in beam.names])
    else:
        first, second, _ = half_power_widths(sky.model.beam, sky.beam)
        own = beam.start(float(np.sqrt(first * second)))
    return model, model.join(
        response=sky.block("response"), floor=sky.block("floor"), sources=sky.sources, beam=own
    )


def without_idle_sources(sky: Sky) -> Sky:
    """The sky without sources that its readings do not need, weakest first."""
    while len(sky.sources) > 1:
        order = np.argsort(sky.sources[:, 0])
        for place in order[: max(1, len(order) // 3)]:
            poorer = _join(sky, np.delete(sky.sources, place, axis=0))
            if _gain(poorer, sky) <= 0.0:
                sky = poorer
                break
        else:
            return sky
    return sky


def strongest_candidates(sky: Sky, most: int) -> list[tuple[float, float, float, float]]:
    """Places where one more source would explain most of what is left.

    Parameters
    ----------
    sky : Sky
        What is there.
    most : int
        How many.

    Returns
    -------
    list of (gain, power, azimuth_deg, elevation_deg)
        Decrease of the cost to first order, power of the source, and where. Best first, none
        within a beam of a better one.
    """
    samples, model = sky.samples, sky.model
    power = model.power(sky.fit.parameters)
    # Slope of a logarithmic reading by power; the noise is the same everywhere.
    slope = sky.block("response")[1] / (np.log(10.0) * power)
    vectors = unit_vector(samples.azimuth_deg, samples.elevation_deg)
    reach = np.radians(sky.hpbw_deg)
    tree = KDTree(vectors)
    near = tree.sparse_distance_matrix(tree, reach, output_type="coo_matrix").tocsr()
    near.data = np.exp(-4.0 * np.log(2.0) * (near.data / reach) ** 2)
    near.setdiag(1.0)
    pull = near @ (slope * sky.fit.residual)
    curvature = near.power(2) @ slope**2
    amplitude = pull / curvature
    gain = np.where(amplitude > 0.0, pull**2 / curvature, 0.0)
    found: list[tuple[float, float, float, float]] = []
    taken: list[Floats] = []
    for place in np.argsort(-gain):
        if gain[place] <= 0.0 or len(found) == most:
            break
        if all(vectors[place] @ other < np.cos(reach) for other in taken):
            taken.append(vectors[place])
            found.append(
                (
                    float(gain[place]),
                    float(amplitude[place]),
                    float(samples.azimuth_deg[place]),
                    float(samples.elevation_deg[place]),
                )
            )
    return found


def _first_sources(samples: Samples, most_sources: int, most_parameters: int, family: Beam) -> Sky:
    """The best of several beginnings: neither beam nor response is known yet."""
    best: Sky | None = None
    for sky in _beginnings(samples, family):
        grown = sky
        while len(grown.sources) < min(_MOST_FIRST_SOURCES, most_sources):
            if grown.fit.numbers.size + 3 > most_parameters:
                break
            richer = next(_with_one_more(grown, 1), None)
            if richer is None or (
                len(grown.sources) >= _FIRST_SOURCES
                and not _far_above_noise(grown)
                and _gain(grown, richer) <= 0.0
            ):
                break
            grown = richer
        if best is None or _gain(best, grown) > 0.0:
            best = grown
    if best is None:
        raise AssertionError("there is always a beginning")
    return _join(replace(best, slope_held=False), best.sources)


def _beginnings(samples: Samples, beam: Beam) -> Iterator[Sky]:
    readings = samples.readings
    floor = float(np.percentile(readings, _FLOOR_PERCENTILE))
    top = int(np.argmax(readings))
    rise = max(float(readings[top]) - floor, 1e-6)
    known = samples.response_known
    per_decade = 10.0 if known else rise * 10.0 / _PEAK_DB
    level, offset = (10.0 ** (floor / 10.0), 0.0) if known else (1.0, floor)
    model = ForwardModel(samples.azimuth_deg, samples.elevation_deg, beam, samples.kind, FLOOR)
    weights = np.full(readings.size, samples.noise**-2.0)
    for width in _WIDTHS:
        parameters = model.join(
            response=[offset, per_decade, 0.0],
            floor=[level, *np.zeros(len(FLOOR))],
            sources=source_rows(
                [level * (10.0 ** (rise / per_decade) - 1.0)],
                [samples.azimuth_deg[top]],
                [samples.elevation_deg[top]],
            ),
            beam=beam.start(min(width * samples.spacing_deg, 60.0)),
        )
        # One source and a wide beam would make a straight line of any response.
        ties = free_ties(model, parameters, samples, slope_held=True)
        fit = least_squares(
            model, readings, weights, ties, steps=_JOIN_STEPS, tolerance=_JOIN_TOLERANCE
        )
        yield Sky(samples, model, fit, slope_held=True)


def _with_more_sources(sky: Sky, most_sources: int, most_parameters: int) -> Sky:
    """Add sources as long as they pay.

    While what is left is far above the noise, one more of many that are missing may explain too
    little to pay by itself: then a few join on trial, and pay together or not at all.
    """
    # Half of the readings at least are left to say how good it is.
    most_parameters = min(most_parameters, sky.samples.readings.size // 2)
    on_trial, unpaid = sky, 0
    while len(on_trial.sources) < most_sources and on_trial.fit.numbers.size + 3 <= most_parameters:
        cheapest: Sky | None = None
        for richer in _with_one_more(on_trial, _TRIES if unpaid == 0 else 1):
            if cheapest is None or richer.fit.cost < cheapest.fit.cost:
                cheapest = richer
            if _gain(sky, richer) > 0.0:
                break
        if cheapest is None:
            break
        on_trial = cheapest
        if _gain(sky, on_trial) > 0.0:
            sky, unpaid = on_trial, 0
        else:
            unpaid += 1
            if unpaid > _TRIALS or not _far_above_noise(sky):
                break
    return sky


def _far_above_noise(sky: Sky) -> bool:
    return sky.fit.rms > _FAR_ABOVE * sky.samples.noise


def _with_one_more(sky: Sky, tries: int) -> Iterator[Sky]:
    """Skies with one more source, that which explains most first."""
    least = 0.02 * float(np.exp(sky.sources[:, 0].max()))
    for _, power, azimuth_deg, elevation_deg in strongest_candidates(sky, tries):
        row = source_rows([max(power, least)], [azimuth_deg], [elevation_deg])
        yield _join(sky, np.vstack([sky.sources, row]))


def _join(sky: Sky, sources: Floats) -> Sky:
    """Fit with other sources, as far as it takes to see whether they pay."""
    return refit(sky, _with_sources(sky, sources), steps=_JOIN_STEPS, tolerance=_JOIN_TOLERANCE)


def _with_sources(sky: Sky, sources: Floats) -> Floats:
    return sky.model.join(
        response=sky.block("response"), floor=sky.block("floor"), sources=sources, beam=sky.beam
    )


def _gain(before: Sky, after: Sky) -> float:
    return information_gain(before.fit, after.fit, before.samples, before.hpbw_deg)
