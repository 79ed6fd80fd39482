"""Truth: a simulated rotor in real time: where it is when nobody says any more that it may turn."""

import asyncio
import time

import pytest

from skyscan_lab.errors import OutOfLimits, RotorStalled
from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rpc import Jog, Move, Stop
from skyscan_lab.simulation.faults import RotorFaults
from skyscan_lab.station import Station
from skyscan_server.node.bounds import Bounds
from skyscan_server.node.commands import Commands
from skyscan_server.node.crew import Crew
from skyscan_server.node.fence import Fence, StaleEpoch
from skyscan_server.node.jog import Jogger
from skyscan_server.node.mount import Mount
from skyscan_server.node.timing import NodeTiming

RENEWAL_S = 0.3


@pytest.fixture(autouse=True)
def _real_time(monkeypatch):
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "1")


@pytest.fixture
async def crew():
    async with Crew() as crew:
        yield crew


@pytest.fixture
async def mount():
    station = Station.model_validate(
        {
            "rotor": {
                "azimuth_speed_deg_s": 20.0,
                "settle_s": 0.0,
                "limits": {"azimuth_deg": [-60, 40]},
            }
        }
    )
    mount = Mount(GraphRotor(key="roof", name="Roof", station=station), Bounds())
    await mount.position()
    yield mount
    await mount.close()


@pytest.fixture
def fence(tmp_path):
    return Fence(tmp_path / "fence.json")


@pytest.fixture
def jogger(mount, fence, crew):
    return Jogger(mount, fence, crew, RENEWAL_S)


@pytest.fixture
def commands(mount, fence, crew):
    class OneMount:
        def get(self, _):
            return mount

        def __iter__(self):
            return iter([mount])

    class NoScans:
        def stop_by_hand(self, rotor=None):
            pass

    timing = NodeTiming(jog_renewal_s=RENEWAL_S)
    return Commands(OneMount(), fence, NoScans(), timing, crew)


async def at_rest(mount, jogger, within_s=5.0):
    """Where the rotor is, once no jog moves it any more."""
    async with asyncio.timeout(within_s):
        while jogger.turning:  # noqa: ASYNC110 -- steel has no events
            await asyncio.sleep(0.01)
    return await mount.position()


def as_good_as(where):
    """A place, as it is left by a mast that swings for a moment: less than a turning axis goes."""
    return pytest.approx(where, abs=0.5)


async def turning(mount, beyond_deg=1.0):
    start = await mount.position()
    async with asyncio.timeout(5):
        while abs((await mount.position()).azimuth_deg - start.azimuth_deg) < beyond_deg:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_jog_that_is_not_renewed_is_stopped(mount, jogger):
    began = time.monotonic()
    await jogger.jog(1, 0, 1)
    await turning(mount)
    where = await at_rest(mount, jogger)
    took = time.monotonic() - began
    assert 0.0 < where.azimuth_deg <= 20.0 * took
    assert where.azimuth_deg < 39.0  # it did not end at the end of the axis
    assert where.elevation_deg == pytest.approx(0.0, abs=0.1)
    await asyncio.sleep(0.1)
    assert await mount.position() == as_good_as(where)
    assert not jogger.turning


async def test_a_jog_goes_on_while_it_is_renewed(mount, jogger):
    for _ in range(8):
        await jogger.jog(1, 0, 1)
        await asyncio.sleep(0.1)
        assert jogger.turning
    await jogger.end()
    where = await mount.position()
    assert where.azimuth_deg > 20.0 * 0.4  # longer than without renewal
    assert await at_rest(mount, jogger) == as_good_as(where)


async def test_a_jog_that_ends_before_it_has_begun_turns_nothing(mount, jogger):
    await jogger.jog(1, 0, 1)
    await jogger.end()  # before its order was given
    await asyncio.sleep(0.1)
    assert await mount.position() == (0.0, 0.0)


async def test_another_direction_ends_the_first(mount, jogger):
    await jogger.jog(1, 0, 1)
    await turning(mount)
    await jogger.jog(-1, 1, 1)
    before = await mount.position()
    await asyncio.sleep(0.15)
    after = await mount.position()
    assert after.azimuth_deg < before.azimuth_deg
    assert after.elevation_deg > before.elevation_deg
    await jogger.jog(0, 0, 1)
    assert not jogger.turning
    assert await at_rest(mount, jogger) == as_good_as(await mount.position())


async def test_a_stale_claim_neither_jogs_nor_ends_a_jog(mount, jogger):
    await jogger.jog(1, 0, 5)
    with pytest.raises(StaleEpoch):
        await jogger.jog(-1, 0, 4)
    with pytest.raises(StaleEpoch):
        await jogger.jog(0, 0, 4)
    assert jogger.turning
    await jogger.end()


async def test_a_jog_whose_claim_is_over_does_not_stop_its_successor(
    mount, jogger, fence, commands
):
    await commands.carry_out(Jog(rotor="roof", azimuth=1, epoch=5))
    await turning(mount)
    await commands.carry_out(Move(rotor="roof", azimuth_deg=20, elevation_deg=20, epoch=6))
    assert await mount.position() == pytest.approx((20, 20), abs=0.2)


async def test_a_jog_whose_claim_is_over_is_stopped_all_the_same(mount, jogger, fence):
    await jogger.jog(1, 0, 5)
    await turning(mount)
    await fence.see("roof", 6)  # somebody else may move it, and does not
    where = await at_rest(mount, jogger)
    assert where.azimuth_deg < 39.0
    await asyncio.sleep(0.1)
    assert await mount.position() == as_good_as(where)


async def test_a_stop_ends_a_jog_and_it_stays_ended(mount, commands):
    await commands.carry_out(Jog(rotor="roof", azimuth=1, epoch=1))
    await turning(mount)
    await commands.carry_out(Stop(rotor="roof"))
    where = await mount.position()
    assert where.azimuth_deg < 39.0
    await asyncio.sleep(2 * RENEWAL_S)
    assert await mount.position() == as_good_as(where)


async def test_a_refused_move_leaves_no_jog_without_its_switch(mount, commands):
    await commands.carry_out(Jog(rotor="roof", azimuth=1, epoch=1))
    await turning(mount)
    with pytest.raises(OutOfLimits):
        await commands.carry_out(Move(rotor="roof", azimuth_deg=999, elevation_deg=0, epoch=1))
    where = await mount.position()
    await asyncio.sleep(0.1)
    assert await mount.position() == as_good_as(where)


async def test_nobody_jogs_beyond_the_end_of_an_axis(mount, jogger):
    await jogger.jog(0, -1, 1)  # at 0° already
    assert not jogger.turning
    mount.configure(mount._rotor.model_copy(update={"min_elevation_deg": 5.0}))
    await jogger.jog(0, -1, 1)  # below what people may use, and no lower
    assert not jogger.turning
    await jogger.jog(0, 1, 1)
    async with asyncio.timeout(5):
        while (await mount.position()).elevation_deg < 1.0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await jogger.end()


async def test_what_ended_a_jog_is_told_once(mount, jogger):
    mount.devices.rotor.inject(RotorFaults(jam_azimuth_deg=4.0))
    await jogger.jog(1, 0, 1)
    async with asyncio.timeout(5):
        while jogger.turning:
            jogger._turn.renew()
            await asyncio.sleep(0.02)
    mount.devices.rotor.inject(RotorFaults())
    with pytest.raises(RotorStalled, match="check for obstacles"):
        await jogger.jog(1, 0, 1)
    await jogger.jog(1, 0, 1)
    assert jogger.turning
    await jogger.end()
