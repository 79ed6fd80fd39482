"""Truth: the tables as SQLAlchemy declares them, compared by alembic with what each database
says of itself; and rows that were there before."""

import asyncio
import shutil

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from skyscan_server.store import migrate as migrate_module
from skyscan_server.store.database import open_database
from skyscan_server.store.errors import NewerSchema, NotPrepared, StoreError
from skyscan_server.store.migrate import configuration, migrate
from skyscan_server.store.tables import metadata

REVISIONS = [
    script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()
]
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{before}"

def upgrade():
    {upgrade}
"""


async def on(database, call, *arguments):
    """Call with a connection outside of a transaction, as migrations need it."""
    async with database._writer.connect() as connection:
        return await connection.run_sync(call, *arguments)


def differences(connection):
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def undo_everything(connection):
    with connection.begin():
        connection.execute(sa.text("DROP TABLE alembic_version"))
        metadata.drop_all(connection)


async def test_a_new_database_has_exactly_the_tables(empty_url):
    async with open_database(empty_url) as database:
        assert await on(database, differences) == []


async def test_the_comparison_sees_what_differs(empty_url):
    """Otherwise, the test above would say nothing."""
    async with open_database(empty_url) as database:
        async with database.write() as connection:
            await connection.execute(sa.text("DROP INDEX ix_sessions_status"))
            await connection.execute(sa.text("ALTER TABLE nodes RENAME COLUMN name TO title"))
        kinds = {difference[0] for difference in await on(database, differences)}
    assert kinds == {"add_index", "add_column", "remove_column"}


@pytest.mark.parametrize("revision", REVISIONS)
async def test_from_every_revision_on_it_gets_there(empty_url, revision):
    async with open_database(empty_url) as database:
        await on(database, undo_everything)
        await on(database, migrate, revision)
    async with open_database(empty_url) as database:
        assert await on(database, differences) == []


async def test_opening_again_changes_nothing(database_url):
    for _ in range(2):
        async with open_database(database_url) as database, database.write() as connection:
            names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    assert set(names) == {*metadata.tables, "alembic_version"}


@pytest.mark.parametrize("owner", [True, False])
async def test_a_newer_schema_is_refused_and_left_alone(empty_url, owner):
    async with open_database(empty_url) as database, database.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        await connection.execute(sa.text("DROP INDEX ix_sessions_status"))
    with pytest.raises(NewerSchema, match=r"schema 9999, which this version .* does not know"):
        async with open_database(empty_url, owner=owner):
            pass
    with pytest.raises(NewerSchema):  # once more: the first attempt has left nothing behind
        async with open_database(empty_url):
            pass


async def test_who_does_not_own_the_schema_does_not_make_it(empty_url):
    with pytest.raises(NotPrepared, match="start a hub that may do so"):
        async with open_database(empty_url, owner=False):
            pass
    async with open_database(empty_url):
        pass
    async with open_database(empty_url, owner=False) as database:
        assert await on(database, differences) == []


@pytest.mark.program("postgres")
async def test_hubs_that_start_at_once_take_turns(postgresql):
    name = await asyncio.to_thread(postgresql.create)

    async def start():
        async with open_database(postgresql.url(name)) as database:
            return await on(database, differences)

    assert await asyncio.gather(*(start() for _ in range(6))) == [[]] * 6
    await asyncio.to_thread(postgresql.drop, name)


@pytest.fixture
def next_revision(tmp_path, monkeypatch):
    """Adds a revision after the newest one, as a version to come would."""
    source = configuration().get_main_option("script_location")
    folder = tmp_path / "migrations"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def ours():
        config = configuration()
        config.set_main_option("script_location", str(folder))
        return config

    def add(upgrade):
        text = NEXT.format(before=REVISIONS[0], upgrade=upgrade)
        (folder / "versions" / "next.py").write_text(text)
        monkeypatch.setattr(migrate_module, "configuration", ours)

    return add


async def with_a_rotor(url):
    async with open_database(url) as database, database.write() as connection:
        for statement in (
            "INSERT INTO nodes (installation, name) VALUES ('lab', 'lab')",
            "INSERT INTO rotors (node_id, key, name, graph) VALUES (1, 'roof', 'Roof', '{}')",
            "INSERT INTO control (rotor_id, epoch) VALUES (1, 7)",
        ):
            await connection.execute(sa.text(statement))


async def test_a_table_that_others_refer_to_can_be_made_anew(empty_url, next_revision):
    await with_a_rotor(empty_url)
    next_revision(
        'with op.batch_alter_table("rotors") as batch:\n'
        '        batch.alter_column("name", new_column_name="title")'
    )
    async with open_database(empty_url) as database, database.read() as connection:
        query = "SELECT title, epoch FROM rotors JOIN control ON rotor_id = rotors.id"
        assert (await connection.execute(sa.text(query))).all() == [("Roof", 7)]


async def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_url, next_revision):
    await with_a_rotor(empty_url)
    next_revision('op.drop_table("control"); op.execute("nonsense")')
    with pytest.raises(StoreError, match='near "nonsense"'):
        async with open_database(empty_url):
            pass
    next_revision("pass")
    async with open_database(empty_url) as database, database.read() as connection:
        epoch = await connection.execute(sa.text("SELECT epoch FROM control"))
        assert epoch.scalars().all() == [7]


async def test_a_migration_that_leaves_a_row_without_what_it_refers_to_is_refused(
    empty_url, next_revision
):
    await with_a_rotor(empty_url)
    next_revision('op.execute("DELETE FROM rotors")')
    with pytest.raises(StoreError, match="control"):
        async with open_database(empty_url):
            pass
