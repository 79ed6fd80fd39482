"""Truth: the messages that the specification's words make of the records as the node made them,
each once and in order; the bus in between loses, doubles and reorders."""

import asyncio
import json
import random

import pytest

from skyscan_server.domain.errors import NotFound
from skyscan_server.domain.feeds import Feeds
from skyscan_server.store.database import open_database
from skyscan_server.store.errors import StoreAway
from tests.server.domain.parts import DeafBus, LossyBus, point, running, status, stream, until

TOTAL = 6  # points of the grid in `parts`


def said(stream, session_id, after=0):
    """What a subscriber is told of the records after a number, as the specification has it."""
    told, state, reasons, done = [], "pending", [], 0
    for number, record in enumerate(stream, 1):
        if record.kind == "status":
            state, reasons = record.status, list(record.reasons)
        measured = None
        if record.kind == "point":
            measured = {
                "azimuth": record.azimuth_deg % 360,
                "elevation": record.elevation_deg,
                "rssi_reads": record.reads,
                "rssi_average": round(record.mean),
                "rssi_current": round(record.last),
                "measured_at": record.time.strftime("%Y-%m-%dT%H:%M:%S"),
            }
        done += record.kind in ("point", "missing")
        share = 100.0 if state == "completed" else min(round(100 * done / TOTAL, 1), 99.9)
        if number > after and record.kind != "reference":
            told.append(
                {
                    "number": number,
                    "session_id": session_id,
                    "status": state,
                    "reasons": reasons,
                    "point": measured,
                    "progress_pct": share,
                    "completed": done,
                    "total": TOTAL,
                }
            )
    return told


async def watch(feeds, session_id, after=None, pause_s=0.0, begun=None):
    """Everything that a subscriber is told until the session has ended."""
    told = []
    async with feeds.subscribe(session_id, after) as subscription:
        if begun is not None:
            begun.append(session_id)
        while messages := await subscription.next():
            told += messages
            await asyncio.sleep(pause_s)
        assert await subscription.next() == [], "it has ended, and goes on being ended"
    for message in told:  # the plain one is the same without what is ours
        plain = {**json.loads(message.numbered)}
        del plain["number"], plain["reasons"]
        assert json.loads(message.plain) == plain
    return [json.loads(message.numbered) for message in told]


@pytest.mark.parametrize("handed", [False, True], ids=["read", "handed on"])
@pytest.mark.parametrize("bus", [LossyBus(1), DeafBus()], ids=["lossy", "deaf"])
async def test_everybody_is_told_everything_once_in_order(hub, bus, handed):
    rng = random.Random(7)  # noqa: S311 - the same in every run
    hub.ingest._bus = bus
    feeds = Feeds(hub.database, bus, look_s=0.01)
    hub.ingest._committed = feeds.committed if handed else None
    streams = {}
    for kinds in ("prphpmrphp", "hhpp", "pmpmpm"):
        streams[await hub.claimed(await hub.rotor())] = stream(kinds)

    async def node(session_id, whole):
        at = 0
        while at < len(whole):
            length = rng.randint(1, 3)
            at = await hub.ingest.store(session_id, at + 1, whole[at : at + length])
            await asyncio.sleep(rng.choice([0, 0.003, 0.01]))

    async def late(session_id):
        await asyncio.sleep(rng.uniform(0, 0.06))
        # Of what the store has, which the feed may not have heard of yet.
        after = rng.randint(0, (await hub.sessions.get(session_id)).number)
        return after, await watch(feeds, session_id, after)

    with running(hub.ingest.run(), feeds.run()):
        begun = []
        watching = {
            session_id: asyncio.gather(
                *(
                    watch(feeds, session_id, pause_s=pause_s, begun=begun)
                    for pause_s in (0, 0, 0.02)
                )
            )
            for session_id in streams
        }
        # All three of each: who comes later begins with what has been by then.
        await until(lambda: len(begun) == 3 * len(streams))
        nodes = [asyncio.create_task(node(*item)) for item in streams.items()]
        latecomers = {
            item[0]: asyncio.gather(*(late(item[0]) for _ in range(4))) for item in streams.items()
        }
        async with asyncio.timeout(20):
            await asyncio.gather(*nodes)
            for session_id, whole in streams.items():
                for told in await watching[session_id]:
                    assert told == said(whole, session_id)
                for after, told in await latecomers[session_id]:
                    assert told == said(whole, session_id, after)
    assert feeds._feeds == {}, "a feed that nobody watches costs nothing"


async def test_what_this_hub_commits_is_told_though_nobody_looks(hub):
    """The bus loses every wake, and the next look is in an hour."""
    feeds = Feeds(hub.database, DeafBus(), look_s=3600)
    hub.ingest._committed = feeds.committed
    session_id = await hub.claimed(await hub.rotor())
    whole = stream("prphmp" * 40)
    with running(hub.ingest.run(), feeds.run()):
        watching = asyncio.create_task(watch(feeds, session_id))
        await until(lambda: feeds._feeds)
        for start in range(0, len(whole), 50):
            await hub.ingest.store(session_id, start + 1, whole[start : start + 50])
        assert await asyncio.wait_for(watching, timeout=10) == said(whole, session_id)


