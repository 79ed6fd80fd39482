"""Truth: who may do what with whose session; and every change, whatever becomes of the wakes."""

import asyncio

import pytest

from skyscan_lab.protocol.node_link import KnownJournal
from skyscan_server.domain.dispatch import Dispatch
from skyscan_server.domain.errors import Conflict, NotFound
from skyscan_server.store import records
from tests.server.domain.parts import (
    DeafBus,
    LossyBus,
    point,
    request,
    running,
    status,
    stream,
    until,
)


async def test_a_claim_is_granted_to_its_node_as_often_as_it_asks(hub):
    rotor, other = await hub.rotor(), await hub.rotor()
    row = await hub.sessions.start(request(rotor.id))
    assert not (await hub.tasks.claim(other.node_id, row.id)).granted
    assert not (await hub.sessions.get(row.id)).claimed
    for _ in range(2):
        granted = await hub.tasks.claim(rotor.node_id, row.id)
        assert (granted.granted, granted.epoch) == (True, row.epoch)
    assert (await hub.sessions.get(row.id)).claimed
    assert not (await hub.tasks.claim(rotor.node_id, 4711)).granted


async def test_a_session_is_a_node_s_own_or_not_there(hub):
    rotor, other = await hub.rotor(), await hub.rotor()
    row = await hub.sessions.start(request(rotor.id))
    await hub.tasks.require_own(rotor.node_id, row.id)
    for node_id, session_id in ((other.node_id, row.id), (rotor.node_id, 4711)):
        with pytest.raises(NotFound, match="Scan session not found"):
            await hub.tasks.require_own(node_id, session_id)


async def test_a_node_gets_what_is_open_and_what_its_journals_are_of(storing):
    hub = storing
    rotor, other = await hub.rotor(), await hub.rotor()
    for _ in range(2):  # the node has kept the journal of the second one
        ended = await hub.claimed(rotor)
        await hub.ingest.store(ended, 1, stream("p"))
    still_open = await hub.claimed(rotor)
    theirs = await hub.claimed(other)

    async def tasks(**names):
        """By journals: session → its name there; None for the right one."""
        journals = []
        for key, name in names.items():
            session_id = int(key.removeprefix("session_"))
            right = (await hub.sessions.get(session_id)).name
            journals.append(KnownJournal(session_id=session_id, session=name or right, number=0))
        return {task.session_id: task for task in await hub.tasks.of_node(rotor.node_id, journals)}

    assert set(await tasks()) == {still_open}
    known = await tasks(**{f"session_{n}": None for n in (ended, still_open, theirs)})
    assert set(known) == {ended, still_open}
    assert known[ended].final
    assert known[ended].number == len(stream("p"))
    # A journal of another hub, whose session has the same number, says nothing about ours.
    of_another_hub = {f"session_{n}": "of another hub" for n in (ended, still_open)}
    assert set(await tasks(**of_another_hub)) == {still_open}


@pytest.fixture
async def lost(storing):
    """A session with two points whose journal its node has lost."""
    rotor, other = await storing.rotor(), await storing.rotor()
    session_id = await storing.claimed(rotor)
    await storing.ingest.store(session_id, 1, stream("pp", end=None))
    with pytest.raises(NotFound):
        await storing.tasks.hold_lost(other.node_id, session_id, "not yours")
    for _ in range(2):
        await storing.tasks.hold_lost(rotor.node_id, session_id, "its journal is gone")
    return storing, rotor, session_id


async def test_what_is_lost_is_held_with_its_reason_until_a_person_ends_it(lost):
    hub, rotor, session_id = lost
    row = await hub.sessions.get(session_id)
    assert (row.status, row.reasons, row.words) == ("paused", ["fault"], "its journal is gone")
    with pytest.raises(Conflict):
        await hub.claimed(rotor)
    await hub.sessions.cancel(session_id)
    row = await hub.sessions.get(session_id)
    assert (row.status, row.done, row.number) == ("cancelled", 2, 5)
    async with hub.database.read() as connection:
        assert [n for n, _ in await records.bodies(connection, session_id)] == [1, 2, 3, 4, 5]
    assert await hub.claimed(rotor) > session_id  # the rotor is free


async def test_a_session_goes_on_with_whoever_brings_its_journal(lost):
    hub, rotor, session_id = lost
    name = (await hub.sessions.get(session_id)).name
    right = KnownJournal(session_id=session_id, session=name, number=3)
    (task,) = await hub.tasks.of_node(rotor.node_id)
    assert task.number == 3  # as the node counts: the hub's own record is not one of its
    for wrong in (
        {"number": 2},
        {"number": 0, "lost": True},
        {"lost": True},
        {"session": "of another hub"},
    ):
        assert await hub.tasks.find_again(rotor.node_id, [right.model_copy(update=wrong)]) == []
    assert await hub.tasks.find_again(rotor.node_id + 1, [right]) == []
    assert await hub.tasks.find_again(rotor.node_id, [right]) == [session_id]
    row = await hub.sessions.get(session_id)
    assert (row.status, row.reasons, row.words) == ("running", [], None)
    assert await hub.tasks.find_again(rotor.node_id, [right]) == []
    # Everything once more, and what comes after it.
    whole = stream("pppp")
    assert await hub.ingest.store(session_id, 1, whole[:4]) == 4
    assert await hub.ingest.store(session_id, 3, whole[2:]) == len(whole)
    assert await hub.ingest.store(session_id, 2**62, ()) == len(whole)
    row = await hub.sessions.get(session_id)
    assert (row.status, row.done, row.number) == ("completed", 4, len(whole) + 2)
    assert len(await hub.sessions.points(session_id)) == 4


