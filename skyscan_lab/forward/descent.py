"""Steps of Levenberg and Marquardt, compiled: what to try next, given how the last try went."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAMPING = 1e-2
_EASE = 8.0
_STIFFEN = 5.0
_MOST_DAMPING = 1e9
_TRIES = 14
_LEAST_DAMPING = 1e-12
_FREEZES = 4
# A number that no reading holds may be thrown anywhere; its square is still to be one.
FARTHEST = 1e100


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(matrix: Floats, right: Floats, size: int) -> bool:
    """Solve by Cholesky in place, the first `size` of each; False where it is not positive."""
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i > j:
                matrix[i, j] = total / matrix[j, j]
            elif total > 0.0:
                matrix[i, i] = math.sqrt(total)
            else:
                return False
    for i in range(size):
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            right[i] -= matrix[k, i] * right[k]
        right[i] /= matrix[i, i]
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def step(
    numbers: Floats,
    information: Floats,
    pull: Floats,
    damping: float,
    least: Floats,
    most: Floats,
    stride: Floats,
) -> Floats:
    """Where to try next, within bounds and not further than a stride.

    Parameters
    ----------
    numbers : ndarray, shape (f,)
        Where the fit is.
    information : ndarray, shape (f, f)
        ``Jᵀ W J`` there.
    pull : ndarray, shape (f,)
        ``Jᵀ W r`` there.
    damping : float
        Of each number, relative to its own curvature.
    least, most, stride : ndarray, shape (f,)
        Bounds, and the longest step.
    """
    count = numbers.size
    moves = np.ones(count, dtype=np.bool_)
    part = np.empty(count, dtype=np.int64)
    matrix, right, move = np.empty((count, count)), np.empty(count), np.zeros(count)
    for _ in range(_FREEZES):
        size = 0
        for i in range(count):
            if moves[i]:
                part[size] = i
                size += 1
        for i in range(size):
            right[i] = pull[part[i]]
            for j in range(i + 1):
                matrix[i, j] = information[part[i], part[j]]
            curvature = information[part[i], part[i]]
            matrix[i, i] += damping * (curvature if curvature > 0.0 else 1.0)
        if not _solve(matrix, right, size):
            return numbers.copy()
        move[:] = 0.0
        for i in range(size):
            move[part[i]] = right[i]
        # What stands at a bound and would cross it stays, and the others know.
        stuck = False
        for i in range(count):
            if moves[i] and (
                (numbers[i] <= least[i] and move[i] < 0.0)
                or (numbers[i] >= most[i] and move[i] > 0.0)
            ):
                moves[i] = False
                stuck = True
        if not stuck:
            break
    there = np.empty(count)
    for i in range(count):
        bounded = min(max(move[i], -stride[i]), stride[i])
        there[i] = min(max(numbers[i] + bounded, least[i]), most[i])
    return there


@njit(cache=True, nogil=True, error_model="numpy")
def next_damping(damping: float, tries: int, better: bool) -> tuple[float, int]:
    """Damping and number of failures after a try; of failures too many, −1."""
    if better:
        return max(damping / _EASE, _LEAST_DAMPING), 0
    damping *= _STIFFEN
    if damping > _MOST_DAMPING or tries + 1 >= _TRIES:
        return damping, -1
    return damping, tries + 1
