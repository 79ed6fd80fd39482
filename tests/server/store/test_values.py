"""Truth: Python's own values, which both databases must give back as they got them."""

import time as time_module
from datetime import UTC, datetime, timedelta, timezone

import pytest

from skyscan_server.store import sessions
from skyscan_server.store.sessions import Page
from tests.server.store.rows import NOON, a_rotor, a_session


async def kept(database, **values):
    """What a new session of these values is when it is read again."""
    async with database.write() as connection:
        rotor_id = await a_rotor(connection)
        session_id = await a_session(connection, rotor_id, **values)
    async with database.read() as connection:
        return await sessions.get(connection, session_id)


@pytest.fixture
def in_tokyo(monkeypatch):
    """A machine on which a time without a zone is easily taken for another."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time_module.tzset()
    yield
    monkeypatch.undo()
    time_module.tzset()


@pytest.mark.parametrize(
    "time",
    [
        NOON,
        NOON.astimezone(timezone(timedelta(hours=-9, minutes=-30))),
        NOON.replace(tzinfo=None),  # as the APIs have it
    ],
)
async def test_a_time_is_utc_whatever_zone_it_came_in(database, in_tokyo, time):
    row = await kept(database, started_at=time)
    assert row.started_at == NOON
    assert row.started_at.tzinfo is UTC
    assert row.finished_at is None


async def test_a_time_keeps_its_microseconds(database):
    time = NOON + timedelta(microseconds=123456)
    assert (await kept(database, started_at=time)).started_at == time


@pytest.mark.parametrize("text", ["", "Zürich ☀ 100 %", "'; DROP TABLE sessions --", "a\nb\\"])
async def test_words_come_back(database, text):
    assert (await kept(database, notes=text)).notes == text


async def test_what_no_text_can_hold_is_shown(database):
    """PostgreSQL refuses NUL in text, and devices send it."""
    row = await kept(database, words="RPRT\x00-6", notes=None)
    assert (row.words, row.notes) == ("RPRT␀-6", None)


async def test_json_comes_back(database):
    value = {"a": [1, 2.5, None, True, "ü"], "b": {}}
    row = await kept(database, request=value, reasons=["user", "fault"])
    assert (row.request, row.reasons) == (value, ["user", "fault"])


async def test_times_are_compared_as_times(database):
    async with database.write() as connection:
        rotor_id = await a_rotor(connection)
        first = await a_session(connection, rotor_id, created_at=NOON)
        second = await a_session(connection, rotor_id, created_at=NOON + timedelta(microseconds=1))
        third = await a_session(connection, rotor_id, created_at=NOON + timedelta(hours=1))
    elsewhere = datetime(2026, 2, 14, 22, 0, 0, 1, tzinfo=timezone(timedelta(hours=10)))

    async def found(**bounds):
        async with database.read() as connection:
            return [row.id for row in await sessions.page(connection, Page(**bounds))]

    assert await found(after=elsewhere) == [third, second]
    assert await found(before=elsewhere) == [first]
    assert await found(after=NOON, before=NOON + timedelta(hours=1)) == [second, first]
