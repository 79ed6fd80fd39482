"""Cost and normal equations in one pass over the samples, compiled.

The derivatives of a block of samples stay in the nearest cache; what leaves it is the sum of the
squares, ``Jᵀ W r`` and ``Jᵀ W J`` of the numbers that are wanted.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skyscan_lab.forward.descent import DAMPING, FARTHEST, next_damping, step
from skyscan_lab.forward.gaussian import WORK, gaussian_block, look, reaches_of
from skyscan_lab.forward.kernels import ELLIPSE, aperture_powers
from skyscan_lab.forward.tiles import BLOCK

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

GAUSSIAN, APERTURE = 0, 1
LINEAR, LOGARITHMIC = 0, 1
KINDS = {"linear": LINEAR, "logarithmic": LOGARITHMIC}
_RESPONSE = 3
# Of the strongest source: a floor below that is none.
_LEAST_FLOOR = 1e-12
_LN10 = math.log(10.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _vectors(sources: Floats) -> Floats:
    """As `source_vectors`."""
    vectors = np.zeros((sources.shape[0], 3, 3))
    for i in range(sources.shape[0]):
        sine, cosine = math.sin(sources[i, 1]), math.cos(sources[i, 1])
        up, flat = math.sin(sources[i, 2]), math.cos(sources[i, 2])
        vectors[i, 0, 0], vectors[i, 0, 1], vectors[i, 0, 2] = flat * cosine, flat * sine, up
        vectors[i, 1, 0], vectors[i, 1, 1] = -flat * sine, flat * cosine
        vectors[i, 2, 0], vectors[i, 2, 1], vectors[i, 2, 2] = -up * cosine, -up * sine, flat
    return vectors


@njit(cache=True, nogil=True, error_model="numpy")
def _shows(kind: int, power: Floats, compression: float) -> bool:
    """Whether the receiver shows all of these powers."""
    good = 0
    for k in range(BLOCK):
        good += 1 if 1.0 + compression * power[k] > 0.0 else 0
    if kind == LOGARITHMIC:
        for k in range(BLOCK):
            good -= 0 if power[k] > 0.0 else 1
    return good == BLOCK


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _respond(
    kind: int,
    power: Floats,
    response: Floats,
    reading: Floats,
    by_power: Floats,
    rows: Floats,
    asked: Booleans,
) -> None:
    """As `read`, with those derivatives that are asked for."""
    offset, slope, compression = response[0], response[1], response[2]
    by_offset, by_slope, by_compression = rows[0], rows[1], rows[2]
    if asked[0]:
        by_offset[:] = 1.0
    if kind == LINEAR and compression == 0.0 and not asked[1] and not asked[2]:
        for k in range(BLOCK):
            reading[k] = offset + slope * power[k]
        by_power[:] = slope
        return
    for k in range(BLOCK):
        by_slope[k] = power[k] / (1.0 + compression * power[k])
    if kind == LINEAR:
        for k in range(BLOCK):
            reading[k] = offset + slope * by_slope[k]
        for k in range(BLOCK):
            by_compression[k] = -slope * by_slope[k] * by_slope[k]
        for k in range(BLOCK):
            squeeze = 1.0 + compression * power[k]
            by_power[k] = slope / (squeeze * squeeze)
    else:
        for k in range(BLOCK):
            by_compression[k] = -slope / _LN10 * by_slope[k]
        for k in range(BLOCK):
            by_slope[k] = math.log10(by_slope[k])
        for k in range(BLOCK):
            reading[k] = offset + slope * by_slope[k]
        for k in range(BLOCK):
            by_power[k] = slope / (_LN10 * power[k] * (1.0 + compression * power[k]))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _add(
    rows: Floats,
    selects: Integers,
    present: Integers,
    weights: Floats,
    residual: Floats,
    information: Floats,
    pull: Floats,
    weighted: Floats,
) -> None:
    """Add a block of derivatives to the lower triangle of the normal equations.

    `present` are the places in `selects` of what has any derivatives here.
    """
    for place, i in enumerate(present):
        row = rows[selects[i]]
        for k in range(BLOCK):
            weighted[k] = weights[k] * row[k]
        total = 0.0
        for k in range(BLOCK):
            total += weighted[k] * residual[k]
        pull[i] += total
        j = 0
        while j + 3 <= place:
            one, two = rows[selects[present[j]]], rows[selects[present[j + 1]]]
            three, four = rows[selects[present[j + 2]]], rows[selects[present[j + 3]]]
            a, b, c, d = 0.0, 0.0, 0.0, 0.0
            for k in range(BLOCK):
                a += weighted[k] * one[k]
                b += weighted[k] * two[k]
                c += weighted[k] * three[k]
                d += weighted[k] * four[k]
            information[i, present[j]] += a
            information[i, present[j + 1]] += b
            information[i, present[j + 2]] += c
            information[i, present[j + 3]] += d
            j += 4
        for m in range(j, place + 1):
            other = rows[selects[present[m]]]
            total = 0.0
            for k in range(BLOCK):
                total += weighted[k] * other[k]
            information[i, present[m]] += total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _cost(weights: Floats, residual: Floats) -> float:
    total = 0.0
    for k in range(BLOCK):
        total += weights[k] * residual[k] * residual[k]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def normal_equations(
    columns: Floats,
    centres: Floats,
    radii: Floats,
    floor: Floats,
    kind: int,
    family: int,
    tables: Floats,
    modes: Integers,
    own: int,
    parameters: Floats,
    selects: Integers,
    readings: Floats,
    weights: Floats,
    residual: Floats,
    information: Floats,
    pull: Floats,
) -> float:
    """Sum of the weighted squares; NaN where the receiver has nothing to show.

    Parameters
    ----------
    columns, centres, radii : ndarray
        Of the `Tiles` of the samples, n of them with those that fill the last block, which have no
        weight. So is the order of whatever has n elements.
    floor : ndarray, shape (t, n)
        Terms of the floor.
    kind, family : int
        Of the response and of the beam.
    tables, modes : ndarray
        Of an aperture.
    own : int
        Number of parameters of the beam.
    parameters : ndarray, shape (p,)
        Of the model.
    selects : ndarray of int, shape (f,)
        Which of them are wanted.
    readings, weights : ndarray, shape (n,)
        What was read, and one over its variance.
    residual : ndarray, shape (n,)
        Where the readings minus the model go.
    information : ndarray, shape (f, f)
        Where ``Jᵀ W J`` goes.
    pull : ndarray, shape (f,)
        Where ``Jᵀ W r`` goes.
    """
    terms, total = floor.shape[0], parameters.size
    head = _RESPONSE + terms
    count = (total - head - own) // 3
    sources = parameters[head : total - own].reshape(count, 3)
    vectors, powers = _vectors(sources), np.exp(sources[:, 0])
    ellipse = parameters[total - own : total - own + ELLIPSE]
    work, out, rows = np.empty(WORK * BLOCK), np.empty(6 * BLOCK), np.empty((total, BLOCK))
    flat = columns.reshape(-1)
    power, by_power, weighted = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    axes, aside = np.empty((3, BLOCK, 3)), np.empty((BLOCK, total - head))
    seen, present = np.ones(count, dtype=np.bool_), np.empty(selects.size, dtype=np.int64)
    least = abs(parameters[_RESPONSE])
    if count:
        least = max(least, _LEAST_FLOOR * np.max(powers))
    # Made once: a view costs as much as ten samples.
    top, below = rows[:_RESPONSE], rows[head:].reshape(-1)
    response, extra = parameters[:_RESPONSE], parameters[total - own + ELLIPSE + 1 :]
    asked = np.zeros(total, dtype=np.bool_)
    asked[selects] = True
    reaches, some = reaches_of(ellipse, powers, least), True
    information[:], pull[:] = 0.0, 0.0
    cost = 0.0
    for begin in range(0, readings.size, BLOCK):
        end, block = begin + BLOCK, begin // BLOCK
        rest, read, weight = residual[begin:end], readings[begin:end], weights[begin:end]
        power[:] = 0.0
        if family == GAUSSIAN:
            some = look(centres[block], radii[block], vectors, reaches, seen)
            if some:
                gaussian_block(
                    flat[9 * begin : 9 * end], vectors, powers, reaches, ellipse, work, out, power,
                    below, seen,
                )  # fmt: skip
        else:
            for axis in range(3):
                for part in range(3):
                    for k in range(BLOCK):
                        axes[axis, k, part] = columns[block, 3 * axis + part, k]
            aperture_powers(
                axes[0], axes[1], axes[2], vectors, powers, ellipse,
                parameters[total - own + ELLIPSE], tables, modes,
                extra, power, aside, True,
            )  # fmt: skip
            for place in range(total - head):
                for k in range(BLOCK):
                    rows[head + place, k] = aside[k, place]
        for term in range(terms):
            level, shape = parameters[_RESPONSE + term], floor[term, begin:end]
            for k in range(BLOCK):
                power[k] += level * shape[k]
        if not _shows(kind, power, parameters[2]):
            return np.nan
        _respond(kind, power, response, rest, by_power, top, asked)
        for k in range(BLOCK):
            rest[k] = read[k] - rest[k]
        found = 0
        for i in range(selects.size):
            place = selects[i]
            here = some if place >= total - own else place < head or seen[(place - head) // 3]
            if not here:
                continue
            present[found] = i
            found += 1
            row = rows[place]
            if place >= head:
                for k in range(BLOCK):
                    row[k] *= by_power[k]
            elif place >= _RESPONSE:
                shape = floor[place - _RESPONSE, begin:end]
                for k in range(BLOCK):
                    row[k] = shape[k] * by_power[k]
        cost += _cost(weight, rest)
        _add(rows, selects, present[:found], weight, rest, information, pull, weighted)
    for i in range(selects.size):
        for j in range(i):
            information[j, i] = information[i, j]
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def is_ellipse(beam: Floats) -> bool:
    """Whether the first three numbers of a beam are a positive definite matrix.

    One with a negative eigenvalue has the same gain as one without, turned: a fit that came there
    would be held by the bounds of the diagonal.
    """
    return bool(beam[0] * beam[2] > beam[1] * beam[1])


@njit(cache=True, nogil=True, error_model="numpy")
def descend(
    columns: Floats,
    centres: Floats,
    radii: Floats,
    floor: Floats,
    kind: int,
    family: int,
    tables: Floats,
    modes: Integers,
    own: int,
    parameters: Floats,
    selects: Integers,
    readings: Floats,
    weights: Floats,
    prior: Floats,
    least: Floats,
    most: Floats,
    stride: Floats,
    steps: int,
    tolerance: float,
) -> tuple[float, Floats, Floats, Floats]:
    """Fit selected parameters: cost, numbers, residual, information; a cost of NaN without a start.

    Parameters as for `normal_equations`; `prior` is the precision of each number about 0.
    """
    count = selects.size
    here, there = parameters[selects], np.empty(count)
    pull, pull_there = np.empty(count), np.empty(count)
    information, information_there = np.empty((count, count)), np.empty((count, count))
    residual, residual_there = np.empty(readings.size), np.empty(readings.size)
    trial, beam = parameters.copy(), parameters.size - own
    cost, damping, tries, done = np.inf, DAMPING, 0, -1
    there[:] = here
    while True:
        cost_there = np.nan
        trial[selects] = there
        if np.all(np.abs(there) < FARTHEST) and (done < 0 or is_ellipse(trial[beam:])):
            cost_there = normal_equations(
                columns, centres, radii, floor, kind, family, tables, modes, own, trial, selects,
                readings, weights, residual_there, information_there, pull_there,
            )  # fmt: skip
            for i in range(count):
                information_there[i, i] += prior[i]
                pull_there[i] -= prior[i] * there[i]
                cost_there += prior[i] * there[i] * there[i]
        better = cost_there < cost
        if done < 0:
            if not better:
                return np.nan, here, residual, information
            done = 0
        else:
            damping, tries = next_damping(damping, tries, better)
            done += 1 if better else 0
        gained = (cost - cost_there) / cost if better and cost < np.inf else np.inf
        if better:
            cost = cost_there
            here, there = there, here
            pull, pull_there = pull_there, pull
            information, information_there = information_there, information
            residual, residual_there = residual_there, residual
        if tries < 0 or done >= steps or gained < tolerance:
            break
        there = step(here, information, pull, damping, least, most, stride)
    return cost, here, residual, information
