"""Received power of all samples from all sources through an aperture, with every derivative.

Compiled, and in one thread: on a shared machine two are slower. Offsets are the direction cosines
(across, along) of a source in the frame of a boresight: what the far field depends on.

Columns of the derivatives: log power, azimuth, elevation of each source, then the beam's own
parameters: the three of its ellipse, then what the family adds.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skyscan_lab.forward.radial import STEP

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ELLIPSE = 3


@njit(cache=True, inline="always")
def _dot(a: Floats, b: Floats) -> float:
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


@njit(cache=True, inline="always")
def _look_up(tables: Floats, which: int, u: float) -> tuple[float, float]:
    """Cubic through values and derivatives of a table; 0 beyond its end."""
    place = u / STEP
    entry = int(place)
    if entry >= tables.shape[1] - 1:
        return 0.0, 0.0
    x = place - entry
    low, high = tables[which, entry, 0], tables[which, entry + 1, 0]
    at_low, at_high = tables[which, entry, 1] * STEP, tables[which, entry + 1, 1] * STEP
    rise = high - low
    second, third = 3.0 * rise - 2.0 * at_low - at_high, at_low + at_high - 2.0 * rise
    value = low + x * (at_low + x * (second + x * third))
    return value, (at_low + x * (2.0 * second + 3.0 * x * third)) / STEP


@njit(cache=True, nogil=True)
def aperture_powers(
    across: Floats,
    along: Floats,
    ahead: Floats,
    vectors: Floats,
    powers: Floats,
    ellipse: Floats,
    blocked_area: float,
    tables: Floats,
    modes: Integers,
    coefficients: Floats,
    received: Floats,
    derivatives: Floats,
    wanted: bool,
) -> None:
    """Far field of a blocked aperture with Zernike modes, squared.

    The field is ``[h₀(u) − β² h₀(βu)]/(1 − β²) + Σ c h(u) Re|Im (U + iV)^m``, the modes in its
    real part or in its imaginary one; `blocked_area` is β². A row of `modes` is: table, m, sine,
    imaginary.
    """
    sources, count = powers.size, coefficients.size
    first, cross, second = ellipse[0], ellipse[1], ellipse[2]
    hole, blockage = blocked_area, math.sqrt(blocked_area)
    scale = 1.0 / (1.0 - hole)
    for k in range(across.shape[0]):
        shapes = np.empty(count)
        total = 0.0
        own = 3 * sources
        if wanted:
            for j in range(ELLIPSE + 1 + count):
                derivatives[k, own + j] = 0.0
        for i in range(sources):
            power = powers[i]
            if _dot(ahead[k], vectors[i, 0]) < 0.0:
                power = 0.0  # an aperture says nothing about what is behind it
            c, d = _dot(across[k], vectors[i, 0]), _dot(along[k], vectors[i, 0])
            x, y = first * c + cross * d, cross * c + second * d
            u = math.sqrt(x * x + y * y)
            inverse = 1.0 / u if u > 1e-12 else 0.0
            whole, whole_slope = _look_up(tables, 0, u)
            inner, inner_slope = _look_up(tables, 0, blockage * u)
            real = (whole - hole * inner) * scale
            slope = (whole_slope - hole * blockage * inner_slope) * scale
            real_x, real_y = slope * x * inverse, slope * y * inverse
            # By the blocked share of the area: by the diameter it would vanish at no blockage.
            by_blocked = (whole - inner - 0.5 * blockage * u * inner_slope * (1.0 - hole)) * (
                scale * scale
            )
            imaginary, imaginary_x, imaginary_y = 0.0, 0.0, 0.0
            table = -1
            radial, radial_slope = 0.0, 0.0
            for q in range(count):
                if modes[q, 0] != table:
                    table = modes[q, 0]
                    radial, radial_slope = _look_up(tables, table, u)
                order = modes[q, 1]
                power_re, power_im, less_re, less_im = 1.0, 0.0, 0.0, 0.0
                for _ in range(order):
                    less_re, less_im = power_re, power_im
                    power_re, power_im = (
                        power_re * x - power_im * y,
                        power_re * y + power_im * x,
                    )
                if modes[q, 2] == 0:
                    turn, turn_x, turn_y = power_re, order * less_re, -order * less_im
                else:
                    turn, turn_x, turn_y = power_im, order * less_im, order * less_re
                shapes[q] = radial * turn
                shape_x = radial_slope * x * inverse * turn + radial * turn_x
                shape_y = radial_slope * y * inverse * turn + radial * turn_y
                if modes[q, 3] == 0:
                    real += coefficients[q] * shapes[q]
                    real_x += coefficients[q] * shape_x
                    real_y += coefficients[q] * shape_y
                else:
                    imaginary += coefficients[q] * shapes[q]
                    imaginary_x += coefficients[q] * shape_x
                    imaginary_y += coefficients[q] * shape_y
            gain = power * (real * real + imaginary * imaginary)
            total += gain
            if wanted:
                by_x = 2.0 * power * (real * real_x + imaginary * imaginary_x)
                by_y = 2.0 * power * (real * real_y + imaginary * imaginary_y)
                by_c, by_d = first * by_x + cross * by_y, cross * by_x + second * by_y
                derivatives[k, 3 * i] = gain
                for j in range(1, 3):
                    derivatives[k, 3 * i + j] = by_c * _dot(across[k], vectors[i, j]) + by_d * _dot(
                        along[k], vectors[i, j]
                    )
                derivatives[k, own] += by_x * c
                derivatives[k, own + 1] += by_x * d + by_y * c
                derivatives[k, own + 2] += by_y * d
                derivatives[k, own + ELLIPSE] += 2.0 * power * real * by_blocked
                for q in range(count):
                    part = real if modes[q, 3] == 0 else imaginary
                    derivatives[k, own + ELLIPSE + 1 + q] += 2.0 * power * shapes[q] * part
        received[k] = total