async def test_what_is_committed_all_at_once_is_told_in_parts(hub):
    """More than a feed keeps, in one transaction."""
    feeds = Feeds(hub.database, hub.bus)
    hub.ingest._committed = feeds.committed
    session_id = await hub.claimed(await hub.rotor())
    whole = stream("prhm" * 400)
    with running(hub.ingest.run(), feeds.run()):
        watching = [asyncio.create_task(watch(feeds, session_id)) for _ in range(2)]
        await until(lambda: feeds._feeds and feeds._feeds[session_id].subscribers == 2)
        await hub.ingest.store(session_id, 1, whole)
        for told in watching:
            assert await asyncio.wait_for(told, timeout=10) == said(whole, session_id)


async def test_one_that_reads_nothing_holds_up_nobody_and_gets_it_all_in_the_end(hub):
    """More than a feed keeps, so that it has to be read back from the store."""
    feeds = Feeds(hub.database, hub.bus, look_s=0.05)
    session_id = await hub.claimed(await hub.rotor())
    whole = stream("prhm" * 400)
    with running(hub.ingest.run(), feeds.run()):
        async with feeds.subscribe(session_id) as slow:
            fast = asyncio.create_task(watch(feeds, session_id))
            first = asyncio.create_task(slow.next())
            at = await hub.ingest.store(session_id, 1, whole[:10])
            slowly = [json.loads(message.numbered) for message in await first]
            for start in range(at, len(whole), 200):
                await hub.ingest.store(session_id, start + 1, whole[start : start + 200])
                await asyncio.sleep(0)
            assert await asyncio.wait_for(fast, timeout=10) == said(whole, session_id)
            assert len(slowly) < 20
            while messages := await slow.next():
                assert len(messages) <= 512, "a subscriber is given a part at a time"
                slowly += [json.loads(message.numbered) for message in messages]
    assert slowly == said(whole, session_id)


async def test_of_a_session_that_has_ended_the_rest_is_told_and_then_nothing(storing):
    session_id = await storing.claimed(await storing.rotor())
    whole = stream("prp")
    await storing.ingest.store(session_id, 1, whole)
    feeds = Feeds(storing.database, storing.bus)
    for after in (-(2**70), -1, 0, 3, 5, 99, 2**70, None):
        told = await watch(feeds, session_id, after)  # though nobody runs the feeds
        assert told == said(whole, session_id, len(whole) if after is None else after)


async def test_a_subscription_begins_with_where_the_session_stood(storing):
    session_id = await storing.claimed(await storing.rotor())
    whole = [status("running"), point(0), status("paused", "user"), point(1)]
    await storing.ingest.store(session_id, 1, whole)
    feeds = Feeds(storing.database, storing.bus)
    pending = {"number": 0, "status": "pending", "completed": 0, "reasons": []}
    stood = [pending, *said(whole, session_id)]
    for after in (None, 0, 1, 2, 3, 4):
        async with feeds.subscribe(session_id, after) as subscription:
            state = json.loads(subscription.state.numbered)
        expected = stood[len(whole) if after is None else after]
        assert state == {**state, **expected, "point": None}


async def test_there_must_be_such_a_session(hub):
    feeds = Feeds(hub.database, hub.bus)
    with pytest.raises(NotFound, match="Scan session not found"):
        async with feeds.subscribe(4711):
            pass
    assert feeds._feeds == {}


async def test_those_who_leave_and_come_again_miss_nothing(hub):
    feeds = Feeds(hub.database, hub.bus, look_s=0.02)
    session_id = await hub.claimed(await hub.rotor())
    whole = stream("pprmphpp")
    told = []

    async def in_bits():
        after = 0
        while not told or told[-1]["status"] != "completed":
            async with feeds.subscribe(session_id, after) as subscription:
                messages = await subscription.next()
                told.extend(json.loads(message.numbered) for message in messages[:2])
                after = told[-1]["number"] if told else 0

    with running(hub.ingest.run(), feeds.run()):
        watching = asyncio.create_task(in_bits())
        for number, record in enumerate(whole, 1):
            await hub.ingest.store(session_id, number, [record])
            await asyncio.sleep(0.002)
        await asyncio.wait_for(watching, timeout=10)
    assert told == said(whole, session_id)


@pytest.mark.program("postgres")
async def test_a_store_that_was_away_is_read_on(postgresql, postgresql_url, make_hub_over):
    async with open_database(postgresql_url) as database:
        hub = make_hub_over(database)
        feeds = Feeds(database, hub.bus, look_s=0.02)
        session_id = await hub.claimed(await hub.rotor())
        whole = stream("pppp")
        with running(hub.ingest.run(), feeds.run()):
            watching = asyncio.create_task(watch(feeds, session_id))
            await until(lambda: feeds._feeds)
            await hub.ingest.store(session_id, 1, whole[:3])
            await until(lambda: feeds._feeds[session_id].summary.number == 3)
            postgresql.stop()
            try:
                rest = asyncio.create_task(hub.ingest.store(session_id, 4, whole[3:]))
                await until(lambda: hub.ingest.trouble is not None)
                with pytest.raises(StoreAway):
                    await watch(feeds, session_id, 0)
            finally:
                postgresql.start()
            await rest
            assert await asyncio.wait_for(watching, timeout=10) == said(whole, session_id)
