"""Truth: limits of the pauses, worked out by hand."""

from skyscan_lab.client.patience import FIRST_S, LONGEST_S, Patience


async def test_the_limit_doubles_up_to_the_longest():
    limits = []

    def draw(low, high):
        assert low == 0.0
        limits.append(high)
        return 0.0

    patience = Patience(draw)
    for _ in range(9):
        assert await patience.pause(60.0)
    assert limits == [FIRST_S * 2**n for n in range(5)] + [LONGEST_S] * 4


async def test_pauses_end_with_the_time_there_is():
    patience = Patience(lambda *_: 100.0)
    assert await patience.pause(0.05)  # cut short, so that one last try is made in time
    assert not await patience.pause(0.05)
    assert 0.01 < patience.spent_s < 50.0  # and not the 100 s that were wanted


async def test_no_patience_no_try():
    assert not await Patience().pause(0.0)
