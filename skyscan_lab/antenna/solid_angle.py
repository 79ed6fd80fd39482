"""Beam solid angle, directivity and effective area of any pattern, by integrating it.

References
----------
.. [1] J. D. Kraus, *Radio Astronomy* (2nd ed.), 6-1: ``Ω_A = ∮ P dΩ``, ``D = 4π/Ω_A``,
   ``A_e = λ²/Ω_A``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from skyscan_lab.antenna.base import AntennaPattern

# Eight Gauss nodes integrate a panel half a beam wide, less than half a sidelobe, to round-off.
_NODES = 8
_PANELS_PER_HPBW = 2.0
_SECTORS = 64


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
    panels = int(np.ceil(180.0 / min(pattern.hpbw_deg) * _PANELS_PER_HPBW))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(0.0, 180.0, panels + 1)
    half = edges[1] / 2.0
    theta = (edges[:-1, None] + half * (1.0 + nodes)).ravel()
    d_theta = np.radians(half) * np.tile(weights, panels)
    total = 0.0
    # The periodic trapezoid rule converges geometrically, here a sector at a time to keep
    # narrow beams out of memory.
    for angle in np.arange(_SECTORS) * (2.0 * np.pi / _SECTORS):
        ring = pattern.gain(theta * np.sin(angle), theta * np.cos(angle))
        total += float(np.sum(ring * np.sin(np.radians(theta)) * d_theta))
    return total * 2.0 * float(np.pi) / _SECTORS


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
