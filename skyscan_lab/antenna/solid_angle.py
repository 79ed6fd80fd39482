"""Beam solid angle, directivity and effective area of any pattern, by integrating it.

References
----------
.. [1] J. D. Kraus, *Radio Astronomy* (2nd ed.), 6-1: ``Ω_A = ∮ P dΩ``, ``D = 4π/Ω_A``,
   ``A_e = λ²/Ω_A``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from skyscan_lab.antenna.base import AntennaPattern, Values

# Eight Gauss nodes integrate a panel half a beam wide, less than half a sidelobe, to round-off.
_NODES = 8
_PANELS_PER_HPBW = 2.0
# Around the axis the periodic trapezoid rule converges geometrically once it resolves a ring.
# A ring that it does not resolve, far out on the arms of a rectangular aperture, is halved until
# all rings together are within the tolerance.
_SECTORS = 64
_MOST_SECTORS = 1 << 15
_TOLERANCE = 1e-6
_CHUNK = 1 << 20


@lru_cache(maxsize=64)
def solid_angle_sr(pattern: AntennaPattern) -> float:
    """Solid angle ``∮ gain dΩ`` over the whole sphere, steradian [1]_.

    Parameters
    ----------
    pattern : AntennaPattern
        Any pattern.

    Examples
    --------
    >>> from skyscan_lab.antenna.gaussian import GaussianPattern
    >>> flat = np.pi / (4 * np.log(2)) * np.radians(1.0) ** 2  # a small beam on a flat sky
    >>> bool(abs(solid_angle_sr(GaussianPattern(1.0)) / flat - 1) < 1e-4)
    True
    """
    # An even number: at 90° the front of an antenna ends, and some patterns have an edge.
    panels = 2 * int(np.ceil(90.0 / min(pattern.hpbw_deg) * _PANELS_PER_HPBW))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(0.0, 180.0, panels + 1)
    half = edges[1] / 2.0
    theta = edges[:-1, None] + half * (1.0 + nodes)
    d_omega = np.sin(np.radians(theta)) * np.radians(half) * weights * 2.0 * np.pi

    rings = _ring_means(pattern, theta, _SECTORS, 0.0)
    pending = np.arange(panels)
    sectors = _SECTORS
    while pending.size and sectors < _MOST_SECTORS:
        between = _ring_means(pattern, theta[pending], sectors, 0.5)
        change = (between - rings[pending]) / 2.0
        rings[pending] += change
        sectors *= 2
        moved = np.abs(np.sum(change * d_omega[pending], axis=1))
        pending = pending[moved > _TOLERANCE / panels * np.sum(rings * d_omega)]
    return float(np.sum(rings * d_omega))


def _ring_means(pattern: AntennaPattern, theta: Values, sectors: int, start: float) -> Values:
    """Mean gain around the axis at each angle, from equally spaced directions."""
    total = np.zeros(theta.shape)
    directions = (np.arange(sectors) + start) * (2.0 * np.pi / sectors)
    for some in np.array_split(directions, max(1, sectors * theta.size // _CHUNK)):
        x, y = (theta[..., None] * part for part in (np.sin(some), np.cos(some)))
        total += pattern.gain(x, y).sum(axis=-1)
    return total / sectors


def directivity(pattern: AntennaPattern) -> float:
    """Peak directivity ``4π/Ω_A`` over isotropic, as a power ratio [1]_.

    Examples
    --------
    >>> from skyscan_lab.antenna.airy import AiryPattern
    >>> dish = AiryPattern.of_aperture(diameter_m=1.0, wavelength_m=0.05)
    >>> bool(abs(directivity(dish) / (np.pi * 1.0 / 0.05) ** 2 - 1) < 0.02)  # (πD/λ)²
    True
    """
    return 4.0 * float(np.pi) / solid_angle_sr(pattern)


def effective_area_m2(pattern: AntennaPattern, frequency_hz: float) -> float:
    """Effective area ``λ²/Ω_A`` of a lossless antenna with this pattern, m² [1]_.

    Parameters
    ----------
    pattern : AntennaPattern
        Any pattern.
    frequency_hz : float
        Frequency, Hz.

    Examples
    --------
    >>> from skyscan_lab.antenna import AiryPattern
    >>> round(effective_area_m2(AiryPattern(1.0), 1.42e9), 1)  # a dish of about 12 m
    121.1
    """
    return (299_792_458.0 / frequency_hz) ** 2 / solid_angle_sr(pattern)
