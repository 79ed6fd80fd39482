"""Records on their way into the store, and their acknowledgement.

Truth: what the database holds, read back by a query of its own; an acknowledgement may come
only for what is in there.
"""

import asyncio

import pytest
import sqlalchemy as sa

from skyscan_lab.protocol.node_link import Ack, Claim, Granted
from skyscan_lab.protocol.rpc import Done, Stop
from skyscan_server.gateway import incoming, intake
from skyscan_server.store.errors import StoreFull
from skyscan_server.store.tables import records
from tests.server.gateway.hub import ended, point, records_json, running


async def stored(hub, session_id):
    """Numbers of the records of a session, in order."""
    async with hub.database.read() as connection:
        query = sa.select(records.c.number).where(records.c.session_id == session_id)
        return list((await connection.execute(query.order_by(records.c.number))).scalars())


async def claimed(hub, node, **fields):
    row = await hub.scan(node, **fields)
    await node.say(Claim(session_id=row.id))
    await node.hear(Granted)
    return row


async def test_acknowledged_is_what_the_database_has(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        await node.say(records_json(row.id, 1, running(), point(0), point(1)))
        ack = await node.hear(Ack)
        assert await stored(hub, row.id) == list(range(1, ack.number + 1)) == [1, 2, 3]
        assert (await hub.sessions.get(row.id)).status == "running"


async def test_nothing_is_acknowledged_before_it_is_committed(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        async with hub.database.write() as _held:  # the one writer of SQLite is busy
            await node.say(records_json(row.id, 1, running()))
            with pytest.raises(TimeoutError):
                await node.hear(Ack, within_s=0.1)
            assert await stored(hub, row.id) == []
        assert (await node.hear(Ack)).number == 1


async def test_sent_again_it_is_acknowledged_again_and_stored_once(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        batch = records_json(row.id, 1, running(), point(0))
        for _ in range(3):
            await node.say(batch)
            assert (await node.hear(Ack)).number == 2
        await node.say(records_json(row.id, 2, point(0), point(1)))
        assert (await node.hear(Ack)).number == 3
        assert await stored(hub, row.id) == [1, 2, 3]


async def test_gap_is_answered_with_where_to_go_on_from(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        await node.say(records_json(row.id, 1, running()))
        assert (await node.hear(Ack)).number == 1
        await node.say(records_json(row.id, 3, point(1)))
        assert (await node.hear(Ack)).number == 1
        assert await stored(hub, row.id) == [1]


async def test_window_of_batches_goes_in_in_order(hub):
    """Twenty batches at once, of which none may be taken for coming too early."""
    async with hub.node() as node:
        row = await claimed(hub, node, step_deg=2)
        await node.say(records_json(row.id, 1, running()))
        for sequence in range(0, 40, 2):
            await node.say(records_json(row.id, sequence + 2, point(sequence), point(sequence + 1)))
        acks = [(await node.hear(Ack)).number for _ in range(21)]
        assert acks == [1, *range(3, 42, 2)]


async def test_batches_go_on_after_a_new_connection(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        await node.say(records_json(row.id, 1, running(), point(0)))
        await node.hear(Ack)
    async with hub.node() as node:
        assert node.tasks.tasks[0].number == 2
        await node.say(records_json(row.id, 3, point(1)))
        assert (await node.hear(Ack)).number == 3


async def test_records_of_another_installation_close_the_connection(hub):
    async with hub.node() as roof, hub.node("cellar") as cellar:
        row = await claimed(hub, roof)
        await cellar.say(records_json(row.id, 1, running()))
        assert await cellar.closed() == (4404, "Scan session not found")
        assert await stored(hub, row.id) == []
        await roof.say(records_json(row.id, 1, running()))
        assert (await roof.hear(Ack)).number == 1


@pytest.mark.parametrize("session_id", [0, 4711, 2**63 - 1])
async def test_records_of_no_session_close_the_connection(hub, session_id):
    async with hub.node() as node:
        await node.say(records_json(session_id, 1, running()))
        assert await node.closed() == (4404, "Scan session not found")


@pytest.mark.parametrize("session_id", [-1, 2**63, 10**30])
async def test_numbers_that_no_database_holds_are_refused(hub, session_id):
    async with hub.node() as node:
        await node.say(records_json(session_id, 1, running()))
        code, words = await node.closed()
        assert code == 4422
        assert "session_id" in words


async def test_record_that_cannot_follow_closes_the_connection_in_words(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        await node.say(records_json(row.id, 1, running(), point(7)))
        assert await node.closed() == (4400, "record 2: point 7, expected 0")
        assert await stored(hub, row.id) == []


async def test_nothing_follows_an_end(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        await node.say(records_json(row.id, 1, running(), ended("cancelled")))
        assert (await node.hear(Ack)).number == 2
        await node.say(records_json(row.id, 3, point(0)))
        code, words = await node.closed()
        assert code == 4400
        assert "nothing can follow" in words


async def test_calls_get_through_while_the_store_takes_nothing(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        async with hub.database.write() as _held:
            await node.say(records_json(row.id, 1, running()))
            await node.say(Claim(session_id=row.id))
            assert await node.stopped(hub) == Done()
        assert (await node.hear(Ack)).number == 1


async def test_claim_waits_for_a_store_that_is_full(hub, monkeypatch):
    monkeypatch.setattr(incoming, "_RETRY_S", 0.02)
    async with hub.node() as node:
        row = await hub.scan(node)
        claim, tries = hub.tasks.claim, []

        async def full(*given):
            tries.append(given)
            if len(tries) < 3:
                raise StoreFull("the database takes nothing: disk full")
            return await claim(*given)

        monkeypatch.setattr(hub.tasks, "claim", full)
        await node.say(Claim(session_id=row.id))
        assert (await node.hear(Granted)).granted
        assert len(tries) == 3


async def test_what_is_over_the_bound_is_dropped_and_asked_for_later(hub, monkeypatch):
    """However much nodes send while nothing is committed, the hub holds no more than its bound."""
    monkeypatch.setattr(hub.socket._incoming._intake, "_most_records", 10)
    async with hub.node() as node:
        row = await claimed(hub, node, step_deg=2)
        async with hub.database.write() as _held:
            await node.say(records_json(row.id, 1, running()))
            for sequence in range(30):
                await node.say(records_json(row.id, sequence + 2, point(sequence)))
            assert await node.stopped(hub) == Done()  # so all of it has been read
            assert hub.socket._incoming._intake._waiting == 10
            assert hub.registry.find(node.welcome.node_id).errands == 31
        acks = [(await node.hear(Ack)).number for _ in range(31)]
        assert acks[:10] == list(range(1, 11))
        assert set(acks[10:]) == {10}
        await node.say(records_json(row.id, 11, *map(point, range(9, 15))))
        assert (await node.hear(Ack)).number == 16
        assert hub.socket._incoming._intake._waiting == 0
        assert hub.registry.find(node.welcome.node_id).errands == 0


async def test_node_that_waits_for_no_acknowledgement_is_refused(hub):
    async with hub.node() as node:
        row = await claimed(hub, node)
        async with hub.database.write() as _held:
            for _ in range(incoming.MOST_ERRANDS + 1):
                await node.say(records_json(row.id, 1, running()))
            code, words = await node.closed()
        assert code == 4429
        assert str(incoming.MOST_ERRANDS) in words


async def test_hub_that_stops_acknowledges_nothing_that_it_did_not_commit(hub_of):
    hub = await hub_of(start_ingest=False)
    async with hub.node() as node:
        row = await claimed(hub, node)
        await node.say(records_json(row.id, 1, running()))
        await hub.until(lambda: _queued(hub))
        stopping = asyncio.create_task(hub.stop())
        with pytest.raises(Exception, match="1001"):
            await node.hear(Ack)
        await stopping


async def _queued(hub):
    return not hub.ingest._queue.empty()


async def test_stop_is_no_errand_of_the_store(hub):
    """A stop reaches its node while even the look-up of the node would have to wait."""
    async with hub.node() as node, hub.database.write() as _held:
        calling = asyncio.create_task(
            hub.rpc.call(node.welcome.node_id, Stop(rotor="roof"), timeout_s=5)
        )
        await node.answer({}, method="stop")
        assert await calling == Done()


def test_bound_of_the_hub_is_above_that_of_a_node():
    assert intake.MOST_RECORDS >= incoming.MOST_ERRANDS * 256
