"""Truth: plain lists of what was put in."""

import asyncio
from datetime import timedelta

import pytest

from skyscan_server.store import credentials, nodes, records, rotors, sessions
from skyscan_server.store.sessions import OpenSession, Page
from skyscan_server.store.tables import revocations
from tests.server.store.rows import NOON, a_rotor, a_session, some_records


async def test_each_connection_of_a_node_has_a_higher_epoch(database):
    async with database.write() as connection:
        first = await nodes.registered(connection, "lab", "lab")
        other = await nodes.registered(connection, "roof", "roof")

    async def connect():
        async with database.write() as connection:
            return (await nodes.connect(connection, [first.id], NOON))[first.id].epoch

    epochs = await asyncio.gather(*(connect() for _ in range(10)))
    assert sorted(epochs) == list(range(1, 11))
    async with database.read() as connection:
        standing = await nodes.get(connection, first.id)
        assert (standing.connected, standing.connection_epoch) == (True, 10)
        assert not (await nodes.get(connection, other.id)).connected


async def test_only_the_newest_connection_of_a_node_takes_it_offline(database):
    async with database.write() as connection:
        node = await nodes.registered(connection, "lab", "lab")
        old, new = [
            (await nodes.connect(connection, [node.id], NOON))[node.id].epoch for _ in range(2)
        ]
        await nodes.disconnect(connection, [(node.id, old)], NOON)
        assert (await nodes.get(connection, node.id)).connected
        await nodes.disconnect(connection, [(node.id, new), (12345, 1)], NOON)
        assert not (await nodes.get(connection, node.id)).connected


async def test_a_node_that_registers_many_times_at_once_is_one(database):
    async def register():
        async with database.write() as connection:
            return (await nodes.registered(connection, "lab", "lab")).id

    assert len(set(await asyncio.gather(*(register() for _ in range(10))))) == 1
    async with database.read() as connection:
        assert len(await nodes.everyone(connection)) == 1


@pytest.mark.parametrize("sessions_watched", [1, 3000])
async def test_records_of_any_number_of_sessions_are_read_from_where_each_has_got(
    database, sessions_watched
):
    async with database.write() as connection:
        rotor_id = await a_rotor(connection)
        ids = [await a_session(connection, rotor_id) for _ in range(5)]
        for session_id in ids:
            await some_records(connection, session_id, range(1, 8))
    cursors = dict.fromkeys(range(10**6, 10**6 + sessions_watched), 0)
    cursors |= {ids[0]: 5, ids[2]: 0, ids[4]: 7}
    rest = {ids[0]: [6, 7], ids[2]: [1, 2, 3, 4, 5, 6, 7]}

    def expected(each):
        return [(session, n, str(n)) for session in rest for n in rest[session][:each]]

    async with database.read() as connection:
        for each in (1, 2, 4, 100):
            assert await records.after(connection, cursors, each) == expected(each)
        assert await records.after(connection, {}, 4) == []


async def test_points_and_what_was_between_them(database):
    async with database.write() as connection:
        session_id = await a_session(connection, await a_rotor(connection))
        for number, sequence in enumerate([None, 0, None, 1, 2, None], 1):
            await some_records(connection, session_id, [number], sequence)
    async with database.read() as connection:
        assert await records.of_points(connection, session_id) == ["2", "4", "5"]
        assert await records.up_to(connection, session_id, 5) == ["1", "3"]
        done = [await records.done_at(connection, session_id, n) for n in range(8)]
        assert done == [0, 0, 1, 1, 2, 3, 3, 3]
        assert await records.of_numbers(connection, session_id, [2, 6, 9]) == {2: "2", 6: "6"}
        assert await records.bodies(connection, session_id) == [(n, str(n)) for n in range(1, 7)]


async def test_a_page_is_a_part_of_the_list(database):
    async with database.write() as connection:
        roof, barn = await a_rotor(connection, "roof"), await a_rotor(connection, "barn")
        rows = [
            (await a_session(connection, rotor, status=status), rotor, status)
            for status in ("completed", "running", "paused")
            for rotor in (roof, barn, roof)
        ]
    rows.reverse()  # the most recent first

    async def page(**wanted):
        async with database.read() as connection:
            found = [row.id for row in await sessions.page(connection, Page(**wanted))]
            return found, await sessions.count(connection, Page(**wanted))

    def expected(part=slice(None), **equal):
        ids = [r[0] for r in rows if equal.items() <= {"rotor_id": r[1], "status": r[2]}.items()]
        return ids[part], len(ids)

    assert await page() == expected()
    assert await page(limit=4) == expected(slice(4))
    assert await page(offset=7) == expected(slice(7, None))
    assert await page(limit=0) == expected(slice(0))
    assert await page(limit=5, offset=6) == expected(slice(6, 9))
    assert await page(offset=100) == ([], 9)
    assert await page(status="running") == expected(status="running")
    assert await page(status="paused", rotor_id=barn) == expected(status="paused", rotor_id=barn)
    assert await page(rotor_id=roof, limit=2, offset=1) == expected(slice(1, 3), rotor_id=roof)
    assert await page(rotor_id=999) == ([], 0)


async def test_open_sessions_are_those_that_have_not_ended(database):
    async with database.write() as connection:
        rotor_id = await a_rotor(connection)
        node_id = (await rotors.get(connection, rotor_id)).node_id
        other = await a_session(connection, await a_rotor(connection, installation="other"))
        ids = {
            status: await a_session(connection, rotor_id, status=status)
            for status in ("pending", "running", "paused", "completed", "cancelled")
        }
        await rotors.delete(connection, rotor_id)
    async with database.read() as connection:
        everything = await sessions.open_sessions(connection)
        ours = await sessions.of_node(connection, node_id)
        also = await sessions.of_node(connection, node_id, {ids["completed"], other, 999})
    still_open = [ids[status] for status in ("pending", "running", "paused")]
    assert {session.id for session in everything} == {*still_open, other}
    assert OpenSession(still_open[0], node_id, "run", 0, False) in everything
    assert [row.id for row, _ in ours] == still_open
    assert {key for _, key in ours} == {"roof"}
    assert [row.id for row, _ in also] == [*still_open, ids["completed"]]


async def test_what_is_revoked_at_once_from_everywhere_is_revoked_for_the_longest_time(database):
    async def revoke(days):
        async with database.write() as connection:
            await credentials.revoke(connection, "token", NOON + timedelta(days=days))

    await asyncio.gather(*(revoke(days) for days in (3, 9, 1, 7, 5, 2)))
    async with database.read() as connection:
        rows = (await connection.execute(revocations.select())).all()
        assert rows == [("token", NOON + timedelta(days=9))]
        assert await credentials.all_revoked(connection, NOON + timedelta(days=8)) == {"token"}
        assert await credentials.all_revoked(connection, NOON + timedelta(days=10)) == set()
