"""Truth: a device that is put out of reach and brought back by hand, and who is told what."""

import asyncio

import pytest

from skyscan_lab.devices.turns import Turns, in_a_hurry, limit_s
from skyscan_lab.errors import DeviceTimeout, DeviceUnreachable


class Device:
    """Answers with its name, once it may."""

    def __init__(self, window_s=60.0):
        self.turns = Turns(window_s)
        self.away = self.deaf = False
        self.free = asyncio.Event()
        self.free.set()
        self.asked = []

    async def ask(self, who, worth=True):
        async def attempt():
            self.asked.append(who)
            await self.free.wait()
            if self.deaf:
                raise DeviceTimeout("device", "no answer")
            if self.away:
                raise DeviceUnreachable("device", "nothing listens")
            return who

        return await self.turns.take(attempt, lambda: worth)

    async def ask_quickly(self, who):
        with in_a_hurry():
            return await self.ask(who)


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_who_is_in_a_hurry_does_not_wait_for_who_has_time():
    device = Device()
    device.away = True
    patient = asyncio.create_task(device.ask("scan"))
    await asyncio.sleep(0.01)
    assert not patient.done()
    with pytest.raises(DeviceUnreachable, match="nothing listens"):
        await device.ask_quickly("person")
    assert "person" not in device.asked
    device.away = False
    assert await patient == "scan"
    assert await device.ask_quickly("person") == "person"


@pytest.mark.parametrize("trouble", ["away", "deaf"])
async def test_who_waits_in_a_hurry_hears_of_the_failure_before_them(trouble):
    device = Device()
    device.free.clear()
    setattr(device, trouble, True)
    first = asyncio.create_task(device.ask("scan" if trouble == "away" else "first"))
    await settle()
    others = [asyncio.create_task(device.ask_quickly(str(number))) for number in range(3)]
    await settle()
    device.free.set()
    told = await asyncio.gather(*others, return_exceptions=True)
    assert {type(error) for error in told} <= {DeviceUnreachable, DeviceTimeout}
    assert len(device.asked) <= 2, "each would have waited as long"
    first.cancel()
    await asyncio.wait({first})


async def test_orders_of_who_has_time_do_not_overtake_each_other():
    device = Device()
    device.away = True
    first = asyncio.create_task(device.ask("move"))
    await settle()
    second = asyncio.create_task(device.ask("stop"))
    await asyncio.sleep(0.02)
    assert set(device.asked) == {"move"}
    device.away = False
    await asyncio.gather(first, second)
    assert device.asked[-2:] == ["move", "stop"]


async def test_a_turn_is_given_on_whatever_became_of_it():
    device = Device()
    device.free.clear()
    tasks = [asyncio.create_task(device.ask_quickly(str(number))) for number in range(5)]
    await settle()
    for task in tasks[:3]:
        task.cancel()
    device.free.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert done[3:] == ["3", "4"]
    assert all(isinstance(one, asyncio.CancelledError) for one in done[:3])


async def test_what_is_not_worth_another_attempt_is_told_at_once():
    device = Device()
    device.away = True
    with pytest.raises(DeviceUnreachable):
        await device.ask("scan", worth=False)
    assert device.asked == ["scan"]


async def test_hurry_is_inherited_by_the_tasks_that_are_begun_in_it():
    async def limit():
        return limit_s(5.0)

    with in_a_hurry():
        task = asyncio.create_task(limit())
    assert await task < await limit() == 5.0
