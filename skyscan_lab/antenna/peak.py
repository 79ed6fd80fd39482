"""Where a pattern peaks, and where it has fallen to half, found by looking."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq, minimize

from skyscan_lab.antenna.base import Gradient, Values

_CHUNK = 512


def find_peak(
    gradient: Callable[[Values, Values], Gradient], span: tuple[float, float], samples: int = 121
) -> tuple[float, float, float]:
    """Highest point of a surface near the origin.

    Parameters
    ----------
    gradient : callable
        Value and derivatives at two arrays of coordinates.
    span : (float, float)
        How far from the origin to look, on either side of both axes.
    samples : int
        Points a side; a lobe must be several of their steps wide.

    Returns
    -------
    value, first, second : float
        The peak, and where it is.
    """
    axes = [np.linspace(-half, half, samples) for half in span]
    first, second = np.meshgrid(*axes, indexing="ij")
    values = gradient(first, second)[0]
    best = int(np.argmax(values))
    # Only the scale of the descent, so its sign is no matter.
    top = abs(float(values.flat[best])) or 1.0
    scale = np.array(span) * (2.0 / (samples - 1))

    def descend(step: Values) -> tuple[float, Values]:
        here = start + step * scale
        value, *slopes = gradient(np.array(here[0]), np.array(here[1]))
        return -float(value) / top, -np.array([float(slope) for slope in slopes]) * scale / top

    start = np.array([first.flat[best], second.flat[best]])
    found = minimize(descend, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-12})
    place = start + found.x * scale
    return -float(found.fun) * top, float(place[0]), float(place[1])


def half_power_angle(gain: Callable[[Values], Values], step_deg: float, half: float = 0.5) -> float:
    """Angle at which a radial cut first falls to half; NaN where it does not within 180°.

    Parameters
    ----------
    gain : callable
        Gain at an array of angles from the peak, degrees.
    step_deg : float
        Step of the search, small against the width.
    half : float
        The level sought.
    """
    for start in np.arange(0.0, 180.0, step_deg * _CHUNK):
        angles = np.minimum(start + step_deg * np.arange(1, _CHUNK + 1), 180.0)
        below = np.flatnonzero(gain(angles) <= half)
        if below.size:
            outer = float(angles[below[0]])
            inner = max(outer - step_deg, 0.0)
            return float(
                brentq(lambda angle: float(gain(np.array(angle))) - half, inner, outer, xtol=1e-12)
            )
    return float("nan")


def half_power_widths(
    gain: Callable[[Values, Values], Values],
    peak_offset_deg: tuple[float, float],
    steps_deg: tuple[float, float],
    position_angle_deg: float = 0.0,
) -> tuple[float, float]:
    """Full widths at half power through a peak, along the two axes of a beam.

    Parameters
    ----------
    gain : callable
        Gain at two arrays of offsets, relative to the peak.
    peak_offset_deg : (float, float)
        Where the peak is.
    steps_deg : (float, float)
        Steps of the search, small against the widths.
    position_angle_deg : float
        Where the second axis points.

    Returns
    -------
    first, second : float
        Widths in degrees; NaN where the gain does not fall to half.
    """
    x0, y0 = peak_offset_deg
    turn = np.radians(position_angle_deg)
    axes = (np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))

    def side(x: float, y: float, step_deg: float) -> float:
        return half_power_angle(lambda angle: gain(x0 + x * angle, y0 + y * angle), step_deg)

    first, second = (
        side(x, y, step) + side(-x, -y, step) for (x, y), step in zip(axes, steps_deg, strict=True)
    )
    return first, second
