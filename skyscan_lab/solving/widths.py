"""Half-power widths of a fitted beam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from skyscan_lab.forward import Beam

Floats = NDArray[np.float64]

_FURTHEST_DEG = 60.0


def half_power_widths(beam: Beam, parameters: Floats) -> tuple[float, float, float]:
    """Full widths at half power along the beam's own axes, and where the second one points.

    Parameters
    ----------
    beam : Beam
        Its family.
    parameters : ndarray
        Of the beam.

    Returns
    -------
    first_deg, second_deg : float
        Of the axis that is nearer to cross-elevation, and of the other one; the sum of where
        the gain falls to half on either side.
    position_angle_deg : float
        Of the second axis: degrees from up to increasing azimuth, within (−45, 45].

    Examples
    --------
    >>> from skyscan_lab.forward import GaussianBeam
    >>> beam = GaussianBeam()
    >>> tuple(round(float(v), 6) + 0.0 for v in half_power_widths(beam, beam.start((4.0, 2.0))))
    (4.0, 2.0, 0.0)
    """
    xx, xy, yy = parameters[:3]
    values, vectors = np.linalg.eigh([[xx, xy], [xy, yy]])
    del values
    # The axis nearer to cross-elevation first.
    first = int(np.argmax(np.abs(vectors[0])))
    axes = vectors[:, [first, 1 - first]]
    angle = float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])))
    angle = (angle + 90.0) % 180.0 - 90.0
    widths = [
        sum(_half_power(beam, parameters, sign * axes[:, place]) for sign in (1.0, -1.0))
        for place in (0, 1)
    ]
    return widths[0], widths[1], angle


def _half_power(beam: Beam, parameters: Floats, way: Floats) -> float:
    # Coarse first: the nearest fall below half, and not one in the sidelobes.
    guess = 2.0 / float(np.hypot(*parameters[[0, 2]]))
    ladder = np.degrees(guess) * 1.15 ** np.arange(-20, 40)
    ladder = np.concatenate([[0.0], ladder[ladder < _FURTHEST_DEG]])
    gain = beam.gain(ladder * way[0], ladder * way[1], parameters)
    below = np.flatnonzero(gain < 0.5)
    if not below.size:
        return _FURTHEST_DEG
    high = ladder[below[0]]
    low = ladder[below[0] - 1]

    def above(angle: float) -> float:
        return float(beam.gain([angle * way[0]], [angle * way[1]], parameters)[0]) - 0.5

    return float(brentq(above, low, high, xtol=1e-9))
