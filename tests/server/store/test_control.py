"""Truth: a model of one holder and a counter, beside the database; and what a fencing token is:
it goes up with every change of holder, and no number of it comes twice."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyscan_server.store import control
from tests.server.store.rows import NOON, a_rotor

HOLDERS = st.sampled_from(["scan 4", "jog", "move"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "renew", "release"]),
        HOLDERS,
        st.sampled_from([None, 1, 5]),  # how long, s
        st.integers(0, 2),  # how long after the step before, s
        st.integers(-1, 0),  # which of the epochs: the newest, or one before
    ),
    max_size=25,
)


@pytest.fixture
async def rotor_id(database):
    async with database.write() as connection:
        return await a_rotor(connection)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_is_done_it_is_as_the_model_says(database, steps):
    async with database.write() as connection:
        rotor_id = await a_rotor(connection, key=f"rotor {next(NUMBERS)}")
        now, epoch, holder, until = NOON, 0, None, None
        for step, who, for_s, later, which in steps:
            now += timedelta(seconds=later)
            end = None if for_s is None else now + timedelta(seconds=for_s)
            if step == "claim":
                free = holder is None or (until is not None and until < now)
                got = await control.claim(connection, rotor_id, who, now=now, until=end)
                assert got == (epoch + 1 if free else None)
                if free:
                    epoch, holder, until = epoch + 1, who, end
            elif step == "renew" and end is not None:
                ours = which == 0 and who == holder and until is not None and until >= now
                done = await control.renew(
                    connection, rotor_id, epoch + which, who, now=now, until=end
                )
                assert done == ours
                until = end if ours else until
            elif step == "release":
                await control.release(connection, rotor_id, epoch + which)
                if which == 0 and holder is not None:
                    epoch, holder, until = epoch + 1, None, None
            assert await control.get(connection, rotor_id) == (rotor_id, epoch, holder, until)


NUMBERS = iter(range(10**6))


async def test_of_many_who_race_for_a_rotor_one_gets_it(database, rotor_id):
    epochs = [0]
    for _ in range(8):
        got = await asyncio.gather(*(claim(database, rotor_id, f"scan {n}") for n in range(12)))
        (epoch,) = [number for number in got if number is not None]
        async with database.write() as connection:
            row = await control.get(connection, rotor_id)
            assert (row.epoch, row.holder) == (epoch, f"scan {got.index(epoch)}")
            await control.release(connection, rotor_id, epoch)
        epochs.append(epoch)
    assert epochs == sorted(set(epochs))


async def test_releases_and_claims_that_race_never_use_an_epoch_twice(database, rotor_id):
    given_out = []

    async def hold(who):
        for _ in range(6):
            epoch = await claim(database, rotor_id, who)
            if epoch is not None:
                given_out.append(epoch)
                async with database.write() as connection:
                    await control.release(connection, rotor_id, epoch)

    await asyncio.gather(*(hold(f"scan {n}") for n in range(6)))
    assert given_out
    assert given_out == sorted(set(given_out))


async def claim(database, rotor_id, who):
    async with database.write() as connection:
        now = await control.now(connection)
        return await control.claim(connection, rotor_id, who, now=now)


async def test_a_locked_rotor_is_not_claimed_meanwhile(database, rotor_id):
    async with database.write() as connection:
        assert (await control.get(connection, rotor_id, lock=True)).holder is None
        other = asyncio.create_task(claim(database, rotor_id, "scan 1"))
        await asyncio.sleep(0.05)
        assert (await control.get(connection, rotor_id)).holder is None
        assert not other.done()
    assert await other == 1


async def test_all_hubs_have_one_time(database):
    """That of the database, where that has one; it goes on within a transaction, too."""
    async with database.write() as connection:
        first, second = await control.now(connection), await control.now(connection)
    assert first.utcoffset() == timedelta(0)
    assert second > first
