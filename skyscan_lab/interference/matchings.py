"""Which belongs to which, where each has at most one partner: the odds of every pair.

Of all the ways to pair some of the rows with some of the columns, each is as probable as the
product of the weights of its pairs. The probability of a pair is the sum over all the ways
that have it. Small groups are summed exactly; large ones by belief propagation, which always
converges here [1]_ [2]_.

References
----------
.. [1] J. L. Williams and R. A. Lau, "Approximate evaluation of marginal association
   probabilities with belief propagation", IEEE Transactions on Aerospace and Electronic Systems
   50, 2942 (2014), eqs. 20-21.
.. [2] P. O. Vontobel, "The Bethe permanent of a nonnegative matrix", IEEE Transactions on
   Information Theory 59, 1866 (2013).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# 2^10 subsets: a millisecond an object.
_EXACT_UP_TO = 10
_ROUNDS = 2000
_TOLERANCE = 1e-10


def pair_probabilities(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of each pair, over all the ways to pair.

    Parameters
    ----------
    weight : ndarray, shape (n, m)
        Odds of each pair against leaving both alone; 0 for pairs that cannot be.

    Returns
    -------
    ndarray, shape (n, m)
        What is missing to 1 in a row is the probability that it has no partner.

    Examples
    --------
    >>> pair_probabilities(np.array([[1.0, 1.0]])).round(4)
    array([[0.3333, 0.3333]])
    >>> pair_probabilities(np.array([[1.0], [1.0]])).round(4)  # not both can have it
    array([[0.3333],
           [0.3333]])
    """
    rows, columns = np.nonzero(weight)
    found = np.zeros(weight.shape)
    count = weight.shape[0]
    graph = coo_array(
        (np.ones(rows.size), (rows, count + columns)), shape=(count + weight.shape[1],) * 2
    )
    groups, group = connected_components(graph, directed=False)
    members = np.bincount(group, minlength=groups)
    for number in np.flatnonzero(members > 1):
        inside = group == number
        part = np.ix_(np.flatnonzero(inside[:count]), np.flatnonzero(inside[count:]))
        found[part] = _of_group(weight[part])
    return found


def _of_group(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    if weight.shape[0] < weight.shape[1]:
        return _of_group(weight.T).T
    if weight.shape[1] <= _EXACT_UP_TO:
        return exact(weight)
    return by_propagation(weight)


def exact(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over all the ways, row by row, by the set of columns that are taken."""
    count, columns = weight.shape
    sets = np.arange(2**columns)
    taken = (sets[:, None] >> np.arange(columns)) & 1 == 1
    before = np.zeros((count + 1, sets.size))
    before[0, 0] = 1.0
    after = np.zeros((count + 1, sets.size))
    after[count] = 1.0
    for row in range(count):
        step = before[row].copy()
        for column in range(columns):
            free = sets[~taken[:, column]]
            step[free | 1 << column] += before[row, free] * weight[row, column]
        before[row + 1] = step / step.max()  # only ratios count, and products grow
    for row in reversed(range(count)):
        step = after[row + 1].copy()
        for column in range(columns):
            free = sets[~taken[:, column]]
            step[free] += after[row + 1, free | 1 << column] * weight[row, column]
        after[row] = step / step.max()
    found = np.empty_like(weight)
    for row in range(count):
        for column in range(columns):
            free = sets[~taken[:, column]]
            found[row, column] = weight[row, column] * np.dot(
                before[row, free], after[row + 1, free | 1 << column]
            )
        found[row] /= found[row].sum() + np.dot(before[row], after[row + 1])
    return found


def by_propagation(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Belief propagation: exact on trees, and close elsewhere."""
    from_column = np.ones_like(weight)
    for _ in range(_ROUNDS):
        to_column = weight / (1.0 + _sum_of_others(weight * from_column))
        news = 1.0 / (1.0 + _sum_of_others(to_column.T).T)
        settled = np.abs(news - from_column).max() < _TOLERANCE
        from_column = news
        if settled:
            break
    offered = weight * from_column
    return np.asarray(offered / (1.0 + offered.sum(axis=1, keepdims=True)))


def _sum_of_others(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row the sum without each of its own; differences would lose the small ones."""
    others = np.zeros_like(values)
    others[:, 1:] += np.cumsum(values[:, :-1], axis=1)
    others[:, :-1] += np.cumsum(values[:, :0:-1], axis=1)[:, ::-1]
    return others
