"""Truth: what the bus protocol promises: a wake that came since the last look is not slept
through, and no wake is needed."""

import asyncio

import pytest

from skyscan_server.bus.local import LocalBus


@pytest.fixture
def bus():
    return LocalBus()


async def wakes(wake, within_s=0.02):
    """Whether it returns before the time is over."""
    started = asyncio.get_running_loop().time()
    await wake.wait(within_s)
    return asyncio.get_running_loop().time() - started < within_s / 2


async def test_a_wake_that_came_before_one_waits_is_heard(bus):
    with bus.listen("sessions") as wake:
        bus.publish("sessions")
        assert await wakes(wake, 60)


async def test_any_number_of_wakes_are_one(bus):
    with bus.listen("sessions") as wake:
        for _ in range(5):
            bus.publish("sessions")
        assert await wakes(wake, 60)
        assert not await wakes(wake)


async def test_a_wake_wakes_who_waits(bus):
    with bus.listen("sessions") as wake:
        waiting = asyncio.create_task(wake.wait(60))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        bus.publish("sessions")
        await asyncio.wait_for(waiting, timeout=5)


async def test_without_a_wake_the_time_ends_the_wait(bus):
    with bus.listen("sessions") as wake:
        await asyncio.wait_for(wake.wait(0.01), timeout=5)
        await asyncio.wait_for(wake.wait(0), timeout=5)


async def test_each_hears_its_own_subjects(bus):
    with bus.listen("sessions", "tasks") as both, bus.listen("tasks") as one:
        bus.publish("sessions")
        assert await wakes(both, 60)
        assert not await wakes(one)
        bus.publish("tasks")
        assert await wakes(both, 60)
        assert await wakes(one, 60)
        bus.publish("graphs")
        assert not await wakes(both)


async def test_who_has_left_is_not_woken(bus):
    with bus.listen("sessions") as gone:
        pass
    bus.publish("sessions")
    assert not await wakes(gone)


async def test_a_wait_that_was_given_up_does_not_lose_a_wake(bus):
    with bus.listen("sessions") as wake:
        waiting = asyncio.create_task(wake.wait(60))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        bus.publish("sessions")
        assert await wakes(wake, 60)
