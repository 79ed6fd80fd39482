"""A sky whose sources are those of a list, seen through a mount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from skyscan_lab.forward import Beam, Fit, ForwardModel, Listed, Ties, least_squares
from skyscan_lab.forward.mounting import MOUNT_NAMES, dial_directions
from skyscan_lab.solving.buildup import Sky, begin_with_beam, free_ties, strongest_candidates
from skyscan_lab.solving.evidence import information_gain
from skyscan_lab.sphere import unit_vector

Floats = NDArray[np.float64]

MERGE_DEG = 0.6
"""Listed objects nearer than that to each other are one source."""

# Widths of the beam beyond the map where a source is still seen, in its first sidelobe.
_MARGIN = 1.7
_WEAK = 0.05
_NEAR = 0.3
_TRIES = 5
_TRIAL_STEPS = 10


@dataclass(frozen=True)
class Slot:
    """Listed objects that are seen as one source.

    Attributes
    ----------
    members : tuple of int
        Their places in the list.
    vector : tuple of float
        Middle of their directions, unit vector.
    """

    members: tuple[int, ...]
    vector: tuple[float, float, float]


def slots_of(listed: Floats) -> list[Slot]:
    """Join listed objects that are too near to each other to be told apart.

    Parameters
    ----------
    listed : ndarray, shape (c, 3)
        Their true directions.

    Examples
    --------
    >>> [slot.members for slot in slots_of(unit_vector([10.0, 10.2, 20.0], [30.0, 30.0, 30.0]))]
    [(0, 1), (2,)]
    """
    tree = KDTree(listed)
    graph = tree.sparse_distance_matrix(tree, 2.0 * np.sin(np.radians(MERGE_DEG) / 2.0))
    count, label = connected_components(graph, directed=False)
    slots = []
    for part in range(count):
        members = np.flatnonzero(label == part)
        middle = listed[members].mean(axis=0)
        middle /= np.linalg.norm(middle)
        slots.append(Slot(tuple(members.tolist()), tuple(middle.tolist())))
    return slots


@dataclass(frozen=True, eq=False)
class Belief:
    """What is known of a mount beforehand: mean and standard deviation of each term, radians."""

    mean: Floats
    sigma: Floats


@dataclass(frozen=True, eq=False)
class TiedSky:
    """A fitted sky of listed sources.

    Attributes
    ----------
    sky : Sky
        Model and fit; the slots come first among its sources, then what is on no list.
    slots : tuple of Slot
        Those within reach of the samples.
    """

    sky: Sky
    slots: tuple[Slot, ...]

    @property
    def fit(self) -> Fit:
        """Its least squares."""
        return self.sky.fit

    @property
    def mount(self) -> Floats:
        """Terms of the mount, radians, in the order of `MOUNT_NAMES`."""
        return self.fit.ties.mount_of(self.fit.numbers)


def tie(
    free: Sky,
    slots: Sequence[Slot],
    mount: Floats,
    *,
    terms: Sequence[str] = MOUNT_NAMES[:3],
    belief: Belief,
    steps: int,
) -> TiedSky | None:
    """Fit a sky in which every source is a slot; None where no slot is within reach.

    The beam stays as it is: of a wrong mount it would learn only what is wrong.

    Parameters
    ----------
    free : Sky
        The same readings with free positions: beam, response and powers begin there.
    slots : sequence of Slot
        What is listed.
    mount : ndarray, shape (5,)
        Terms of the mount to begin with, radians.
    terms : sequence of str
        Which of them are free.
    belief : Belief
        What is known of them.
    steps : int
        Most steps of the fit.
    """
    samples, model = free.samples, free.model
    vectors = np.array([slot.vector for slot in slots])
    azimuth, elevation, _ = dial_directions(vectors, mount)
    here = unit_vector(np.degrees(azimuth), np.degrees(elevation))
    pointed = KDTree(unit_vector(samples.azimuth_deg, samples.elevation_deg))
    reach = 2.0 * np.sin(np.radians(min(_MARGIN * free.hpbw_deg, 90.0)) / 2.0)
    seen = pointed.query(here)[0] <= reach
    if not seen.any():
        return None
    vectors, here = vectors[seen], here[seen]
    sources = np.empty((len(vectors), 3))
    sources[:, 0] = _beginning_powers(free, here)
    sources[:, 1], sources[:, 2] = azimuth[seen], elevation[seen]
    parameters = model.join(
        response=free.block("response"), floor=free.block("floor"), sources=sources, beam=free.beam
    )
    sky = _fit(free, model, parameters, vectors, mount, terms, belief, steps, beam_free=False)
    kept = tuple(slot for slot, within in zip(slots, seen, strict=True) if within)
    return TiedSky(sky, kept)


def with_unlisted(tied: TiedSky, most: int, *, most_parameters: int, steps: int) -> TiedSky:
    """Add sources that are on no list, each where it explains most, as long as they pay.

    Where that is the map alone says only to first order, with everything else held still: so a few
    places are tried.
    """
    for _ in range(most):
        tries = [
            _with_source(tied, power, azimuth_deg, elevation_deg, steps=_TRIAL_STEPS)
            for _, power, azimuth_deg, elevation_deg in strongest_candidates(tied.sky, _TRIES)
        ]
        if not tries:
            break
        richer = refine(min(tries, key=lambda one: one.fit.cost), steps=steps)
        gain = information_gain(tied.fit, richer.fit, tied.sky.samples, tied.sky.hpbw_deg)
        if richer.fit.numbers.size > most_parameters or gain <= 0.0:
            break
        tied = richer
    return tied


def _with_source(
    tied: TiedSky, power: float, azimuth_deg: float, elevation_deg: float, *, steps: int
) -> TiedSky:
    sky = tied.sky
    row = [np.log(power), np.radians(azimuth_deg), np.radians(elevation_deg)]
    parameters = sky.model.join(
        response=sky.block("response"),
        floor=sky.block("floor"),
        sources=np.vstack([sky.sources, row]),
        beam=sky.beam,
    )
    return _again(tied, sky.model, parameters, _terms_of(tied), steps)


def refine(
    tied: TiedSky, *, terms: Sequence[str] | None = None, beam: Beam | None = None, steps: int
) -> TiedSky:
    """Fit on from where a fit has ended, or with other terms of the mount, or a richer beam."""
    sky = tied.sky
    chosen = _terms_of(tied) if terms is None else terms
    if beam is None:
        return _again(tied, sky.model, sky.fit.parameters, chosen, steps)
    model, parameters = begin_with_beam(sky, beam)
    return _again(tied, model, parameters, chosen, steps)


def with_slots(
    tied: TiedSky, slots: Sequence[Slot], mount: Floats, *, steps: int, beam_free: bool = True
) -> TiedSky:
    """Fit on with every slot elsewhere, and a mount to begin with that goes with that."""
    vectors = np.array([slot.vector for slot in slots])
    model, parameters, terms = tied.sky.model, tied.sky.fit.parameters, _terms_of(tied)
    belief = _belief_of(tied)
    sky = _fit(tied.sky, model, parameters, vectors, mount, terms, belief, steps, beam_free)
    return TiedSky(sky, tuple(slots))


def _again(
    tied: TiedSky, model: ForwardModel, parameters: Floats, terms: Sequence[str], steps: int
) -> TiedSky:
    vectors = np.array([slot.vector for slot in tied.slots])
    belief = _belief_of(tied)
    sky = _fit(
        tied.sky, model, parameters, vectors, tied.mount, terms, belief, steps, beam_free=True
    )
    return TiedSky(sky, tied.slots)


def _belief_of(tied: TiedSky) -> Belief:
    return Belief(tied.fit.ties.believed, tied.fit.ties.doubt)


def _terms_of(tied: TiedSky) -> tuple[str, ...]:
    listed = tied.fit.ties.listed
    return () if listed is None else listed.free


def _fit(
    sky: Sky,
    model: ForwardModel,
    parameters: Floats,
    vectors: Floats,
    mount: Floats,
    terms: Sequence[str],
    belief: Belief,
    steps: int,
    beam_free: bool,
) -> Sky:
    blocks = model.blocks(model.count(parameters))
    plain = free_ties(model, parameters, sky.samples)
    free = plain.free.copy()
    begin = blocks["sources"].start
    azimuth = begin + 1 + 3 * np.arange(len(vectors))
    free[azimuth] = free[azimuth + 1] = False
    if not beam_free:
        free[blocks["beam"]] = False
    ties = Ties(
        parameters,
        free,
        listed=Listed(azimuth, azimuth + 1, vectors, tuple(terms)),
        mount=mount,
        believed=belief.mean,
        doubt=belief.sigma,
    )
    weights = np.full(sky.samples.readings.size, sky.samples.noise**-2.0)
    fit = least_squares(model, sky.samples.readings, weights, ties, steps=steps)
    return Sky(sky.samples, model, fit)


def _beginning_powers(free: Sky, here: Floats) -> Floats:
    """Log powers of slots: that of the free source which stands there, or little."""
    sources = free.sources
    there = unit_vector(np.degrees(sources[:, 1]), np.degrees(sources[:, 2]))
    distance, nearest = KDTree(there).query(here)
    near = distance <= np.radians(_NEAR * free.hpbw_deg)
    return np.asarray(np.where(near, sources[nearest, 0], _weak_log_power(free)))


def _weak_log_power(sky: Sky) -> float:
    level = abs(float(sky.block("floor")[0]))
    strongest = float(np.exp(sky.sources[:, 0].max()))
    return float(np.log(_WEAK * min(level, strongest)))
