"""Truth: who may do what with whose session; and every change, whatever becomes of the wakes."""

import asyncio

import pytest

from skyscan_lab.protocol.node_link import KnownJournal
from skyscan_server.domain.dispatch import Dispatch
from skyscan_server.domain.errors import NotFound
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


async def test_what_is_lost_is_ended_with_its_reason_and_what_was_committed_stays(storing):
    rotor, other = await storing.rotor(), await storing.rotor()
    session_id = await storing.claimed(rotor)
    await storing.ingest.store(session_id, 1, stream("pp", end=None))
    with pytest.raises(NotFound):
        await storing.tasks.end_lost(other.node_id, session_id, "not yours")
    for _ in range(2):
        await storing.tasks.end_lost(rotor.node_id, session_id, "its journal is gone")
    row = await storing.sessions.get(session_id)
    assert (row.status, row.words, row.done, row.number) == (
        "cancelled",
        "its journal is gone",
        2,
        4,
    )
    async with storing.database.read() as connection:
        assert [n for n, _ in await records.bodies(connection, session_id)] == [1, 2, 3, 4]
    assert await storing.claimed(rotor) > session_id  # the rotor is free


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
