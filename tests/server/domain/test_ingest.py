"""Truth: the stream as the node made it, against what another connection reads in the store."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from skyscan_server.domain.errors import NotFound, Refused, Unavailable
from skyscan_server.domain.messages import RECORD
from skyscan_server.store import control, records
from skyscan_server.store.database import open_database
from tests.server.domain.parts import point, running, status, stream, until

STREAMS = st.builds(
    stream,
    st.lists(st.sampled_from("pppmrh"), max_size=9),
    st.sampled_from(["completed", "cancelled", None]),
)
# What a sender does: from which number on, relative to where the hub said it was, and how much.
SENDS = st.lists(st.tuples(st.integers(-6, 3), st.integers(0, 7)), max_size=7)


async def stored(database, session_id):
    async with database.read() as connection:
        return await records.bodies(connection, session_id)


def written(stream):
    return [(number, record.model_dump_json()) for number, record in enumerate(stream, 1)]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=STREAMS, sends=st.tuples(SENDS, SENDS))
async def test_however_it_is_sent_the_stream_is_stored_as_it_was_made(storing, stream, sends):
    """In any order, doubled, overlapping, with gaps, by two senders at once."""
    hub = storing
    session_id = await hub.claimed(await hub.rotor())

    async def send(steps):
        at = 0
        while steps or at < len(stream):
            back, length = steps.pop() if steps else (0, 7)
            first = max(1, at + 1 + back)
            at = await hub.ingest.store(session_id, first, stream[first - 1 :][:length])
            assert len(await stored(hub.database, session_id)) >= at, "more was said than is there"

    await asyncio.gather(*map(send, sends))
    assert await stored(hub.database, session_id) == written(stream)
    row = await hub.sessions.get(session_id)
    assert row.done == sum(record.kind in ("point", "missing") for record in stream)
    assert row.missing == sum(record.kind == "missing" for record in stream)
    last = [record for record in stream if record.kind == "status"][-1]
    assert (row.number, row.status) == (len(stream), last.status)


async def test_a_session_is_the_sum_of_its_records(storing):
    session_id = await storing.claimed(await storing.rotor())
    sent = [
        status("running", minutes=1),
        point(0),
        status("paused", "user", "fault", words="the dish hit a bird", minutes=2),
    ]
    assert await storing.ingest.store(session_id, 1, sent) == 3
    row = await storing.sessions.get(session_id)
    assert (row.status, row.reasons, row.words) == (
        "paused",
        ["user", "fault"],
        "the dish hit a bird",
    )
    assert (row.started_at, row.finished_at) == (sent[0].time, None)
    end = [status("running", minutes=3), status("completed", minutes=4)]
    assert await storing.ingest.store(session_id, 4, end) == 5
    row = await storing.sessions.get(session_id)
    assert (row.status, row.reasons, row.words) == ("completed", [], None)
    assert (row.started_at, row.finished_at) == (sent[0].time, end[-1].time)


async def test_a_gap_is_answered_with_where_the_store_has_got(storing):
    session_id = await storing.claimed(await storing.rotor())
    sent = stream("ppp")
    assert await storing.ingest.store(session_id, 3, sent[2:]) == 0
    assert await storing.ingest.store(session_id, 1, sent[:2]) == 2
    assert await storing.ingest.store(session_id, 4, sent[3:]) == 2
    assert await storing.ingest.store(session_id, 1, []) == 2
    assert await storing.ingest.store(session_id, 3, sent[2:]) == 5


@pytest.mark.parametrize("together", [True, False])
async def test_another_record_of_a_number_is_reported_and_the_first_is_kept(hub, together):
    session_id = await hub.claimed(await hub.rotor())
    first = [status("running"), point(0, mean=-90.0), point(1)]
    other = [first[0], point(0, mean=-80.0), point(1)]
    sends = [hub.ingest.store(session_id, 1, sent) for sent in (first, other, first)]
    with capture_logs() as logs:
        if together:  # into one group
            waiting = asyncio.gather(*sends)
            await asyncio.sleep(0)
            with running(hub.ingest.run()):
                assert await waiting == [3, 3, 3]
        else:
            with running(hub.ingest.run()):
                assert [await send for send in sends] == [3, 3, 3]
    (report,) = [log for log in logs if "other content" in log["event"]]
    assert (report["session_id"], report["numbers"]) == (session_id, [2])
    assert await stored(hub.database, session_id) == written(first)


async def test_the_same_record_written_in_another_way_is_the_same(storing):
    """As a newer version of this program may write it."""
    session_id = await storing.claimed(await storing.rotor())
    await storing.ingest.store(session_id, 1, [status("running")])
    async with storing.database.write() as connection:
        body = '{"time":"2026-02-14T13:00:00+01:00","kind":"status","status":"running"}'
        assert RECORD.validate_json(body) == status("running")
        await connection.execute(sa.update(records.records).values(body=body))
    with capture_logs() as logs:
        await storing.ingest.store(session_id, 1, [status("running")])
    assert logs == []


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([status("running"), point(1)], "record 2: point 1, expected 0"),
        ([status("running"), point(0), point(0)], "record 3: point 0, expected 1"),
        ([status("completed"), status("running")], "record 2: nothing can follow"),
    ],
)
async def test_what_cannot_follow_is_refused_and_nothing_of_it_is_stored(storing, sent, words):
    session_id = await storing.claimed(await storing.rotor())
    with pytest.raises(Refused, match=words):
        await storing.ingest.store(session_id, 1, sent)
    assert await stored(storing.database, session_id) == []


async def test_there_must_be_such_a_session(storing):
    with pytest.raises(NotFound, match="Scan session not found"):
        await storing.ingest.store(4711, 1, stream("p"))


@pytest.mark.parametrize("end", ["completed", "cancelled"])
async def test_the_end_of_a_session_frees_its_rotor(storing, end):
    rotor = await storing.rotor()
    session_id = await storing.claimed(rotor)
    await storing.ingest.store(session_id, 1, stream("pp", end=None))
    assert (await holder(storing, rotor)).holder == f"scan {session_id}"
    await storing.ingest.store(session_id, 4, [status(end)])
    free = await holder(storing, rotor)
    assert free.holder is None
    assert free.epoch > (await storing.sessions.get(session_id)).epoch


async def test_an_end_that_comes_again_leaves_the_next_holder_alone(storing):
    rotor = await storing.rotor()
    whole = stream("p")
    first = await storing.claimed(rotor)
    await storing.ingest.store(first, 1, whole)
    second = await storing.claimed(rotor)
    assert await storing.ingest.store(first, 1, whole) == len(whole)
    assert (await holder(storing, rotor)).holder == f"scan {second}"


async def holder(hub, rotor):
    async with hub.database.read() as connection:
        return await control.get(connection, rotor.id)


@pytest.fixture
def commits(hub):
    """How often something was made durable."""
    counted = []
    sa.event.listen(hub.database._writer.sync_engine, "commit", counted.append)
    return counted


async def test_what_waits_is_committed_together(hub, commits):
    sessions = [await hub.claimed(await hub.rotor()) for _ in range(10)]
    whole = stream("p" * 28)
    del commits[:]
    waiting = asyncio.gather(
        *(
            hub.ingest.store(session_id, first, whole[first - 1 :][:3])
            for first in range(1, 31, 3)
            for session_id in sessions
        )
    )
    await asyncio.sleep(0)
    with running(hub.ingest.run()):
        await waiting
    assert len(commits) == 1
    for session_id in sessions:
        assert await stored(hub.database, session_id) == written(whole)


async def test_a_group_has_an_end(hub, commits):
    session_id = await hub.claimed(await hub.rotor())
    whole = stream("p" * 5000, end=None)
    del commits[:]
    waiting = asyncio.gather(
        *(
            hub.ingest.store(session_id, first, whole[first - 1 :][:500])
            for first in range(1, len(whole) + 1, 500)
        )
    )
    await asyncio.sleep(0)
    with running(hub.ingest.run()):
        await waiting
    assert len(commits) == 2
    assert (await hub.sessions.get(session_id)).number == len(whole)


async def test_what_the_database_does_not_take_costs_the_others_nothing(hub):
    """A time that is before year 1 in UTC is a time, and none for the database."""
    poisoned, healthy = [await hub.claimed(await hub.rotor()) for _ in range(2)]
    before_time = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    bad = status("running").model_copy(update={"time": before_time})
    sends = [
        hub.ingest.store(poisoned, 1, [bad, point(0)]),
        hub.ingest.store(healthy, 1, stream("pp")),
    ]
    waiting = asyncio.gather(*sends, return_exceptions=True)
    await asyncio.sleep(0)
    with running(hub.ingest.run()):
        refused, number = await waiting
        assert isinstance(refused, Refused)
        assert str(refused).startswith("records 1 to 2: the database does not take them: ")
        assert number == len(stream("pp"))
        assert await stored(hub.database, poisoned) == []
        assert await hub.ingest.store(poisoned, 1, stream("p")) == 3


@pytest.mark.parametrize("batches", [1, 1500])
@pytest.mark.parametrize("turns", [1, 30])
async def test_who_waits_when_it_ends_is_told_so(hub, batches, turns):
    """Whether their group is being committed, waits to be, or found no room to wait."""
    session_id = await hub.claimed(await hub.rotor())
    ingest = asyncio.create_task(hub.ingest.run())
    sends = [hub.ingest.store(session_id, 1, stream("p")) for _ in range(batches)]
    waiting = asyncio.gather(*sends, return_exceptions=True)
    for _ in range(turns):
        await asyncio.sleep(0)
    ingest.cancel()
    told = await asyncio.wait_for(waiting, timeout=5)
    assert {type(answer) for answer in told} <= {Unavailable, int}
    assert Unavailable in map(type, told)
    with pytest.raises(Unavailable, match="the hub stops"):
        await hub.ingest.store(session_id, 1, stream("p"))


async def test_senders_that_have_gone_cost_the_others_nothing(storing):
    session_id = await storing.claimed(await storing.rotor())
    whole = stream("pppp")
    gone = asyncio.create_task(storing.ingest.store(session_id, 1, whole[:3]))
    stays = asyncio.create_task(storing.ingest.store(session_id, 1, whole))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == len(whole)
    assert await stored(storing.database, session_id) == written(whole)


async def test_a_full_store_is_said_acknowledges_nothing_and_goes_on(tmp_path, make_hub_over):
    async with open_database(f"sqlite:///{tmp_path / 'full.sqlite'}") as database:
        hub = make_hub_over(database)
        session_id = await hub.claimed(await hub.rotor())
        whole = stream("p" * 2000)
        acknowledged = [0]

        async def send():
            while acknowledged[-1] < len(whole):
                at = acknowledged[-1]
                acknowledged.append(await hub.ingest.store(session_id, at + 1, whole[at:][:100]))

        async with database.write() as connection:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 40}")
        with running(hub.ingest.run()):
            sending = asyncio.create_task(send())
            await until(lambda: hub.ingest.trouble is not None)
            assert "full" in hub.ingest.trouble
            assert 0 < acknowledged[-1] == len(await stored(database, session_id)) < len(whole)
            await asyncio.sleep(0.05)  # some more attempts
            assert not sending.done()
            async with database.write() as connection:
                await connection.exec_driver_sql("PRAGMA max_page_count = 100000")
            await sending
        assert hub.ingest.trouble is None
        assert await stored(database, session_id) == written(whole)


@pytest.mark.program("postgres")
async def test_a_store_that_goes_away_loses_nothing_and_is_used_again(
    postgresql, postgresql_url, make_hub_over
):
    async with open_database(postgresql_url) as database:
        hub = make_hub_over(database)
        session_id = await hub.claimed(await hub.rotor())
        whole = stream("p" * 300)
        with running(hub.ingest.run()):
            assert await hub.ingest.store(session_id, 1, whole[:100]) == 100
            postgresql.stop()
            try:
                sending = asyncio.create_task(hub.ingest.store(session_id, 101, whole[100:]))
                await until(lambda: hub.ingest.trouble is not None)
                assert not sending.done()
            finally:
                postgresql.start()
            assert await sending == len(whole)
        assert hub.ingest.trouble is None
        assert await stored(database, session_id) == written(whole)
