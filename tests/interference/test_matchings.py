"""Truth: every way to pair, written out."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from skyscan_lab.interference.matchings import by_propagation, exact, pair_probabilities


def written_out(weight: np.ndarray) -> np.ndarray:
    rows, columns = weight.shape
    total, found = 0.0, np.zeros_like(weight)
    for size in range(min(rows, columns) + 1):
        for chosen in combinations(range(rows), size):
            for partners in permutations(range(columns), size):
                odds = np.prod(weight[list(chosen), list(partners)])
                total += odds
                found[list(chosen), list(partners)] += odds
    return found / total


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 2), (2, 5), (4, 4)])
@pytest.mark.parametrize("spread", [0.5, 5.0])
def test_all_ways_are_summed(shape: tuple[int, int], spread: float) -> None:
    rng = np.random.default_rng(3)
    weight = np.exp(rng.normal(0.0, spread, shape)) * (rng.random(shape) < 0.7)
    np.testing.assert_allclose(pair_probabilities(weight), written_out(weight), atol=1e-12)


def test_groups_that_share_nothing_do_not_touch() -> None:
    rng = np.random.default_rng(4)
    one, other = rng.random((3, 2)), rng.random((2, 3))
    both = np.zeros((6, 5))
    both[:3, :2], both[4:, 2:] = one, other
    found = pair_probabilities(both)
    np.testing.assert_allclose(found[:3, :2], written_out(one))
    np.testing.assert_allclose(found[4:, 2:], written_out(other))
    assert found.sum() == pytest.approx(found[:3, :2].sum() + found[4:, 2:].sum())


def test_propagation_is_exact_on_a_chain_and_close_on_a_crowd() -> None:
    rng = np.random.default_rng(5)
    chain = np.diag(rng.uniform(0.1, 9.0, 8)) + np.diag(rng.uniform(0.1, 9.0, 7), 1)
    np.testing.assert_allclose(by_propagation(chain), exact(chain), atol=1e-8)
    crowd = np.exp(rng.normal(0.0, 2.0, (10, 10)))
    assert np.abs(by_propagation(crowd) - exact(crowd)).max() < 0.05


def test_large_groups_and_large_odds_stay_probabilities() -> None:
    rng = np.random.default_rng(6)
    near = rng.random((40, 30)) < 0.3  # as satellites of one swarm are
    found = pair_probabilities(np.exp(rng.normal(3.0, 5.0, (40, 30))) * near)
    assert np.isfinite(found).all()
    assert found.min() >= 0.0
    assert found.sum(axis=0).max() < 1.0 + 1e-6
    assert found.sum(axis=1).max() < 1.0 + 1e-6
    huge = exact(np.exp(rng.normal(0.0, 60.0, (10, 10))))
    assert np.isfinite(huge).all()
