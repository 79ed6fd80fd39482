"""Truth: what is in the database afterwards, read over a new connection; and what the drivers
themselves say of a connection that nobody closed."""

import asyncio
import gc
import os
import subprocess
import sys

import pytest
import sqlalchemy as sa

from skyscan_server.store.database import open_database
from skyscan_server.store.errors import StoreAway, StoreError, StoreFull, StoreInUse
from skyscan_server.store.tables import clients

ADD = sa.insert(clients)
COUNT = sa.select(sa.func.count()).select_from(clients)


def a_client(name, document="{}"):
    return {"id": str(name), "document": document}


async def count(database):
    async with database.read() as connection:
        return (await connection.execute(COUNT)).scalar_one()


async def add(database, *names):
    await add_rows(database, *map(a_client, names))


async def add_rows(database, *rows):
    async with database.write() as connection:
        for row in rows:
            await connection.execute(ADD, row)


async def test_what_is_written_is_there_after_opening_again(database_url):
    async with open_database(database_url) as database:
        await add(database, "a")
    async with open_database(database_url) as database:
        assert await count(database) == 1


async def test_a_block_that_fails_leaves_nothing(database):
    async def begin_and_fail():
        async with database.write() as connection:
            await connection.execute(ADD, a_client("a"))
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await begin_and_fail()
    assert await count(database) == 0


async def test_a_statement_that_is_wrong_is_not_called_a_broken_store(database):
    await add(database, "a")
    with pytest.raises(sa.exc.IntegrityError):
        await add(database, "b", "a")
    assert await count(database) == 1


async def test_a_reader_sees_one_moment(database):
    async with database.read() as connection:
        before = (await connection.execute(COUNT)).scalar_one()
        await add(database, "meanwhile")
        assert (await connection.execute(COUNT)).scalar_one() == before
    assert await count(database) == before + 1


async def test_a_reader_cannot_write(database):
    with pytest.raises((StoreError, sa.exc.DBAPIError), match=r"readonly|read-only"):
        async with database.read() as connection:
            await connection.execute(ADD, a_client("a"))
    assert await count(database) == 0


async def test_many_writers_and_readers_at_once_all_get_their_turn(database):
    writers = [add(database, f"{n} first", f"{n} second") for n in range(40)]
    readers = [count(database) for _ in range(40)]
    seen = (await asyncio.gather(*writers, *readers))[40:]
    assert {number % 2 for number in seen} == {0}
    assert await count(database) == 80


async def test_cancelled_at_any_moment_it_leaves_all_or_nothing_and_goes_on(database):
    async def write(number):
        await add(database, *(f"{number} {part}" for part in "abc"))
        await count(database)

    for number in range(120):
        task = asyncio.create_task(write(number))
        for _ in range(number % 60):
            await asyncio.sleep(0)
        if number >= 60:  # threads and servers have had some time, too
            await asyncio.sleep(number % 20 * 2e-4)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() or task.exception() is None
    assert await count(database) % 3 == 0
    await asyncio.wait_for(write("last"), timeout=5)
    async with database.read() as connection:
        parts = (await connection.execute(sa.select(clients.c.id))).scalars()
        whole = [name.split()[0] for name in parts]
    assert {whole.count(number) for number in whole} == {3}
    gc.collect()  # a connection that nobody closed would warn, and fail this test


async def test_cancelled_while_it_waits_for_its_turn_it_lets_the_next_one_in(database):
    async with database.write() as connection:
        await connection.execute(ADD, a_client("a"))
        waiting = [asyncio.create_task(add(database, f"waiting {n}")) for n in range(20)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    await asyncio.wait_for(add(database, "b"), timeout=5)
    assert await count(database) >= 2


@pytest.mark.program("postgres")
async def test_a_database_that_goes_away_is_away_and_used_again_once_it_is_back(
    postgresql, postgresql_url
):
    async with open_database(postgresql_url) as database:
        await add(database, "a")
        await asyncio.gather(*(count(database) for _ in range(8)))  # connections to be lost
        postgresql.stop()
        try:
            for use in (count(database), add(database, "b"), count(database)):
                with pytest.raises(StoreAway, match="cannot be used at present: "):
                    await use
        finally:
            postgresql.start()
        assert await used_again(lambda: count(database)) == 1
        await add(database, "c")
        assert await count(database) == 2


@pytest.mark.program("postgres")
async def test_a_database_that_goes_away_within_a_block_is_away(postgresql, postgresql_url):
    async def lose():
        async with database.write() as connection:
            await connection.execute(ADD, a_client("a"))
            postgresql.stop()
            await connection.execute(ADD, a_client("b"))

    async with open_database(postgresql_url) as database:
        try:
            with pytest.raises(StoreAway):
                await lose()
        finally:
            postgresql.start()
        assert await used_again(lambda: count(database)) == 0


async def used_again(use):
    """What is said once the server takes connections again; until then it is away."""
    while True:
        try:
            return await use()
        except StoreAway:
            await asyncio.sleep(0.02)


REFUSING = [
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: ISC004 - one statement
    "$$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END$$",
    "CREATE TRIGGER refusing BEFORE INSERT ON clients EXECUTE FUNCTION refuse()",
]


@pytest.mark.program("postgres")
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("53100", StoreFull),  # disk_full
        ("53300", StoreAway),  # too_many_connections
        ("57P01", StoreAway),  # admin_shutdown
        ("40P01", StoreAway),  # deadlock_detected
        ("58030", StoreAway),  # io_error
        ("22003", sa.exc.DBAPIError),  # numeric_value_out_of_range: about the statement
    ],
)
async def test_postgresql_says_whether_it_is_full_away_or_asked_wrongly(
    postgresql_copy_url, code, error
):
    async with open_database(postgresql_copy_url) as database:
        async with database.write() as connection:
            for statement in REFUSING:
                await connection.execute(sa.text(statement.format(code=code)))
        with pytest.raises(error, match="no"):
            await add(database, "a")


