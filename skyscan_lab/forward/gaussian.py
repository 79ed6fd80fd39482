"""Received power through a Gaussian beam, a block of samples at a time.

Every loop is one that a compiler turns into vector instructions, and a block fits into the nearest
cache. That is why there are two polynomials
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

# Where the rows of the work space begin.
_COSINE, _C, _D, _STRETCHES, _BENDS, _U, _V, _GAIN, _ROUNDED = (n * BLOCK for n in range(9))
WORK = 9
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
def _project(tile: Floats, vector: Floats, work: Floats) -> None:
    """Direction cosines of a source in each frame."""
    north, east, up = vector[0], vector[1], vector[2]
    for k in range(BLOCK):
        work[_COSINE + k] = (
            north * tile[6 * BLOCK + k] + east * tile[7 * BLOCK + k] + up * tile[8 * BLOCK + k]
        )
        work[_C + k] = north * tile[k] + east * tile[BLOCK + k] + up * tile[2 * BLOCK + k]
        work[_D + k] = (
            north * tile[3 * BLOCK + k] + east * tile[4 * BLOCK + k] + up * tile[5 * BLOCK + k]
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _all_within(work: Floats, least: float) -> bool:
    found = 0
    for k in range(BLOCK):
        found += 1 if work[_COSINE + k] >= least else 0
    return found == BLOCK


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _near_stretch(work: Floats) -> None:
    for k in range(BLOCK):
        cosine = work[_COSINE + k]
        h = 0.5 - 0.5 * cosine
        value, slope = _STRETCH[_TERMS - 1], _SLOPE[_TERMS - 2]
        for n in range(_TERMS - 2, -1, -1):
            value = value * h + _STRETCH[n]
        for n in range(_TERMS - 3, -1, -1):
            slope = slope * h + _SLOPE[n]
        work[_STRETCHES + k] = value
        # By half of sin²θ, of which (1 − cos θ)/2 has the derivative 1/(2 cos θ).
        work[_BENDS + k] = slope / (2.0 * max(cosine, 1e-6) * value)


@njit(cache=True, nogil=True, error_model="numpy")
def _any_stretch(work: Floats) -> None:
    for k in range(BLOCK):
        c, d, cosine = work[_C + k], work[_D + k], work[_COSINE + k]
        sine = math.sqrt(c * c + d * d)
        if sine < 1e-4 and cosine > 0.0:
            stretch, slope = 1.0 + sine * sine / 6.0, 1.0 / 3.0
        else:
            # Straight behind there is no direction, and no beam to speak of.
            safe = max(sine, 1e-9)
            stretch = math.atan2(sine, cosine) / safe
            forward = cosine if abs(cosine) >= 1e-6 else 1e-6
            slope = (1.0 / forward - stretch) / (safe * safe)
        work[_STRETCHES + k] = stretch
        work[_BENDS + k] = slope / max(stretch, 1e-12)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _exponentials(ellipse: Floats, work: Floats) -> None:
    """``2^(−u² − v²)``, to the last bits, with ``(u, v)`` the ellipse's own offset."""
    first, cross, second = ellipse[0], ellipse[1], ellipse[2]
    for k in range(BLOCK):
        c, d, stretch = work[_C + k], work[_D + k], work[_STRETCHES + k]
        u, v = stretch * (first * c + cross * d), stretch * (cross * c + second * d)
        exponent = max(-u * u - v * v, -1000.0)
        rounded = exponent + _ROUND
        rest = exponent - (rounded - _ROUND)
        value = _EXP2[_TERMS - 1]
        for n in range(_TERMS - 2, -1, -1):
            value = value * rest + _EXP2[n]
        work[_U + k], work[_V + k] = u, v
        work[_GAIN + k], work[_ROUNDED + k] = value, rounded
    bits = work.view(np.int64)
    for k in range(BLOCK):
        bits[_GAIN + k] += bits[_ROUNDED + k] << _MANTISSA


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _differentiate(
    tile: Floats, vectors: Floats, power: float, least: float, ellipse: Floats, work: Floats,
    out: Floats,
) -> None:  # fmt: skip
    """Power from a source, then its derivatives by direction and ellipse."""
    first, cross, second = ellipse[0], ellipse[1], ellipse[2]
    turn_north, turn_east = vectors[1, 0], vectors[1, 1]
    rise_north, rise_east, rise_up = vectors[2, 0], vectors[2, 1], vectors[2, 2]
    for k in range(BLOCK):
        c, d, u, v = work[_C + k], work[_D + k], work[_U + k], work[_V + k]
        gain = power * work[_GAIN + k] if work[_COSINE + k] >= least else 0.0
        slope = -2.0 * _LN2 * gain * work[_STRETCHES + k]
        by_x, by_y = slope * (first * u + cross * v), slope * (cross * u + second * v)
        # Both hold the stretch: what lengthens with it is divided by it.
        inward = work[_BENDS + k] * (by_x * c + by_y * d)
        by_c, by_d = by_x + inward * c, by_y + inward * d
        across_north, across_east, across_up = tile[k], tile[BLOCK + k], tile[2 * BLOCK + k]
        along_north, along_east = tile[3 * BLOCK + k], tile[4 * BLOCK + k]
        along_up = tile[5 * BLOCK + k]
        out[k] = gain
        out[BLOCK + k] = by_c * (turn_north * across_north + turn_east * across_east) + by_d * (
            turn_north * along_north + turn_east * along_east
        )
        out[2 * BLOCK + k] = by_c * (
            rise_north * across_north + rise_east * across_east + rise_up * across_up
        ) + by_d * (rise_north * along_north + rise_east * along_east + rise_up * along_up)
        out[3 * BLOCK + k] = slope * u * c
        out[4 * BLOCK + k] = slope * (u * d + v * c)
        out[5 * BLOCK + k] = slope * v * d


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def gaussian_block(
    tile: Floats,
    vectors: Floats,
    powers: Floats,
    reaches: Floats,
    ellipse: Floats,
    work: Floats,
    out: Floats,
    received: Floats,
    derivatives: Floats,
    seen: Booleans,
) -> None:
    """Power that the samples of a block receive from all sources, and its derivatives.

    Arrays are flat, one row of a block after the other: then it is known while it is compiled how
    far apart they are, and that they do not overlap.

    Parameters
    ----------
    tile : ndarray, shape (9 · `BLOCK`,)
        Frames of the samples: north, east, up of across, along, ahead.
    vectors : ndarray, shape (s, 3, 3)
        Of the sources, with their derivatives.
    powers : ndarray, shape (s,)
        Of the sources on the axis.
    reaches : ndarray, shape (s,)
        Angle from each beyond which it has no power.
    ellipse : ndarray, shape (3,)
        Of the beam.
    work, out : ndarray, shape (`WORK` · `BLOCK`,), (6 · `BLOCK`,)
        Space to compute in.
    received : ndarray, shape (`BLOCK`,)
        Where to add the power.
    derivatives : ndarray, shape ((3 s + 3) · `BLOCK`,)
        Where they go: by log power, azimuth and elevation of each source, then by the ellipse.
    seen : ndarray of bool, shape (s,)
        Which sources have any power here; derivatives of the others are not written.
    """
    sources = powers.size
    own = 3 * sources * BLOCK
    derivatives[own : own + 3 * BLOCK] = 0.0
    for i in range(sources):
        if not seen[i]:
            continue
        furthest = reaches[i]
        least = math.cos(furthest) if furthest < math.pi else -2.0
        _project(tile, vectors[i, 0], work)
        if furthest < _WIDE or _all_within(work, _WIDE_COSINE):
            _near_stretch(work)
        else:
            _any_stretch(work)
        _exponentials(ellipse, work)
        _differentiate(tile, vectors[i], powers[i], least, ellipse, work, out)
        place = 3 * i * BLOCK
        for k in range(BLOCK):
            received[k] += out[k]
        for k in range(3 * BLOCK):
            derivatives[place + k] = out[k]
        for k in range(3 * BLOCK):
            derivatives[own + k] += out[3 * BLOCK + k]


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
    rows = (3 * sources + 3) * BLOCK
    work, out, power = np.empty(WORK * BLOCK), np.empty(6 * BLOCK), np.empty(BLOCK)
    slopes, flat = np.zeros(rows), columns.reshape(-1)
    # Gains have no end here: all that a number can hold.
    seen, reaches = np.ones(sources, dtype=np.bool_), np.full(sources, math.pi)
    for begin in range(0, size, BLOCK):
        power[:] = 0.0
        gaussian_block(
            flat[9 * begin : 9 * (begin + BLOCK)], vectors, powers, reaches, ellipse, work, out,
            power, slopes, seen,
        )  # fmt: skip
        for k in range(min(BLOCK, size - begin)):
            received[begin + k] = power[k]
            if wanted:
                for j in range(3 * sources + 3):
                    derivatives[begin + k, j] = slopes[j * BLOCK + k]
