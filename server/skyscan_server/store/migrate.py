"""Bring a database's schema up to date; a newer one is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from skyscan_server.store.errors import NewerSchema, NotPrepared, StoreError

# It tells of each step in words of its own, among them what it was not asked to do.
logging.getLogger("alembic").setLevel(logging.WARNING)

log = structlog.get_logger(__name__)

_ADVISORY_LOCK = 0x5C45CA11  # any number that nobody else uses


def migrate(connection: sa.Connection, target: str = "head") -> None:
    """Run the migrations that a database lacks.

    Parameters
    ----------
    connection : Connection
        Outside of a transaction.
    target : str
        Revision to stop at.

    Raises
    ------
    NewerSchema
        Where it has a revision that this version does not know.
    """
    config = configuration()
    with connection.begin():
        take_turn(connection)
        before = _present(connection)
        _refuse_newer(before, config)
        if target == "head" and before == _newest(config):
            return
        config.attributes["connection"] = connection
        command.upgrade(config, target)
        log.info(
            "database brought up to date",
            before=", ".join(sorted(before)) or "empty",
            now=", ".join(sorted(_present(connection))),
        )
        # On SQLite nothing has watched over references in between.
        if connection.dialect.name == "sqlite" and _present(connection) != before:
            _require_whole(connection)


def require_schema(connection: sa.Connection) -> None:
    """See that a database is as this version needs it, without changing anything.

    Raises
    ------
    NewerSchema, NotPrepared
        Where it is not.
    """
    config = configuration()
    with connection.begin():
        present = _present(connection)
    _refuse_newer(present, config)
    if present != _newest(config):
        raise NotPrepared(
            "the database has not been brought up to date: start a hub that may do so, whose "
            "`database` in hub.toml names the owner of the tables"
        )


def take_turn(connection: sa.Connection) -> None:
    """Let hubs that start at once change the database one after the other."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))


def configuration() -> Config:
    """Alembic's configuration: where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def _present(connection: sa.Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _newest(config: Config) -> set[str]:
    return set(ScriptDirectory.from_config(config).get_heads())


def _refuse_newer(present: set[str], config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if not present <= known:
        raise NewerSchema(
            f"the database has schema {', '.join(sorted(present - known))}, which this "
            "version of skyscan-lab does not know: a newer one has used it. Install that "
            "version again, or give another database"
        )


def _require_whole(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = ", ".join(sorted({row[0] for row in broken}))
        raise StoreError(f"the migrations would leave rows without what they refer to in {tables}")
