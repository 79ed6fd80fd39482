"""Received power through a Gaussian beam, a block of samples at a time.

Every loop is one that a compiler turns into vector instructions: one thing is computed for all
samples of a block, and a block fits into the nearest cache. That is why there are two polynomials
where a library would call an arc tangent and an exponential.

The gain is ``2^(−|L (x, y)|²)``, with ``L`` the symmetric matrix of the beam's ellipse (1/rad) and
``(x, y)`` the direction cosines of the source times ``θ/sin θ``: an angle, not its sine.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray

from skyscan_lab.forward.tiles import BLOCK

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

WORK = 13
"""Rows of work space that `gaussian_block` needs, each of a `BLOCK`."""

_LN2 = math.log(2.0)
_TERMS = 14
_EXP2 = np.array([_LN2**n / math.factorial(n) for n in range(_TERMS)])
# Adding it to a number below 2⁵¹ leaves the nearest integer in the last bits.
_ROUND = 1.5 * 2.0**52
_MANTISSA = 52
# Powers below 2 to the minus this of what counts are none.
_DEEPEST = 60.0
# Up to here θ/sin θ is a polynomial in (1 − cos θ)/2.
_WIDE = math.pi / 4.0
_WIDE_COSINE = math.cos(_WIDE)


def _stretch(h: Floats) -> Floats:
    angle = 2.0 * np.arcsin(np.sqrt(h))
    return np.asarray(angle / np.sin(angle))


_STRETCH: Floats = np.asarray(
    Chebyshev.interpolate(_stretch, _TERMS - 1, domain=[1e-12, (1.0 - _WIDE_COSINE) / 2.0])
    .convert(kind=Polynomial, domain=[-1.0, 1.0], window=[-1.0, 1.0])
    .coef,
    dtype=float,
)
_SLOPE = _STRETCH[1:] * np.arange(1.0, _TERMS)


@njit(cache=True, nogil=True, error_model="numpy")
def _narrowness(ellipse: Floats) -> float:
    """Least rise of the root of the exponent with the angle, 1/rad."""
    middle, half = 0.5 * (ellipse[0] + ellipse[2]), 0.5 * (ellipse[0] - ellipse[2])
    spread = math.sqrt(half * half + ellipse[1] * ellipse[1])
    return float(max(min(abs(middle - spread), abs(middle + spread)), 1e-12))


@njit(cache=True, nogil=True, error_model="numpy")
def reaches_of(ellipse: Floats, powers: Floats, least: float) -> Floats:
    """Angle from each source beyond which it has no power, radians.

    Parameters
    ----------
    ellipse : ndarray, shape (3,)
        Of the beam.
    powers : ndarray, shape (s,)
        Of the sources.
    least : float
        What counts as power: 1e-18 of it is none.
    """
    reaches = np.empty(powers.size)
    for i in range(powers.size):
        depth = _DEEPEST + max(math.log2(powers[i] / least), 0.0)
        reaches[i] = math.sqrt(depth) / _narrowness(ellipse)
    return reaches


@njit(cache=True, nogil=True, error_model="numpy")
def look(centre: Floats, radius: float, vectors: Floats, reaches: Floats, seen: Booleans) -> bool:
    """Find which sources have any power around a direction; False where none has.

    Parameters
    ----------
    centre, radius : ndarray, float
        Direction, and angle about it.
    vectors, reaches : ndarray
        Of the sources.
    seen : ndarray of bool, shape (s,)
        Where the answer goes.
    """
    some = False
    for i in range(reaches.size):
        away, towards = reaches[i] + radius, 0.0
        for j in range(3):
            towards += centre[j] * vectors[i, 0, j]
        seen[i] = away >= math.pi or towards >= math.cos(away)
        some = some or seen[i]
    return some


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _project(columns: Floats, row: int, begin: int, vector: Floats, out: Floats) -> None:
    """Products of one of the three axes of each frame with a vector."""
    north = columns[row, begin : begin + BLOCK]
    east = columns[row + 1, begin : begin + BLOCK]
    up = columns[row + 2, begin : begin + BLOCK]
    a, b, c = vector[0], vector[1], vector[2]
    for k in range(BLOCK):
        out[k] = a * north[k] + b * east[k] + c * up[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _count_within(cosine: Floats, least: float) -> int:
    found = 0
    for k in range(BLOCK):
        found += 1 if cosine[k] >= least else 0
    return found


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _near_stretch(cosine: Floats, stretch: Floats, slope: Floats, wanted: bool) -> None:
    for k in range(BLOCK):
        h = 0.5 - 0.5 * cosine[k]
        value = _STRETCH[_TERMS - 1]
        for n in range(_TERMS - 2, -1, -1):
            value = value * h + _STRETCH[n]
        stretch[k] = value
    if wanted:
        for k in range(BLOCK):
            h = 0.5 - 0.5 * cosine[k]
            value = _SLOPE[_TERMS - 2]
            for n in range(_TERMS - 3, -1, -1):
                value = value * h + _SLOPE[n]
            # By half of sin²θ, of which (1 − cos θ)/2 has the derivative 1/(2 cos θ).
            slope[k] = value / (2.0 * max(cosine[k], 1e-6))


@njit(cache=True, nogil=True, error_model="numpy")
def _any_stretch(c: Floats, d: Floats, cosine: Floats, stretch: Floats, slope: Floats) -> None:
    for k in range(BLOCK):
        sine = math.sqrt(c[k] * c[k] + d[k] * d[k])
        if sine < 1e-4 and cosine[k] > 0.0:
            stretch[k], slope[k] = 1.0 + sine * sine / 6.0, 1.0 / 3.0
        else:
            # Straight behind there is no direction, and no beam to speak of.
            safe = max(sine, 1e-9)
            stretch[k] = math.atan2(sine, cosine[k]) / safe
            forward = cosine[k] if abs(cosine[k]) >= 1e-6 else 1e-6
            slope[k] = (1.0 / forward - stretch[k]) / (safe * safe)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _exp2(u: Floats, v: Floats, rounded: Floats, out: Floats) -> None:
    """``2^(−u² − v²)``, to the last bits."""
    for k in range(BLOCK):
        rounded[k] = max(-u[k] * u[k] - v[k] * v[k], -1000.0) + _ROUND
    for k in range(BLOCK):
        rest = max(-u[k] * u[k] - v[k] * v[k], -1000.0) - (rounded[k] - _ROUND)
        value = _EXP2[_TERMS - 1]
        for n in range(_TERMS - 2, -1, -1):
            value = value * rest + _EXP2[n]
        out[k] = value
    bits, exponent = out.view(np.int64), rounded.view(np.int64)
    for k in range(BLOCK):
        bits[k] += exponent[k] << _MANTISSA


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def gaussian_block(
    columns: Floats,
    begin: int,
    vectors: Floats,
    powers: Floats,
    reaches: Floats,
    ellipse: Floats,
    work: Floats,
    received: Floats,
    derivatives: Floats,
    seen: Booleans,
    wanted: bool,
) -> None:
    """Power that the samples of a block receive from all sources, and its derivatives.

    Parameters
    ----------
    columns : ndarray, shape (9, n)
        Frames of all samples: north, east, up of across, along, ahead.
    begin : int
        First sample of the block.
    vectors : ndarray, shape (s, 3, 3)
        Of the sources, with their derivatives.
    powers : ndarray, shape (s,)
        Of the sources on the axis.
    reaches : ndarray, shape (s,)
        Angle from each beyond which it has no power.
    ellipse : ndarray, shape (3,)
        Of the beam.
    work : ndarray, shape (`WORK`, `BLOCK`)
        Space to compute in.
    received : ndarray, shape (`BLOCK`,)
        Where to add the power.
    derivatives : ndarray, shape (3 s + 3, `BLOCK`)
        Where they go: by log power, azimuth and elevation of each source, then by the ellipse.
    seen : ndarray of bool, shape (s,)
        Which sources have any power here; derivatives of the others are not written.
    wanted : bool
        Whether they are.
    """
    sources = powers.size
    first, cross, second = ellipse[0], ellipse[1], ellipse[2]
    own = 3 * sources
    beam_1, beam_2, beam_3 = derivatives[own], derivatives[own + 1], derivatives[own + 2]
    if wanted:
        beam_1[:], beam_2[:], beam_3[:] = 0.0, 0.0, 0.0
    cosine, c, d, stretch, slope = work[0], work[1], work[2], work[3], work[4]
    u, v, scratch, gain = work[5], work[6], work[7], work[8]
    by_x, by_y, by_c, by_d = work[9], work[10], work[11], work[12]
    for i in range(sources):
        if not seen[i]:
            continue
        furthest = reaches[i]
        least = math.cos(furthest) if furthest < math.pi else -2.0
        narrow = furthest < _WIDE
        _project(columns, 6, begin, vectors[i, 0], cosine)
        _project(columns, 0, begin, vectors[i, 0], c)
        _project(columns, 3, begin, vectors[i, 0], d)
        if narrow or _count_within(cosine, _WIDE_COSINE) == BLOCK:
            _near_stretch(cosine, stretch, slope, wanted)
        else:
            _any_stretch(c, d, cosine, stretch, slope)
        for k in range(BLOCK):
            u[k] = stretch[k] * (first * c[k] + cross * d[k])
        for k in range(BLOCK):
            v[k] = stretch[k] * (cross * c[k] + second * d[k])
        _exp2(u, v, scratch, gain)
        power = powers[i]
        for k in range(BLOCK):
            gain[k] = power * gain[k] if cosine[k] >= least else 0.0
        for k in range(BLOCK):
            received[k] += gain[k]
        if not wanted:
            continue
        by_power = derivatives[3 * i]
        for k in range(BLOCK):
            by_power[k] = gain[k]
        for k in range(BLOCK):
            scratch[k] = -2.0 * _LN2 * gain[k] * stretch[k]
        for k in range(BLOCK):
            beam_1[k] += scratch[k] * u[k] * c[k]
        for k in range(BLOCK):
            beam_2[k] += scratch[k] * (u[k] * d[k] + v[k] * c[k])
        for k in range(BLOCK):
            beam_3[k] += scratch[k] * v[k] * d[k]
        for k in range(BLOCK):
            by_x[k] = scratch[k] * (first * u[k] + cross * v[k])
        for k in range(BLOCK):
            by_y[k] = scratch[k] * (cross * u[k] + second * v[k])
        # by_x and by_y hold the stretch: what lengthens with it is divided by it.
        for k in range(BLOCK):
            scratch[k] = slope[k] / stretch[k] * (by_x[k] * c[k] + by_y[k] * d[k])
        for k in range(BLOCK):
            by_c[k] = by_x[k] + scratch[k] * c[k]
        for k in range(BLOCK):
            by_d[k] = by_y[k] + scratch[k] * d[k]
        for j in range(1, 3):
            _project(columns, 0, begin, vectors[i, j], by_x)
            _project(columns, 3, begin, vectors[i, j], by_y)
            row = derivatives[3 * i + j]
            for k in range(BLOCK):
                row[k] = by_c[k] * by_x[k] + by_d[k] * by_y[k]


@njit(cache=True, nogil=True, error_model="numpy")
def gaussian_powers(
    columns: Floats,
    vectors: Floats,
    powers: Floats,
    ellipse: Floats,
    received: Floats,
    derivatives: Floats,
    wanted: bool,
) -> None:
    """Power that all samples receive, shape (n,), and its derivatives, shape (n, 3 s + 3).

    The other arguments are those of `gaussian_block`.
    """
    sources, size = powers.size, received.size
    work, power, rows = np.empty((WORK, BLOCK)), np.empty(BLOCK), np.zeros((3 * sources + 3, BLOCK))
    # Gains have no end here: all that a number can hold.
    seen, reaches = np.ones(sources, dtype=np.bool_), np.full(sources, math.pi)
    for begin in range(0, size, BLOCK):
        power[:] = 0.0
        gaussian_block(
            columns, begin, vectors, powers, reaches, ellipse, work, power, rows, seen, wanted
        )  # fmt: skip
        for k in range(min(BLOCK, size - begin)):
            received[begin + k] = power[k]
            if wanted:
                for j in range(rows.shape[0]):
                    derivatives[begin + k, j] = rows[j, k]
