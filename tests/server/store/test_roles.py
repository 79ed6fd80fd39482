"""Truth: what PostgreSQL itself lets the gateway's role do, and what it refuses."""

import asyncpg
import pytest
import sqlalchemy as sa

from skyscan_server.store.database import open_database
from skyscan_server.store.errors import StoreError
from skyscan_server.store.roles import GATEWAY_ROLE, PRIVILEGES, grant_gateway
from skyscan_server.store.tables import metadata
from tests.server.postgresql import ADMINISTRATOR, OWNER

pytestmark = pytest.mark.program("postgres")

FORBIDDEN = [
    "SELECT * FROM clients",
    "SELECT * FROM grants",
    "UPDATE grants SET used = false",
    "INSERT INTO clients VALUES ('me', '{}')",
    "INSERT INTO revocations VALUES ('token', now())",
    "DELETE FROM revocations",
    "UPDATE sessions SET desired = 'cancel'",
    "UPDATE sessions SET plan = '{}', notes = 'mine'",
    "DELETE FROM sessions",
    "INSERT INTO sessions (name) VALUES ('mine')",
    "UPDATE records SET body = 'other'",
    "DELETE FROM records",
    "UPDATE rotors SET graph = '{}'",
    "DELETE FROM rotors",
    "UPDATE nodes SET installation = 'another'",
    "UPDATE alembic_version SET version_num = '0000'",
    "DROP TABLE records",
    "TRUNCATE records",
    "ALTER TABLE records ADD COLUMN mine text",
    "CREATE TABLE mine (a int)",
    "CREATE INDEX mine ON records (body)",
    "CREATE ROLE mine",
    f"SET ROLE {OWNER}",
]


@pytest.fixture
async def gateway(postgresql, postgresql_url):
    """A connection of the gateway's role, to a database in which it is at home."""
    async with open_database(postgresql_url) as database:
        await grant_gateway(database)
    connection = await postgresql.connect(GATEWAY_ROLE, sa.make_url(postgresql_url).database)
    yield connection
    await connection.close()


async def test_it_may_not_do_what_a_node_does_not_need(gateway):
    for statement in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.execute(statement)


async def test_every_table_is_thought_of(gateway):
    """A new table is nobody's but the owner's, until somebody decides otherwise."""
    granted = await gateway.fetch(
        "SELECT DISTINCT table_name FROM information_schema.role_column_grants "
        "WHERE grantee = current_user"
    )
    assert {row["table_name"] for row in granted} == set(PRIVILEGES)
    assert metadata.tables.keys() - PRIVILEGES.keys() == {"clients", "grants"}


async def test_what_was_granted_before_and_is_not_needed_any_more_is_taken_back(
    postgresql, postgresql_url
):
    name = sa.make_url(postgresql_url).database
    async with open_database(postgresql_url) as database:
        await grant_gateway(database)
        async with database.write() as connection:
            await connection.execute(sa.text(f"GRANT SELECT (id) ON clients TO {GATEWAY_ROLE}"))
        await grant_gateway(database)
    connection = await postgresql.connect(GATEWAY_ROLE, name)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT id FROM clients")
    await connection.close()


async def test_the_owner_is_not_taken_anything(postgresql_url):
    async with open_database(postgresql_url) as database:
        await grant_gateway(database, OWNER)
        async with database.write() as connection:
            await connection.execute(sa.text("DELETE FROM clients"))


async def test_a_role_of_any_name_is_made(postgresql, postgresql_url):
    role = 'Gateway "of" Zürich; --'
    async with open_database(postgresql_url) as database:
        await grant_gateway(database, role)
        await grant_gateway(database, role)
    connection = await postgresql.connect(role, sa.make_url(postgresql_url).database)
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
    await connection.close()


async def test_who_may_not_make_the_role_is_told_who_may(postgresql, postgresql_url):
    administrator = await postgresql.connect(ADMINISTRATOR, "postgres")
    await administrator.execute(f"ALTER ROLE {OWNER} NOCREATEROLE")
    try:
        async with open_database(postgresql_url) as database:
            with pytest.raises(StoreError, match=r'CREATE ROLE "not there" LOGIN PASSWORD'):
                await grant_gateway(database, "not there")
    finally:
        await administrator.execute(f"ALTER ROLE {OWNER} CREATEROLE")
        await administrator.close()