async def test_what_people_held_before_stays_held(storing):
    rotor = await storing.rotor()
    session_id = await storing.claimed(rotor)
    held = status("paused", "user", words="wait")
    await storing.ingest.store(session_id, 1, [*stream("p", end=None), held])
    await storing.tasks.hold_lost(rotor.node_id, session_id, "its journal is gone")
    row = await storing.sessions.get(session_id)
    assert row.reasons == ["fault", "user"]
    right = KnownJournal(session_id=session_id, session=row.name, number=3)
    await storing.tasks.find_again(rotor.node_id, [right])
    row = await storing.sessions.get(session_id)
    assert (row.status, row.reasons, row.words) == ("paused", ["user"], "wait")


async def test_what_is_lost_and_not_wanted_any_more_ends(storing):
    rotor = await storing.rotor()
    session_id = await storing.claimed(rotor)
    await storing.ingest.store(session_id, 1, stream("p", end=None))
    await storing.sessions.cancel(session_id)
    await storing.tasks.hold_lost(rotor.node_id, session_id, "its journal is gone")
    row = await storing.sessions.get(session_id)
    assert (row.status, row.words) == ("cancelled", "its journal is gone")


async def test_what_had_not_begun_can_be_cancelled_though_its_node_has_lost_it(hub):
    rotor = await hub.rotor()
    session_id = await hub.claimed(rotor)
    await hub.tasks.hold_lost(rotor.node_id, session_id, "its journal is damaged")
    assert (await hub.sessions.get(session_id)).status == "pending"
    await hub.sessions.cancel(session_id)
    assert (await hub.sessions.get(session_id)).status == "cancelled"


async def test_the_times_of_a_session_never_go_back(storing):
    """A simulated station may be years ahead of the hub that adds a record."""
    rotor = await storing.rotor()
    session_id = await storing.claimed(rotor)
    ahead = status("running", minutes=60 * 24 * 3650)
    await storing.ingest.store(session_id, 1, [ahead])
    await storing.tasks.hold_lost(rotor.node_id, session_id, "its journal is gone")
    await storing.sessions.cancel(session_id)
    row = await storing.sessions.get(session_id)
    assert row.started_at == row.finished_at == ahead.time


class Inbox:
    """Gathers what a node is told, and what was true then."""

    def __init__(self):
        self.told = []

    def put(self, session_id):
        self.told.append(session_id)


@pytest.mark.parametrize("bus", [LossyBus(1), DeafBus()], ids=["lossy", "deaf"])
async def test_every_change_is_told_to_its_node_whatever_the_bus_does(hub, bus):
    hub.bus = bus
    hub.sessions._bus = bus
    rotor, other = await hub.rotor(), await hub.rotor()
    dispatch = Dispatch(hub.tasks, bus, look_s=0.02)
    inbox, second, elsewhere = Inbox(), Inbox(), Inbox()
    with (
        running(dispatch.run(), hub.ingest.run()),
        dispatch.deliver(rotor.node_id, inbox),
        dispatch.deliver(rotor.node_id, second),
        dispatch.deliver(other.node_id, elsewhere),
    ):

        async def is_told(change):
            inbox.told.clear()
            answer = await change
            await until(lambda: inbox.told)
            return answer

        row = await is_told(hub.sessions.start(request(rotor.id)))
        await is_told(hub.tasks.claim(rotor.node_id, row.id))
        await hub.ingest.store(row.id, 1, [status("running"), point(0)])
        await is_told(hub.sessions.pause(row.id))
        await hub.ingest.store(row.id, 3, [status("paused", "user")])
        await is_told(hub.sessions.resume(row.id))
        await is_told(hub.sessions.cancel(row.id))
        await is_told(hub.ingest.store(row.id, 4, [status("cancelled")]))
    assert set(inbox.told) == set(second.told) == {row.id}
    assert elsewhere.told == []


async def test_who_has_left_is_told_nothing(hub):
    rotor = await hub.rotor()
    dispatch = Dispatch(hub.tasks, hub.bus, look_s=0.02)
    gone, stays = Inbox(), Inbox()
    with running(dispatch.run()), dispatch.deliver(rotor.node_id, stays):
        with dispatch.deliver(rotor.node_id, gone):
            pass
        await hub.sessions.start(request(rotor.id))
        await until(lambda: stays.told)
    assert gone.told == []


async def test_what_changes_nothing_is_not_told(hub):
    rotor = await hub.rotor()
    row = await hub.sessions.start(request(rotor.id))
    dispatch = Dispatch(hub.tasks, hub.bus, look_s=0.01)
    inbox = Inbox()
    with running(dispatch.run()), dispatch.deliver(rotor.node_id, inbox):
        await until(lambda: inbox.told)
        await hub.sessions.set_notes(row.id, "nothing for a node")
        await asyncio.sleep(0.05)  # some looks
    assert inbox.told == [row.id]
