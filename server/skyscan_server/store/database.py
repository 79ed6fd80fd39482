"""The database: connections for reading, and one transaction after the other for writing.

SQLite has one writer at a time, so here there is one connection for it, and whoever wants to
write waits for it in the event loop rather than in the database. On PostgreSQL every
transaction has a connection of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from skyscan_server.store.errors import StoreError, StoreFull
from skyscan_server.store.migrate import migrate
from skyscan_server.store.one_hub import held

_READERS = 4
_CONNECTIONS = 10
_PATIENCE_S = 30.0


class Database:
    """An open database; `open_database` makes it.

    Parameters
    ----------
    reader, writer : AsyncEngine
        Both the same on PostgreSQL.
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
        """Give a connection to read with: what it sees is one moment of the database."""
        async with self._reader.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction, which is durable when the block has ended without an error.

        Raises
        ------
        StoreFull
            Where there is no room for it; nothing of it is in the database then.
        """
        async with AsyncExitStack() as stack:
            if self.is_sqlite:
                await stack.enter_async_context(self._turn)
            try:
                async with self._writer.begin() as connection:
                    yield connection
            except sa.exc.DBAPIError as error:
                if is_full(error):
                    raise StoreFull(f"the database takes nothing: {error.orig}") from error
                raise


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open a database, with its schema brought up to date.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.

    Yields
    ------
    Database
        Ready for use.

    Raises
    ------
    StoreInUse
        Where another process has opened this SQLite database.
    StoreError
        Where it cannot be reached.
    NewerSchema
        Where a newer version of this program has made it.
    """
    parsed = sa.make_url(url)
    async with AsyncExitStack() as stack:
        if parsed.get_backend_name() == "sqlite":
            path = await asyncio.to_thread(_with_folder, Path(str(parsed.database)))
            stack.enter_context(held(path))
            async_url = parsed.set(drivername="sqlite+aiosqlite", database=str(path))
            writer = _sqlite(async_url, "BEGIN IMMEDIATE", connections=1)
            reader = _sqlite(async_url, "BEGIN", connections=_READERS)
        else:
            writer = reader = create_async_engine(
                parsed.set(drivername="postgresql+asyncpg"),
                pool_size=_CONNECTIONS,
                pool_timeout=_PATIENCE_S,
                pool_pre_ping=True,
                connect_args={"timeout": _PATIENCE_S, "command_timeout": _PATIENCE_S},
            )
        for engine in {writer, reader}:
            stack.push_async_callback(engine.dispose)
        try:
            async with writer.connect() as connection:
                await connection.run_sync(migrate)
        except (OSError, sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            reason = getattr(error, "orig", None) or error
            raise StoreError(f"{parsed.render_as_string()}: cannot be opened: {reason}") from error
        yield Database(reader, writer)


def is_full(error: sa.exc.DBAPIError) -> bool:
    """Whether an error says that there is no room."""
    code = getattr(error.orig, "sqlite_errorname", "") or getattr(error.orig, "sqlstate", "")
    return code in {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "53100"}


def _with_folder(path: Path) -> Path:
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _sqlite(url: sa.URL, begin: str, *, connections: int) -> AsyncEngine:
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
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
