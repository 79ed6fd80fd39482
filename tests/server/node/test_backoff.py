"""Truth: a thousand nodes whose hub was away for up to two seconds are back within five."""

import random
from itertools import pairwise

import pytest

from skyscan_server.node import backoff
from skyscan_server.node.backoff import Backoff


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(backoff, "time", clock)
    return clock


def attempts(clock, outage_s, seed):
    """When a node calls, counted from the loss, until the first call that meets a hub."""
    clock.now = 1000.0
    pauses = Backoff(draw=random.Random(seed).uniform)  # noqa: S311 -- no secret
    times = []
    while not times or times[-1] < outage_s:
        clock.now += pauses.pause_s()
        times.append(clock.now - 1000.0)
    return times


@pytest.mark.parametrize("outage_s", [0.0, 0.5, 2.0])
def test_a_thousand_nodes_come_back_soon_and_not_all_at_once(clock, outage_s):
    back = sorted(attempts(clock, outage_s, seed)[-1] for seed in range(1000))
    assert back[-1] < outage_s + 2.0
    if outage_s == 2.0:
        in_a_tenth = max(sum(start <= t < start + 0.1 for t in back) for start in back)
        assert in_a_tenth < 200


def test_a_hub_that_stays_away_is_called_less_often(clock):
    times = attempts(clock, 3600.0, seed=1)
    late = [b - a for a, b in pairwise(times) if a > 300.0]
    assert max(late) <= 30.0
    assert sum(late) / len(late) == pytest.approx(15.0, abs=3.0)


def test_a_new_outage_begins_anew(clock):
    pauses = Backoff(draw=lambda _, high: high)
    before = [pauses.pause_s() for _ in range(5)]
    pauses.reset()
    assert [pauses.pause_s() for _ in range(5)] == before
