"""Truth: asyncio's own rules of cancellation, and a driver that breaks them."""

import asyncio

import pytest

from skyscan_lab.errors import DeviceTimeout, RotorStalled
from skyscan_lab.scanning.unbroken import unbroken
from skyscan_lab.scanning.watchdog import Interrupted, Watchdog


async def value() -> int:
    return 7


async def forever() -> None:
    await asyncio.Event().wait()


async def test_results_and_errors_pass_through() -> None:
    async def fail() -> None:
        raise RotorStalled("r", "jammed")

    dog = Watchdog()
    assert await dog.call(value(), device="r", limit_s=1.0) == 7
    with pytest.raises(RotorStalled):
        await dog.call(fail(), device="r", limit_s=1.0)


async def test_a_call_that_lasts_too_long_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def slow() -> None:
        try:
            await forever()
        finally:
            cancelled.set()

    with pytest.raises(DeviceTimeout, match=r"r: no answer from its driver within 0\.01 s"):
        await Watchdog().call(slow(), device="r", limit_s=0.01)
    assert cancelled.is_set()


async def test_an_interruption_breaks_off_the_present_call_and_refuses_the_next() -> None:
    dog = Watchdog()
    asyncio.get_running_loop().call_soon(dog.interrupt)
    with pytest.raises(Interrupted):
        await dog.call(forever(), device="r", limit_s=10.0)
    with pytest.raises(Interrupted):
        await dog.call(value(), device="r", limit_s=10.0)


async def test_cancelling_the_caller_cancels_the_call() -> None:
    ended = asyncio.Event()

    async def slow() -> None:
        try:
            await forever()
        finally:
            ended.set()

    caller = asyncio.create_task(Watchdog().call(slow(), device="r", limit_s=10.0))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_unbroken_ends_the_step_before_the_cancellation() -> None:
    steps: list[str] = []

    async def step() -> None:
        for name in ("one", "two"):
            await asyncio.sleep(0.01)
            steps.append(name)

    caller = asyncio.create_task(unbroken(step()))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert steps == ["one", "two"]
    assert await unbroken(value()) == 7


async def test_unbroken_keeps_the_error_of_a_step_that_fails_while_cancelled() -> None:
    async def step() -> None:
        await asyncio.sleep(0.01)
        raise RotorStalled("r", "jammed")

    caller = asyncio.create_task(unbroken(step()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await caller
    assert isinstance(cancelled.value.__cause__, RotorStalled)
