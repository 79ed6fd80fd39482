"""Figures of a beam: widths, nulls and sidelobes, solid angles, efficiency and directivity.

References
----------
.. [1] J. D. Kraus, *Radio Astronomy* (2nd ed.), 6-1: beam solid angle Ω_A, main-beam solid angle
   Ω_M to the first null, main-beam efficiency ``ε_M = Ω_M/Ω_A``, directivity ``4π/Ω_A``.
.. [2] IEEE Std 145-2013, *Definitions of Terms for Antennas*: half-power beamwidth, sidelobe
   level, front-to-back ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from skyscan_lab.antenna.base import AntennaPattern, Values
from skyscan_lab.antenna.peak import find_peak, half_power_angle
from skyscan_lab.antenna.solid_angle import solid_angle_sr
from skyscan_lab.errors import InvalidInput

if TYPE_CHECKING:
    from astropy.table import QTable

# Steps of a cut in a beam width; a sidelobe is about one wide.
_STEPS_PER_HPBW = 64
_BACK_CONE_DEG = 30.0
_NODES = 8
_MOST_SECTORS = 2048
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class CutFigures:
    """What a cut through the peak of a beam shows, on its negative and on its positive side.

    Attributes
    ----------
    position_angle_deg : float
        Where the positive side points: degrees from up to increasing azimuth.
    hpbw_deg : float
        Full width at half power [2]_.
    null_deg : (float, float)
        Angles from the peak to the first nulls, or minima; NaN where there is none.
    null_db : (float, float)
        Their levels below the peak, dB.
    sidelobe_deg, sidelobe_db : (float, float)
        The same for the peaks of the first sidelobes.
    """

    position_angle_deg: float
    hpbw_deg: float
    null_deg: tuple[float, float]
    null_db: tuple[float, float]
    sidelobe_deg: tuple[float, float]
    sidelobe_db: tuple[float, float]


@dataclass(frozen=True)
class BeamFigures:
    """Figures of a beam.

    Attributes
    ----------
    first, second : CutFigures
        Along the two axes of the beam.
    peak_offset_deg : (float, float)
        Where the peak is: offsets in cross-elevation and elevation.
    solid_angle_sr : float
        Ω_A over the whole sphere [1]_.
    main_beam_solid_angle_sr : float
        Ω_M, out to where the gain stops to fall in each direction from the peak [1]_.
    main_beam_efficiency : float
        Ω_M/Ω_A, 1 where there are no sidelobes.
    directivity_dbi : float
        4π/Ω_A, dB [1]_.
    front_to_back_db : float
        Peak over the highest gain within 30° of the opposite direction, dB; infinite where there
        is none [2]_.
    """

    first: CutFigures
    second: CutFigures
    peak_offset_deg: tuple[float, float]
    solid_angle_sr: float
    main_beam_solid_angle_sr: float
    main_beam_efficiency: float
    directivity_dbi: float
    front_to_back_db: float

    @property
    def hpbw_deg(self) -> tuple[float, float]:
        """Full widths at half power along the two axes, degrees."""
        return self.first.hpbw_deg, self.second.hpbw_deg

    def to_table(self) -> QTable:
        """The figures as a table of quantity, value and unit, in the order of a data sheet."""
        # It loads for longer than all of the patterns, and few ask for a table.
        from astropy.table import QTable

        rows: list[tuple[str, float, str]] = []
        for name, cut in (("first", self.first), ("second", self.second)):
            rows.append((f"{name} axis: HPBW", cut.hpbw_deg, "deg"))
            for side, sign in enumerate("−+"):
                rows += [
                    (f"{name} axis, {sign}: first null", cut.null_deg[side], "deg"),
                    (f"{name} axis, {sign}: first sidelobe", cut.sidelobe_deg[side], "deg"),
                    (f"{name} axis, {sign}: first sidelobe", cut.sidelobe_db[side], "dB"),
                ]
        rows += [
            ("beam solid angle", self.solid_angle_sr, "sr"),
            ("main-beam solid angle", self.main_beam_solid_angle_sr, "sr"),
            ("main-beam efficiency", self.main_beam_efficiency, ""),
            ("directivity", self.directivity_dbi, "dBi"),
            ("front to back", self.front_to_back_db, "dB"),
        ]
        return QTable(rows=rows, names=("figure", "value", "unit"))


def beam_figures(pattern: AntennaPattern) -> BeamFigures:
    """Figures of a beam, measured on the pattern itself.

    Parameters
    ----------
    pattern : AntennaPattern
        Any pattern. Its axes are those of its ``position_angle_deg``, where it has one.

    Returns
    -------
    BeamFigures

    Notes
    -----
    What is said of a reference pattern of the ITU-R is said of the mask: it has no nulls, and the
    end of its main beam is where the plateau starts.

    Examples
    --------
    >>> from skyscan_lab.antenna.airy import AiryPattern
    >>> figures = beam_figures(AiryPattern.of_aperture(diameter_m=1.0, wavelength_m=0.02))
    >>> round(figures.first.null_deg[1], 2), round(figures.first.sidelobe_db[1], 2)  # 1.22 λ/D
    (1.4, -17.57)
    >>> round(figures.main_beam_efficiency, 2), round(figures.directivity_dbi, 1)  # (πD/λ)²
    (0.83, 43.9)
    """
    position_angle = float(getattr(pattern, "position_angle_deg", 0.0))
    peak = _peak_offset(pattern)
    top = float(pattern.gain(*peak))
    whole = solid_angle_sr(pattern) / top
    main = _main_beam_solid_angle_sr(pattern, peak) / top
    return BeamFigures(
        first=_cut(pattern, position_angle + 90.0, peak),
        second=_cut(pattern, position_angle, peak),
        peak_offset_deg=peak,
        solid_angle_sr=whole,
        main_beam_solid_angle_sr=main,
        main_beam_efficiency=main / whole,
        directivity_dbi=10.0 * float(np.log10(4.0 * np.pi / whole)),
        front_to_back_db=_front_to_back_db(pattern, top),
    )


def cut_figures(pattern: AntennaPattern, position_angle_deg: float) -> CutFigures:
    """What one cut through the peak of a beam shows.

    Parameters
    ----------
    pattern : AntennaPattern
        Any pattern.
    position_angle_deg : float
        Where the positive side of the cut points: degrees from up to increasing azimuth.

    Examples
    --------
    >>> from skyscan_lab.antenna.gaussian import GaussianPattern
    >>> cut = cut_figures(GaussianPattern((4.0, 2.0)), 45.0)
    >>> round(cut.hpbw_deg, 3), cut.null_deg
    (2.53, (nan, nan))
    """
    return _cut(pattern, position_angle_deg, _peak_offset(pattern))


def _peak_offset(pattern: AntennaPattern) -> tuple[float, float]:
    known = getattr(pattern, "peak_offset_deg", None)
    if known is not None:
        return float(known[0]), float(known[1])
    _, *slope = pattern.gradient(0.0, 0.0)
    if not any(slope):
        return 0.0, 0.0
    span = max(pattern.hpbw_deg)
    _, x, y = find_peak(pattern.gradient, (span, span))
    return x, y


def _cut(
    pattern: AntennaPattern, position_angle_deg: float, peak: tuple[float, float]
) -> CutFigures:
    turn = np.radians(position_angle_deg)
    sides = [_Side.of(pattern, peak, (s * np.sin(turn), s * np.cos(turn))) for s in (-1.0, 1.0)]
    negative, positive = sides
    return CutFigures(
        position_angle_deg=float(position_angle_deg),
        hpbw_deg=negative.half_power_deg + positive.half_power_deg,
        null_deg=(negative.null[0], positive.null[0]),
        null_db=(negative.null[1], positive.null[1]),
        sidelobe_deg=(negative.sidelobe[0], positive.sidelobe[0]),
        sidelobe_db=(negative.sidelobe[1], positive.sidelobe[1]),
    )


@dataclass(frozen=True)
class _Side:
    """One side of a cut: angle and level of its null and sidelobe, NaN where there is none."""

    half_power_deg: float
    null: tuple[float, float]
    sidelobe: tuple[float, float]

    @classmethod
    def of(
        cls, pattern: AntennaPattern, peak: tuple[float, float], towards: tuple[float, float]
    ) -> _Side:
        step = min(pattern.hpbw_deg) / _STEPS_PER_HPBW
        top = float(pattern.gain(*peak))

        def along(angle: Values) -> Values:
            at = peak[0] + towards[0] * angle, peak[1] + towards[1] * angle
            return np.asarray(pattern.gain(*at) / top)

        half_power = half_power_angle(along, step)
        if not np.isfinite(half_power):
            raise InvalidInput("pattern", pattern, "one that falls to half power on every cut")
        angles = np.append(np.arange(half_power, 180.0, step), 180.0)
        levels = along(angles)
        rising = np.diff(levels) > 0.0
        # A lobe rises over many steps; the edge of a mask is one step up, and no lobe.
        rising[:-1] &= rising[1:]
        none = (float("nan"), float("nan"))
        if not rising.any():
            return cls(half_power, none, none)
        bottom = int(np.argmax(rising))
        null = _extremum(along, angles, bottom, sign=1.0)
        falling = ~rising[bottom:]
        if not falling.any():
            return cls(half_power, null, none)
        lobe = _extremum(along, angles, bottom + int(np.argmax(falling)), sign=-1.0)
        return cls(half_power, null, lobe)


def _extremum(
    along: Callable[[Values], Values], angles: Values, index: int, sign: float
) -> tuple[float, float]:
    """Angle and level in dB of the extremum beside a sample of a cut."""
    low, high = angles[max(index - 1, 0)], angles[min(index + 1, angles.size - 1)]
    found = minimize_scalar(
        lambda angle: sign * float(along(np.array(angle))),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-9 * float(high)},
    )
    level = sign * float(found.fun)
    return float(found.x), 10.0 * float(np.log10(level)) if level > 0.0 else -np.inf


def _main_beam_solid_angle_sr(pattern: AntennaPattern, peak: tuple[float, float]) -> float:
    """Ω_M: out to where the gain stops to fall, in as many directions as it takes."""
    total, sectors = 0.0, 64
    while sectors <= _MOST_SECTORS:
        before, total = total, _main_beam(pattern, peak, sectors)
        if abs(total - before) <= _TOLERANCE * total:
            break
        sectors *= 2
    return total


def _main_beam(pattern: AntennaPattern, peak: tuple[float, float], sectors: int) -> float:
    directions = np.arange(sectors) * (2.0 * np.pi / sectors)
    towards = np.sin(directions)[:, None], np.cos(directions)[:, None]

    def along(angle: Values) -> tuple[Values, Values]:
        x, y = peak[0] + towards[0] * angle, peak[1] + towards[1] * angle
        # Offsets are a plane's: dΩ = sin θ/θ dx dy, with θ the angle from the axis.
        shrink = np.sinc(np.minimum(np.hypot(x, y) / 180.0, 1.0))
        return pattern.gain(x, y), shrink

    edges = _where_it_stops_falling(lambda angle: along(angle)[0], sectors, min(pattern.hpbw_deg))
    panels = int(np.ceil(2.0 * edges.max() / min(pattern.hpbw_deg)))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    share = ((np.arange(panels)[:, None] + 0.5 + nodes / 2.0) / panels).ravel()
    d_share = np.tile(weights / (2.0 * panels), panels)
    radius = edges[:, None] * share
    gain, shrink = along(radius)
    rays = np.sum(gain * shrink * radius * edges[:, None] * d_share, axis=1)
    return float(rays.mean() * 2.0 * np.pi * np.radians(1.0) ** 2)


def _where_it_stops_falling(
    gain: Callable[[Values], Values], sectors: int, hpbw_deg: float
) -> Values:
    """First angle in each direction at which the gain has no further to fall, at most 180°."""
    step = hpbw_deg / _STEPS_PER_HPBW
    edges = np.full(sectors, 180.0)
    open_ones = np.ones(sectors, dtype=bool)
    start = 0.0
    while open_ones.any() and start < 180.0:
        angles = np.minimum(start + step * np.arange(2 * _STEPS_PER_HPBW + 1), 180.0)
        stopped = np.diff(gain(angles)) >= 0.0
        found = open_ones & stopped.any(axis=1)
        edges[found] = angles[np.argmax(stopped[found], axis=1)]
        open_ones &= ~found
        start = float(angles[-1])
    return edges


def _front_to_back_db(pattern: AntennaPattern, top: float) -> float:
    step = min(pattern.hpbw_deg) / 8.0
    angles = np.append(np.arange(180.0 - _BACK_CONE_DEG, 180.0, step), 180.0)[:, None]
    around = np.arange(720) * (2.0 * np.pi / 720)
    back = float(pattern.gain(angles * np.sin(around), angles * np.cos(around)).max())
    return 10.0 * float(np.log10(top / back)) if back > 0.0 else np.inf
