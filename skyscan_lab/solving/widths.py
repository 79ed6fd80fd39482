"""Half-power widths and first sidelobes of a fitted beam."""

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
    axes = beam_axes(parameters)
    angle = float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])))
    angle = (angle + 90.0) % 180.0 - 90.0
    return *widths_along(beam, parameters, axes), angle


def widths_along(beam: Beam, parameters: Floats, axes: Floats) -> tuple[float, float]:
    """Full widths at half power along two directions, the columns of `axes`, degrees."""
    first, second = (
        sum(_half_power(beam, parameters, sign * axes[:, place]) for sign in (1.0, -1.0))
        for place in (0, 1)
    )
    return first, second


def first_sidelobe_db(beam: Beam, parameters: Floats) -> float:
    """Level of the highest first sidelobe on the beam's axes, dB below the axis; NaN without one.

    Examples
    --------
    >>> from skyscan_lab.forward import ApertureBeam
    >>> beam = ApertureBeam()
    >>> round(first_sidelobe_db(beam, beam.start(5.0)), 2)
    -17.57
    """
    widths = half_power_widths(beam, parameters)
    axes = beam_axes(parameters)
    levels = []
    for place in (0, 1):
        ladder = widths[place] * np.linspace(0.0, _SIDELOBES_HPBW, _SIDELOBE_STEPS)
        for sign in (1.0, -1.0):
            way = sign * axes[:, place]
            gain = beam.gain(ladder * way[0], ladder * way[1], parameters)
            rising = np.flatnonzero(np.diff(gain) > 0.0)
            if not rising.size:
                continue
            falling = np.flatnonzero(np.diff(gain[rising[0] :]) < 0.0)
            if falling.size:
                levels.append(_vertex(gain, int(rising[0] + falling[0])))
    return 10.0 * float(np.log10(max(levels))) if levels else float("nan")


_SIDELOBES_HPBW = 4.0
_SIDELOBE_STEPS = 401


def _vertex(values: Floats, place: int) -> float:
    """Top of the parabola through a maximum and its neighbours."""
    before, here, after = values[place - 1 : place + 2]
    bend = before - 2.0 * here + after
    return float(here - (before - after) ** 2 / (8.0 * bend)) if bend < 0.0 else float(here)


def beam_axes(parameters: Floats) -> Floats:
    """Axes of the ellipse as columns, the one that is nearer to cross-elevation first."""
    xx, xy, yy = parameters[:3]
    _, vectors = np.linalg.eigh([[xx, xy], [xy, yy]])
    first = int(np.argmax(np.abs(vectors[0])))
    return np.asarray(vectors[:, [first, 1 - first]])


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
