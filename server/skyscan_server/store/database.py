"""The database: connections for reading, and one transaction after the other for writing.

SQLite has one writer at a time, so here there is one connection for it, and whoever wants to
write waits for it in the event loop rather than in the database. On PostgreSQL every
transaction has a connection of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from skyscan_lab.folders import make_folder
from skyscan_server.store.errors import StoreError
from skyscan_server.store.failures import in_words, store_error
from skyscan_server.store.migrate import migrate, require_schema
from skyscan_server.store.one_hub import held

_READERS = 4
_CONNECTIONS = 10
_PATIENCE_S = 30.0
# A migration may rewrite what years have left.
_MIGRATION_S = 3600.0


class Database:
    """An open database; `open_database` makes it.

    Parameters
    ----------
    reader, writer : AsyncEngine
        Of the same database; on PostgreSQL they share their connections.
    """

    def __init__(self, reader: AsyncEngine, writer: AsyncEngine) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file that belongs to this process alone."""
        return self._writer.dialect.name == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to read with: what it sees is one moment of the database.

        Raises
        ------
        StoreAway
            Where the database cannot be reached, or does not answer in time.
        """
        try:
            async with self._reader.connect() as connection, connection.begin():
                yield connection
        except (OSError, sa.exc.SQLAlchemyError) as error:
            _raise(error)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction, which is durable when the block has ended without an error.

        Raises
        ------
        StoreFull
            Where there is no room for it; nothing of it is in the database then.
        StoreAway
            Where the database cannot be reached, or does not answer in time; if that happened
            at the very end, the transaction may be in it all the same.
        """
        async with AsyncExitStack() as stack:
            if self.is_sqlite:
                await stack.enter_async_context(self._turn)
            try:
                async with self._writer.begin() as connection:
                    yield connection
            except (OSError, sa.exc.SQLAlchemyError) as error:
                _raise(error)


def _raise(error: Exception) -> NoReturn:
    known = store_error(error)
    if known is None:
        raise error
    raise known from error


@asynccontextmanager
async def open_database(url: str, *, owner: bool = True) -> AsyncIterator[Database]:
    """Open a database, with its schema brought up to date.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.
    owner : bool
        Whether the schema is this role's to change; without it, it must be up to date.

    Yields
    ------
    Database
        Ready for use.

    Raises
    ------
    StoreInUse
        Where another process has opened this SQLite database.
    StoreError
        Where it cannot be opened.
    NewerSchema
        Where a newer version of this program has made it.
    NotPrepared
        Where its schema is not up to date, and not this role's to change.
    """
    parsed = _parsed(url)
    name = parsed.render_as_string()
    async with AsyncExitStack() as stack:
        try:
            if parsed.get_backend_name() == "sqlite":
                path = await asyncio.to_thread(_with_folder, Path(parsed.database or ""))
                stack.enter_context(held(path))
                parsed = parsed.set(drivername="sqlite+aiosqlite", database=str(path))
                await _prepare(_sqlite(parsed, connections=1, migrating=True), owner=owner)
                writer = _sqlite(parsed, connections=1)
                reader = _sqlite(parsed, connections=_READERS, reading=True)
            else:
                parsed = parsed.set(drivername="postgresql+asyncpg")
                await _prepare(_postgresql(parsed, answer_s=_MIGRATION_S), owner=owner)
                writer = _postgresql(parsed, answer_s=_PATIENCE_S)
                # One moment for all of a block's queries; by default each has its own.
                reader = writer.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
        except (OSError, sa.exc.SQLAlchemyError) as error:
            raise StoreError(f"{name}: cannot be opened: {in_words(error)}") from error
        for engine in (writer, reader):
            stack.push_async_callback(engine.dispose)
        yield Database(reader, writer)


async def _prepare(engine: AsyncEngine, *, owner: bool) -> None:
    """See to the schema, over a connection that is used for nothing else."""
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate if owner else require_schema)
    finally:
        await engine.dispose()


def _parsed(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # it may hold a password: not repeated here
        raise StoreError(
            "the URL of the database: must be sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None


def _with_folder(path: Path) -> Path:
    # The file itself, whatever links lead to it: the lock beside it must be one.
    path = path.resolve()
    make_folder(path.parent)
    # Hashes of secrets are in it. What SQLite puts beside it has the same mode.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return path


def _postgresql(url: sa.URL, *, answer_s: float) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=_CONNECTIONS,
        pool_timeout=_PATIENCE_S,
        pool_pre_ping=True,
        connect_args={"timeout": _PATIENCE_S, "command_timeout": answer_s},
    )


def _sqlite(
    url: sa.URL, *, connections: int, reading: bool = False, migrating: bool = False
) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=sa.AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_PATIENCE_S,
        connect_args={"timeout": _PATIENCE_S},
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # Python's own transactions would begin only at the first change, and too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        # What has been acknowledged outlives a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        # A migration makes a table anew by dropping the old one, to which others refer.
        cursor.execute(f"PRAGMA foreign_keys = {'OFF' if migrating else 'ON'}")
        cursor.execute(f"PRAGMA query_only = {'ON' if reading else 'OFF'}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "invalidate")
    def _let_go(connection: Any, _record: object, _error: object) -> None:
        # Whoever is cancelled leaves a statement unfinished. Closed under it, SQLite would go on
        # holding its lock until Python collects the statement, and nobody else could write.
        with suppress(Exception):  # it is thrown away, whatever is wrong with it
            connection.rollback()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
