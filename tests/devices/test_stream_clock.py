"""The stream's clock against streams whose delay is known: it admits no old sample."""

import math

import numpy as np
import pytest

from skyscan_lab.devices.stream_clock import StreamClock

RATE_HZ = 1000.0


def test_burst_arrivals_are_dated_by_their_newest_sample() -> None:
    """Transfers of 64 samples: only the last of each arrives without delay."""
    clock = StreamClock(RATE_HZ)
    for transfer in range(1, 20):
        taken = transfer * 0.064
        for part in (32, 64):  # a transfer arrives in two pieces
            clock.arrived((transfer - 1) * 64 + part, at_s=100.0 + taken)
    assert clock.index_at(101.216) == 1216
    assert clock.index_at(101.5) == 1500


@pytest.mark.parametrize("seed", range(5))
def test_no_sample_older_than_asked_for_is_admitted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clock = StreamClock(RATE_HZ)
    arrival = 0.0
    for count in range(10, 10_000, 10):
        arrival = max(arrival, count / RATE_HZ + rng.exponential(0.02))
        clock.arrived(count, arrival)
    index = clock.index_at(arrival)
    assert arrival - index / RATE_HZ <= 0.005  # of the delay, only its least is unknown


def test_a_loss_costs_a_wait_and_is_forgotten() -> None:
    clock = StreamClock(RATE_HZ)
    lost_s = 0.5
    for count in range(10, 10_000, 10):
        clock.arrived(count, count / RATE_HZ + (lost_s if count > 3000 else 0.0))
        if count == 3500:
            # Dated as if nothing had been lost: 0.5 s too new, never too old.
            assert clock.index_at(4.0) == 4000
    assert clock.index_at(10.5) == 10_000


def test_a_link_that_is_too_slow_is_found_and_a_single_stall_is_not() -> None:
    slow, stalled = StreamClock(RATE_HZ), StreamClock(RATE_HZ)
    for count in range(10, 10_000, 10):
        slow.arrived(count, 1.1 * count / RATE_HZ)
        stall = 0.3 if 3000 < count < 3300 else 0.0
        stalled.arrived(count, count / RATE_HZ + stall)
        assert not stalled.falling_behind
    assert slow.falling_behind


def test_the_first_arrival_starts_it() -> None:
    clock = StreamClock(RATE_HZ)
    clock.arrived(5, at_s=1.0)
    assert clock.index_at(1.0) == 5
    assert math.isclose(clock.index_at(2.0), 1005)
