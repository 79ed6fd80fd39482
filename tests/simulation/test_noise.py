"""Truth: the gamma distribution and the radiometer equation; keys are functions, not states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Philox
from scipy import stats

from skyscan_lab.simulation.noise import Purpose, generator, radiometer_factor, uniforms


def many(session: str, points: int = 400, reads: int = 50, seed: int = 1) -> np.ndarray:
    return np.concatenate(
        [uniforms(seed, session, point, Purpose.RADIOMETER, reads) for point in range(points)]
    )


@given(
    seed=st.integers(0, 2**63),
    session=st.text(max_size=20),
    sequence=st.integers(-(2**63), 2**63 - 1),
    purpose=st.sampled_from(Purpose),
    few=st.integers(1, 20),
)
def test_the_same_key_always_gives_the_same_numbers(
    seed: int, session: str, sequence: int, purpose: Purpose, few: int
) -> None:
    first = uniforms(seed, session, sequence, purpose, few + 5)
    again = uniforms(seed, session, sequence, purpose, few)
    assert np.array_equal(first[:few], again)
    assert np.all((first > 0.0) & (first < 1.0))


def test_every_part_of_the_key_counts() -> None:
    keys = itertools.product((1, 2), ("a", "b", "1"), (-1, 0, 1), Purpose)
    numbers = [uniforms(*key, 4) for key in keys]
    assert np.unique(np.concatenate(numbers)).size == 4 * len(numbers)


def test_seed_and_session_cannot_be_mistaken_for_each_other() -> None:
    assert not np.array_equal(
        uniforms(1, "2\n3", 0, Purpose.RADIOMETER, 4), uniforms(12, "\n3", 0, Purpose.RADIOMETER, 4)
    )


def test_points_start_far_apart_in_the_generator_s_sequence() -> None:
    this, following = (
        generator(1, "a", point, Purpose.RADIOMETER).state["state"] for point in (7, 8)
    )
    assert np.array_equal(this["key"], following["key"])
    gap = [int(b) - int(a) for a, b in zip(this["counter"], following["counter"], strict=True)]
    assert gap == [0, 0, 1, 0]  # 2^128 blocks of four numbers


def test_generator_is_numpy_s_philox() -> None:
    state = generator(1, "a", 7, Purpose.IMPULSE).state["state"]
    twin = Philox(key=state["key"], counter=state["counter"])
    assert np.array_equal(twin.random_raw(8), generator(1, "a", 7, Purpose.IMPULSE).random_raw(8))


def test_numbers_are_uniform_and_independent_between_sessions_points_and_readings() -> None:
    one, other = many("one"), many("other")
    for numbers in (one, other):
        assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    scores = stats.norm.ppf(one.reshape(400, 50))
    pairs = {
        "sessions": (scores.ravel(), stats.norm.ppf(other)),
        "points": (scores[:-1].ravel(), scores[1:].ravel()),
        "readings": (scores[:, :-1].ravel(), scores[:, 1:].ravel()),
    }
    for name, (a, b) in pairs.items():
        correlation = np.corrcoef(a, b)[0, 1]
        assert abs(correlation) * np.sqrt(a.size) < 4.0, name


@pytest.mark.parametrize("looks", [1.0, 3.5, 100.0, 1e6])
def test_power_is_gamma_distributed(looks: float) -> None:
    factors = radiometer_factor(many("gamma"), looks)
    assert stats.kstest(factors, stats.gamma(looks, scale=1.0 / looks).cdf).pvalue > 1e-3
    count = factors.size
    # Mean 1, variance 1/N (the radiometer equation), skewness 2/√N.
    assert (factors.mean() - 1.0) * np.sqrt(count * looks) == pytest.approx(0.0, abs=4.0)
    excess = np.sqrt((2.0 + 6.0 / looks) / count)
    assert factors.var() * looks == pytest.approx(1.0, abs=4.0 * excess)


def test_averaging_readings_beats_the_scatter_down_by_their_number() -> None:
    factors = radiometer_factor(many("chi2", points=2000, reads=10), looks=50.0).reshape(-1, 10)
    # The sum of gammas is a gamma: 2 N n times the mean is chi-squared with 2 N n freedom.
    statistic = 2.0 * 50.0 * 10 * factors.mean(axis=1)
    assert stats.kstest(statistic, stats.chi2(2 * 50 * 10).cdf).pvalue > 1e-3
