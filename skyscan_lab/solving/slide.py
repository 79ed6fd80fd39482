"""Whether a list of the geostationary arc is seen as it is, or slid along the arc.

Seen from the Earth the arc is nearly a circle about the pole, so a list that is slid along it is
brought back by a mount that leans. Nearly: slots spread more in the middle of the arc than at its
ends, since the middle is nearer. So the readings themselves can say by how much a list would have
to be slid to explain them best, and a list of which they want that is not the right one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from skyscan_lab.forward.mounting import MOUNT_NAMES, rotation_of, terms_of_rotation
from skyscan_lab.solving.arc import Arc
from skyscan_lab.solving.tied import Slot, TiedSky, with_slots

Floats = NDArray[np.float64]

_TRY_DEG = 4.0
_STEPS = 25
_FARTHEST_DEG = 12.0


def slide_wanted(tied: TiedSky, arc: Arc) -> tuple[float, float]:
    """By how much the readings want a list to be slid.

    Parameters
    ----------
    tied : TiedSky
        The list as it is, fitted.
    arc : Arc
        On which it lies.

    Returns
    -------
    slide_deg : float
        Eastwards along the arc; 0 where no slide that was tried is better.
    ratio : float
        Of the residual that is left without the slide to that with it.
    """
    tried: dict[float, TiedSky] = {}

    def slid(by_deg: float) -> float:
        tried[by_deg] = with_slots(tied, *_slid(tied, arc, by_deg), steps=_STEPS)
        return tried[by_deg].fit.rms ** 2

    lowest = _lowest(*(slid(by_deg) for by_deg in (-_TRY_DEG, 0.0, _TRY_DEG)))
    slid(float(np.clip(lowest * _TRY_DEG, -_FARTHEST_DEG, _FARTHEST_DEG)))
    best = min(tried, key=lambda by: tried[by].fit.rms)
    return best, tried[0.0].fit.rms / tried[best].fit.rms


def _slid(tied: TiedSky, arc: Arc, by_deg: float) -> tuple[list[Slot], Floats]:
    """The slots on the arc itself and slid, and the mount that has them where they were seen."""
    directions = arc.slid(by_deg)
    slots = []
    for slot in tied.slots:
        middle = directions[list(slot.members)].mean(axis=0)
        slots.append(replace(slot, vector=tuple((middle / np.linalg.norm(middle)).tolist())))
    before, after = (np.array([slot.vector for slot in some]) for some in (tied.slots, slots))
    power = np.exp(tied.sky.sources[: len(slots), 0])
    turn, _ = Rotation.align_vectors(
        before @ rotation_of(tied.mount).T, after, weights=np.log1p(power)
    )
    mount = np.zeros(len(MOUNT_NAMES))
    mount[:3] = terms_of_rotation(turn.as_matrix())
    return slots, mount


def _lowest(left: float, middle: float, right: float) -> float:
    """Where a parabola through values at −1, 0 and 1 is lowest; without one, far to a side."""
    curvature = left + right - 2.0 * middle
    slope = (right - left) / 2.0
    if curvature <= 0.0:
        return float(-np.sign(slope) * np.inf)
    return -slope / curvature
