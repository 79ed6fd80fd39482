"""Truth: what reaches the node and who holds the rotor, as an observer of both sees it."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from skyscan_lab.protocol.rotors import JogRequest, MoveRequest
from skyscan_lab.protocol.rpc import Done, RpcFailure
from skyscan_server.domain.calls import CallFailed
from skyscan_server.domain.errors import Conflict, NotFound, Refused, Unavailable, Upstream
from skyscan_server.domain.motions import Motions
from skyscan_server.domain.orbits import Orbits
from skyscan_server.store import control
from skyscan_server.store.database import open_database
from tests.server.domain.parts import AT_HOME, request, until

SOMEWHERE = MoveRequest(azimuth=120.0, elevation=30.0)
BEGIN = {
    "move": lambda motions, rotor: motions.move(rotor.id, SOMEWHERE),
    "park": lambda motions, rotor: motions.park(rotor.id),
    "jog": lambda motions, rotor: motions.jog(rotor.id, JogRequest(azimuth=1)),
}


@asynccontextmanager
async def motions_of(hub, **times):
    usual = {"refused_within_s": 0.05, "renewal_s": 0.1}
    orbits = Orbits(Path("nowhere"))  # no motion here is towards a satellite
    async with Motions(hub.database, hub.rotors, hub.node, orbits, **usual | times) as motions:
        yield motions


async def holder(hub, rotor):
    async with hub.database.read() as connection:
        return (await control.get(connection, rotor.id)).holder


async def free(hub, rotor):
    async with asyncio.timeout(10):
        while await holder(hub, rotor) is not None:  # noqa: ASYNC110 - it stands in the store
            await asyncio.sleep(0.005)


class Journey:
    """A motion at the node that takes until it is told to end."""

    def __init__(self, hub, method):
        self.under_way = asyncio.Event()
        self.end = asyncio.Event()
        hub.node.answers[method] = self._go

    async def _go(self, _call):
        self.under_way.set()
        await self.end.wait()
        return AT_HOME


@pytest.mark.parametrize("method", ["move", "park"])
async def test_a_motion_is_told_with_its_epoch_and_its_claim_ends_with_it(hub, method):
    rotor = await hub.rotor()
    async with motions_of(hub) as motions:
        epoch = await BEGIN[method](motions, rotor)
        (call,) = hub.node.asked(method)
        assert (call.rotor, call.epoch) == ("roof", epoch)
        if method == "move":
            assert (call.azimuth_deg, call.elevation_deg) == (120.0, 30.0)
        assert await holder(hub, rotor) is None
        assert await BEGIN[method](motions, rotor) > epoch


@pytest.mark.parametrize("method", BEGIN)
async def test_a_refusal_reaches_who_asked_and_the_claim_ends(hub, method):
    rotor = await hub.rotor()
    async with motions_of(hub) as motions:
        for failure, error in {
            RpcFailure.OUT_OF_LIMITS: Refused,
            RpcFailure.OFFLINE: Unavailable,
            RpcFailure.REFUSED: Upstream,
            RpcFailure.STALE_EPOCH: Conflict,
        }.items():
            hub.node.fail(method, failure)
            with pytest.raises(error, match=r"the words of the node|Roof cannot be reached"):
                await BEGIN[method](motions, rotor)
            assert await holder(hub, rotor) is None


async def test_a_long_move_is_answered_while_it_is_under_way(hub):
    rotor = await hub.rotor()
    journey = Journey(hub, "move")
    async with motions_of(hub, refused_within_s=0.01) as motions:
        await motions.move(rotor.id, SOMEWHERE)
        assert await holder(hub, rotor) == "move"
        for begin in BEGIN.values():
            with pytest.raises(Conflict, match="held by move"):
                await begin(motions, rotor)
        with pytest.raises(Conflict, match="held by move"):
            await hub.sessions.start(request(rotor.id))
        journey.end.set()
        await free(hub, rotor)


async def test_a_long_move_that_fails_in_the_end_frees_the_rotor(hub):
    rotor = await hub.rotor()
    end = asyncio.Event()

    async def fail(_call):
        await end.wait()
        return CallFailed(RpcFailure.SLOW, "no answer")

    hub.node.answers["move"] = fail
    async with motions_of(hub, refused_within_s=0.01) as motions:
        await motions.move(rotor.id, SOMEWHERE)
        assert await holder(hub, rotor) == "move"
        end.set()
        await free(hub, rotor)


async def test_a_scan_is_not_moved(hub):
    rotor = await hub.rotor()
    session_id = await hub.claimed(rotor)
    async with motions_of(hub) as motions:
        for begin in BEGIN.values():
            with pytest.raises(Conflict, match=f"held by scan {session_id}"):
                await begin(motions, rotor)
    assert hub.node.asked("move") == hub.node.asked("park") == hub.node.asked("jog") == []


async def test_a_caller_that_has_gone_does_not_leave_a_rotor_held(hub):
    rotor = await hub.rotor()
    async with motions_of(hub, refused_within_s=5.0) as motions:
        for turns in (0, 1, 3, 10, 40):
            journey = Journey(hub, "move")
            move = asyncio.create_task(motions.move(rotor.id, SOMEWHERE))
            for _ in range(turns):
                await asyncio.sleep(0)
            move.cancel()
            await asyncio.wait({move})
            journey.end.set()
            await until(lambda: not motions._under_way)
            assert await holder(hub, rotor) is None


async def test_what_is_under_way_ends_with_the_hub(hub):
    rotor, other = await hub.rotor(), await hub.rotor()
    Journey(hub, "move")
    async with motions_of(hub, refused_within_s=0.01, renewal_s=60.0) as motions:
        await motions.move(rotor.id, SOMEWHERE)
        await motions.jog(other.id, JogRequest(azimuth=1))
    assert [await holder(hub, one) for one in (rotor, other)] == [None, None]


async def test_there_must_be_such_a_rotor(hub):
    async with motions_of(hub) as motions:
        for begin in (*BEGIN.values(), lambda motions, rotor: motions.stop(rotor.id)):
            with pytest.raises(NotFound, match="Rotor not found"):
                await begin(motions, type("Nobody", (), {"id": 4711}))


# Jogs, which a dead man stops.


async def test_a_jog_that_is_renewed_no_more_is_stopped_and_freed(hub):
    rotor = await hub.rotor()
    async with motions_of(hub) as motions:
        epoch = await motions.jog(rotor.id, JogRequest(azimuth=-1, elevation=1))
        (call,) = hub.node.asked("jog")
        assert (call.azimuth, call.elevation, call.epoch) == (-1, 1, epoch)
        assert await holder(hub, rotor) == "jog"
        await free(hub, rotor)
        assert len(hub.node.asked("stop")) == 1
        with pytest.raises(Conflict, match=f"the claim with epoch {epoch} has ended"):
            await motions.jog(rotor.id, JogRequest(azimuth=1, epoch=epoch))
        assert len(hub.node.asked("jog")) == 1


async def test_a_jog_goes_on_for_as_long_as_it_is_renewed(hub):
    rotor = await hub.rotor()
    async with motions_of(hub, renewal_s=1.0) as motions:
        epoch = await motions.jog(rotor.id, JogRequest(azimuth=1))
        until_s = asyncio.get_running_loop().time() + 1.5
        while asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(0.05)
            assert await motions.jog(rotor.id, JogRequest(azimuth=1, epoch=epoch)) == epoch
        assert hub.node.asked("stop") == []
        await free(hub, rotor)
        assert len(hub.node.asked("stop")) == 1


async def test_each_rotor_has_its_own_dead_man_though_epochs_are_equal(hub):
    rotors = [await hub.rotor(key) for key in ("roof", "barn")]
    async with motions_of(hub) as motions:
        epochs = [await motions.jog(rotor.id, JogRequest(azimuth=1)) for rotor in rotors]
        assert epochs[0] == epochs[1]
        for rotor in rotors:
            await free(hub, rotor)
    assert {call.rotor for call in hub.node.asked("stop")} == {"roof", "barn"}


async def test_a_renewal_by_way_of_another_hub_counts(hub):
    rotor = await hub.rotor()
    async with motions_of(hub, renewal_s=1.0) as first, motions_of(hub, renewal_s=60.0) as second:
        epoch = await first.jog(rotor.id, JogRequest(azimuth=1))
        await second.jog(rotor.id, JogRequest(azimuth=1, epoch=epoch))
        await asyncio.sleep(1.2)
        assert hub.node.asked("stop") == []
        assert await holder(hub, rotor) == "jog"


async def test_only_a_jog_is_renewed_as_one(hub):
    rotor = await hub.rotor()
    journey = Journey(hub, "move")
    async with motions_of(hub, refused_within_s=0.01) as motions:
        epoch = await motions.move(rotor.id, SOMEWHERE)
        with pytest.raises(Conflict, match="has ended"):
            await motions.jog(rotor.id, JogRequest(azimuth=1, epoch=epoch))
        assert hub.node.asked("jog") == []
        journey.end.set()


async def test_a_renewal_that_comes_while_it_is_being_stopped_comes_too_late(hub):
    rotor = await hub.rotor()
    stopping = Journey(hub, "stop")
    async with motions_of(hub) as motions:
        epoch = await motions.jog(rotor.id, JogRequest(azimuth=1))
        await stopping.under_way.wait()
        with pytest.raises(Conflict, match="has ended"):
            await motions.jog(rotor.id, JogRequest(azimuth=1, epoch=epoch))
        assert len(hub.node.asked("jog")) == 1
        stopping.end.set()
        await free(hub, rotor)


async def test_a_dead_man_does_not_stop_who_came_next(hub):
    rotor = await hub.rotor()
    async with motions_of(hub, renewal_s=1.0) as motions:
        await motions.jog(rotor.id, JogRequest(azimuth=1))
        await motions.stop(rotor.id)
        journey = Journey(hub, "move")
        await motions.move(rotor.id, SOMEWHERE)
        await until(lambda: not motions._jogs)
        assert len(hub.node.asked("stop")) == 1
        assert await holder(hub, rotor) == "move"
        journey.end.set()


async def test_a_rotor_whose_dead_man_cannot_stop_it_is_freed_all_the_same(hub):
    """Its node has a dead man of its own, or has no power either."""
    rotor = await hub.rotor()
    hub.node.fail("stop", RpcFailure.OFFLINE)
    async with motions_of(hub) as motions:
        await motions.jog(rotor.id, JogRequest(azimuth=1))
        await free(hub, rotor)


# Stops, which ask nobody.


@pytest.mark.parametrize("method", BEGIN)
async def test_a_stop_ends_a_motion_and_its_claim(hub, method):
    rotor = await hub.rotor()
    journey = Journey(hub, "move" if method == "jog" else method)
    async with motions_of(hub, refused_within_s=0.05, renewal_s=60.0) as motions:
        epoch = await BEGIN[method](motions, rotor)
        await motions.stop(rotor.id)
        assert [call.rotor for call in hub.node.asked("stop")] == ["roof"]
        assert await holder(hub, rotor) is None
        if method == "jog":
            with pytest.raises(Conflict, match="has ended"):
                await motions.jog(rotor.id, JogRequest(azimuth=1, epoch=epoch))
        journey.end.set()


async def test_a_stop_holds_a_scan_up_and_leaves_it_its_rotor(hub):
    rotor = await hub.rotor()
    session_id = await hub.claimed(rotor)
    async with motions_of(hub) as motions:
        await motions.stop(rotor.id)
    assert len(hub.node.asked("stop")) == 1
    assert await holder(hub, rotor) == f"scan {session_id}"


async def test_a_stop_that_does_not_reach_the_node_says_so(hub):
    rotor = await hub.rotor()
    hub.node.fail("stop", RpcFailure.OFFLINE)
    async with motions_of(hub) as motions:
        with pytest.raises(Unavailable, match=r"the words of the node|Roof cannot be reached"):
            await motions.stop(rotor.id)


async def test_a_stop_does_not_end_the_claim_of_who_came_while_it_was_told(hub):
    rotor = await hub.rotor()
    first = Journey(hub, "move")
    async with motions_of(hub, refused_within_s=0.05) as motions:
        await motions.move(rotor.id, SOMEWHERE)

        async def stop(_call):
            first.end.set()  # the node ends the move, as it must
            await free(hub, rotor)
            await motions.park(rotor.id)
            return Done()

        parking = Journey(hub, "park")
        hub.node.answers["stop"] = stop
        await motions.stop(rotor.id)
        assert await holder(hub, rotor) == "park"
        parking.end.set()


async def test_a_stop_waits_for_no_store_that_is_busy(hub):
    rotor = await hub.rotor()
    async with motions_of(hub, renewal_s=60.0) as motions:
        await motions.jog(rotor.id, JogRequest(azimuth=1))
        async with hub.database.write() as connection:
            await control.get(connection, rotor.id, lock=True)
            await asyncio.wait_for(motions.stop(rotor.id), timeout=5)
            assert len(hub.node.asked("stop")) == 1
        await free(hub, rotor)


@pytest.mark.program("postgres")
async def test_stops_work_and_dead_men_too_while_the_store_is_away(
    postgresql, postgresql_url, make_hub_over
):
    async with open_database(postgresql_url) as database:
        hub = make_hub_over(database)
        rotor, other = await hub.rotor("roof"), await hub.rotor("barn")
        async with motions_of(hub, renewal_s=0.2) as motions:
            await motions.jog(rotor.id, JogRequest(azimuth=1))
            postgresql.stop()
            try:
                await asyncio.wait_for(motions.stop(other.id), timeout=5)
                await until(lambda: len(hub.node.asked("stop")) == 2)
                assert {call.rotor for call in hub.node.asked("stop")} == {"roof", "barn"}
            finally:
                postgresql.start()