async def test_a_full_sqlite_takes_nothing_loses_nothing_and_goes_on(tmp_path):
    async with open_database(f"sqlite:///{tmp_path / 'hub.sqlite'}") as database:
        await add(database, "before")
        async with database.write() as connection:  # of which there is one
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        large = a_client("large", "x" * 100_000)
        with pytest.raises(StoreFull, match="full"):
            await add_rows(database, a_client("small"), large)
        assert await count(database) == 1
        async with database.write() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        await add_rows(database, large)
        assert await count(database) == 2


FILE_LIMITED = """
import asyncio, resource, sys
from skyscan_server.store.database import open_database
from skyscan_server.store.errors import StoreFull
from skyscan_server.store.tables import clients

async def main(path):
    acknowledged = 0
    async with open_database(f"sqlite:///{path}") as database:
        async def add(number):
            async with database.write() as connection:
                row = {"id": str(number), "document": "x" * 20_000}
                await connection.execute(clients.insert(), row)

        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
        try:
            while True:
                await add(acknowledged)
                acknowledged += 1
        except StoreFull as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        for _ in range(100):
            await add(acknowledged)
            acknowledged += 1
    print(acknowledged)

asyncio.run(main(sys.argv[1]))
"""


async def test_a_file_that_may_not_grow_takes_nothing_loses_nothing_and_goes_on(tmp_path):
    """The system refuses the write itself here, as it does on a full disk."""
    path = tmp_path / "hub.sqlite"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FILE_LIMITED, str(path), stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    *_, words, acknowledged = said.decode().splitlines()  # after what it logs
    assert words.startswith("the database takes nothing: ")
    assert int(acknowledged) > 100
    async with open_database(f"sqlite:///{path}") as database:
        assert await count(database) == int(acknowledged)


HUB = """
import asyncio, sys
from skyscan_server.store.database import open_database

async def main(url):
    async with open_database(url):
        print("open", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def other_hub():
    """Starts a process that has a database open, and kills it in the end."""
    started = []

    def start(url):
        process = subprocess.Popen(
            [sys.executable, "-c", HUB, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        # It says what it has made of the database before.
        assert "open\n" in iter(process.stdout.readline, "")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def test_a_second_hub_on_sqlite_is_refused_with_the_way_out(tmp_path, other_hub):
    path, link = tmp_path / "hub.sqlite", tmp_path / "link.sqlite"
    first = other_hub(f"sqlite:///{path}")
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(StoreInUse) as caught:
            async with open_database(f"sqlite:///{name}"):
                pass
        for words in (str(path), f"process {first.pid}", "--data", "PostgreSQL", "hub.toml"):
            assert words in str(caught.value)
    first.kill()
    first.wait()
    async with open_database(f"sqlite:///{path}") as database:
        assert await count(database) == 0


async def test_a_hub_in_the_same_process_is_refused_too(tmp_path):
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    async with open_database(url):
        with pytest.raises(StoreInUse, match=f"process {os.getpid()}"):
            async with open_database(url):
                pass
    async with open_database(url):
        pass


@pytest.mark.program("postgres")
async def test_postgresql_serves_several_hubs(postgresql_url, other_hub):
    other_hub(postgresql_url)
    async with open_database(postgresql_url) as database:
        assert await count(database) == 0


async def test_what_cannot_be_opened_is_said_with_its_name(tmp_path):
    (tmp_path / "file").write_text("no database\n" * 100)
    (tmp_path / "folder").mkdir()
    for path in ("file/below", "file", "folder"):
        with pytest.raises(StoreError, match=f"{path}: cannot be opened: .") as caught:
            async with open_database(f"sqlite:///{tmp_path / path}"):
                pass
        assert type(caught.value) is StoreError


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@127.0.0.1:1/none",
        "postgresql://u:secret@127.0.0.1:port/none",
        "u:secret@127.0.0.1",
    ],
)
async def test_no_password_is_in_what_is_said(url):
    with pytest.raises(StoreError) as caught:
        async with open_database(url):
            pass
    assert "secret" not in str(caught.value)
