"""Databases for every test of the server: each gets its own, on SQLite and on PostgreSQL."""

import asyncio
import shutil

import pytest

from skyscan_server.store.database import open_database
from skyscan_server.store.tables import metadata
from tests.server.postgresql import OWNER, PostgreSQL

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.program("postgres"))]


@pytest.fixture(scope="session")
def postgresql():
    server = PostgreSQL()
    server.start()
    try:
        server.sql(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgresql_tables(postgresql):
    """Name of a database that has its tables already."""
    name = postgresql.create()
    asyncio.run(_make_tables(postgresql.url(name)))
    return name


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory):
    """A SQLite database that has its tables already, to be copied."""
    path = tmp_path_factory.mktemp("tables") / "hub.sqlite"
    asyncio.run(_make_tables(f"sqlite:///{path}"))
    return path


async def _make_tables(url):
    async with open_database(url):
        pass


@pytest.fixture
def postgresql_url(postgresql, postgresql_tables):
    """Database on PostgreSQL with its tables, which are emptied afterwards; ids go on."""
    yield postgresql.url(postgresql_tables)
    postgresql.empty(postgresql_tables, metadata.tables)


@pytest.fixture
def postgresql_copy_url(postgresql, postgresql_tables):
    """Database on PostgreSQL whose tables a test may change."""
    name = postgresql.create(postgresql_tables)
    yield postgresql.url(name)
    postgresql.drop(name)


@pytest.fixture(params=DATABASES)
def empty_url(request, tmp_path):
    """Database in which there is nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.sqlite'}"
        return
    server = request.getfixturevalue("postgresql")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=DATABASES)
def database_url(request, tmp_path):
    """Database to be opened."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("sqlite_tables"), tmp_path / "hub.sqlite")
        return f"sqlite:///{copy}"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture
async def database(database_url):
    """An open database."""
    async with open_database(database_url) as opened:
        yield opened
