"""Bring a database's schema up to date; a newer one is refused."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from skyscan_server.store.errors import NewerSchema

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
        if connection.dialect.name == "postgresql":  # hubs that start at once take turns
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        present = set(MigrationContext.configure(connection).get_current_heads())
        if not present <= known:
            raise NewerSchema(
                f"the database has schema {', '.join(sorted(present - known))}, which this "
                "version of skyscan-lab does not know: a newer one has used it. Install that "
                "version again, or give another database"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def configuration() -> Config:
    """Alembic's configuration: where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config
