"""Which way a mount was set up, from the constellation of what it sees: plate solving.

Positions alone are asked, and several answers are given: along the geostationary arc a slide fits
nearly as well as the truth, and only the readings themselves can tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from skyscan_lab.forward.mounting import angle_between, terms_of_rotation
from skyscan_lab.sphere import azimuth_difference

Floats = NDArray[np.float64]

_AZIMUTH_STEP_DEG = 1.0
_TILT_STEP_DEG = 2.0
_REACH_DEG = 1.5
_SHARPER = (1.2, 0.8, 0.5, 0.4, 0.3)
_REFINED = 400
_APART_DEG = 1.0
_BATCH = 2048
_TILT_WORTH = 0.02
_LEAST_MATCHES = 2
# Four standard deviations: one mount in three thousand leans more.
_MOST_DOUBT = 8.0


@dataclass(frozen=True, eq=False)
class Attitude:
    """A way in which a mount may have been set up.

    Attributes
    ----------
    terms : ndarray, shape (3,)
        Tilt about north and east, and azimuth zero, radians.
    score : float
        Share of the brightness that stands on listed objects, less what the tilt is worth.
    """

    terms: Floats
    score: float


def attitudes(
    seen: Floats,
    weights: Floats,
    listed: Floats,
    *,
    azimuth_deg: float | None,
    azimuth_sigma_deg: float,
    tilt_sigma_deg: float,
    most: int,
) -> list[Attitude]:
    """Rotations that bring a catalogue onto what was seen, best first.

    Parameters
    ----------
    seen : ndarray, shape (s, 3)
        Directions of sources by the dials, unit vectors.
    weights : ndarray, shape (s,)
        How much each counts.
    listed : ndarray, shape (c, 3)
        True directions of the listed objects.
    azimuth_deg : float or None
        What the dial shows too much in azimuth, as far as that is known; None where nothing is.
    azimuth_sigma_deg, tilt_sigma_deg : float
        How well that, and that the mount stands upright, is known.
    most : int
        How many answers.

    Returns
    -------
    list of Attitude
        None within a degree of a better one.

    Examples
    --------
    >>> from skyscan_lab.sphere import unit_vector
    >>> listed = unit_vector([10.0, 25.0, 60.0, 80.0], [20.0, 40.0, 30.0, 50.0])
    >>> seen = unit_vector([50.0, 65.0, 100.0, 120.0], [20.0, 40.0, 30.0, 50.0])
    >>> best = attitudes(
    ...     seen, np.ones(4), listed,
    ...     azimuth_deg=None, azimuth_sigma_deg=1.0, tilt_sigma_deg=3.0, most=1,
    ... )
    >>> bool(np.allclose(np.degrees(best[0].terms), [0.0, 0.0, 40.0], atol=1e-6))
    True
    """
    weights = weights / weights.sum()
    turns = _turns(azimuth_deg, azimuth_sigma_deg)
    reach = _around(2.0 * tilt_sigma_deg, _TILT_STEP_DEG)
    tilts = np.array([(n, e, 0.0) for n in reach for e in reach])
    upright = Rotation.from_rotvec(np.stack([0 * turns, 0 * turns, np.radians(turns)], axis=-1))
    coarse = []
    for tilt in Rotation.from_rotvec(np.radians(tilts)):
        rotations = (tilt * upright).as_matrix()
        penalty = 0.5 * float(np.degrees(tilt.magnitude()) / tilt_sigma_deg) ** 2
        for start in range(0, len(rotations), _BATCH):
            part = rotations[start : start + _BATCH]
            score = _scores(part, seen, weights, listed, _REACH_DEG)
            coarse.append((score - _TILT_WORTH * penalty, part))
    scores = np.concatenate([score for score, _ in coarse])
    matrices = np.concatenate([part for _, part in coarse])
    refined = [
        _refine(matrices[place], seen, weights, listed) for place in np.argsort(-scores)[:_REFINED]
    ]
    refined = [
        replace(one, score=one.score - _TILT_WORTH * doubt)
        for one in refined
        if (doubt := _doubt(one.terms, azimuth_deg, azimuth_sigma_deg, tilt_sigma_deg))
        <= _MOST_DOUBT
    ]
    refined.sort(key=lambda found: -found.score)
    kept: list[Attitude] = []
    for found in refined:
        if all(_angle_deg(found, other) > _APART_DEG for other in kept):
            kept.append(found)
        if len(kept) == most:
            break
    return kept


def _doubt(
    terms: Floats, azimuth_deg: float | None, azimuth_sigma_deg: float, tilt_sigma_deg: float
) -> float:
    """Half the square of how many standard deviations a mount is off what is known."""
    tilt = np.degrees(np.hypot(terms[0], terms[1]))
    squares = (tilt / tilt_sigma_deg) ** 2
    if azimuth_deg is not None:
        off = azimuth_difference(np.degrees(terms[2]), azimuth_deg)
        squares += (off / azimuth_sigma_deg) ** 2
    return float(squares / 2.0)


def _turns(azimuth_deg: float | None, sigma_deg: float) -> Floats:
    if azimuth_deg is None:
        return np.arange(0.0, 360.0, _AZIMUTH_STEP_DEG)
    return azimuth_deg + _around(3.0 * sigma_deg, _AZIMUTH_STEP_DEG)


def _around(reach: float, step: float) -> Floats:
    """Even places around 0, which is one of them."""
    half = int(np.ceil(reach / step))
    return np.linspace(-reach, reach, 2 * half + 1)


def _scores(
    matrices: Floats, seen: Floats, weights: Floats, listed: Floats, reach_deg: float
) -> Floats:
    turned = np.einsum("kij,cj->kci", matrices, listed)
    nearest = np.einsum("kci,si->ksc", turned, seen).max(axis=2)
    distance = np.degrees(np.arccos(np.clip(nearest, -1.0, 1.0)))
    return np.asarray(np.exp(-0.5 * (distance / reach_deg) ** 2) @ weights)


def _refine(matrix: Floats, seen: Floats, weights: Floats, listed: Floats) -> Attitude:
    """Turn until each source stands on its nearest object as well as it can, then more sharply."""
    for reach_deg in _SHARPER:
        turned = listed @ matrix.T
        products = seen @ turned.T
        nearest = products.argmax(axis=1)
        distance = np.degrees(np.arccos(np.clip(products.max(axis=1), -1.0, 1.0)))
        near = weights * np.exp(-0.5 * (distance / reach_deg) ** 2)
        matched = near > 1e-3 * near.max()
        # Sources on one and the same object leave a turn about it open.
        if near.max() <= 0.0 or np.unique(nearest[matched]).size < _LEAST_MATCHES:
            break
        step, _ = Rotation.align_vectors(seen, turned[nearest], weights=near)
        matrix = step.as_matrix() @ matrix
    score = float(_scores(matrix[None], seen, weights, listed, _SHARPER[-1])[0])
    return Attitude(terms_of_rotation(matrix), score)


def _angle_deg(one: Attitude, other: Attitude) -> float:
    return float(np.degrees(angle_between(one.terms, other.terms)))
