"""Every table of the hub, as SQLAlchemy sees it; the migrations make them.

A session's own row is the sum of its records: it is written in the same transaction as they
are, so it can be read alone.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa


class UtcTime(sa.TypeDecorator[datetime]):
    """A time that is aware and UTC in Python, whatever the database makes of time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """On its way into the database."""
        if value is None:
            return None
        # The APIs have times without a suffix, and they are UTC.
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """On its way out of the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Words(sa.TypeDecorator[str]):
    """Text from people and devices; NUL, which PostgreSQL's text cannot hold, is shown."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """On its way into the database."""
        return None if value is None else value.replace("\0", "\N{SYMBOL FOR NULL}")


FINAL = ("completed", "cancelled")
"""Statuses of a session that nothing can follow."""

# SQLite numbers rows by itself only in a column that is called INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON(none_as_null=True)

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("installation", Words, nullable=False, unique=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("graph_version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("connection_epoch", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("connected", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("seen_at", UtcTime),
    # One that was removed stays, under another installation's name, for its rotors and sessions.
    sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()),
    sqlite_autoincrement=True,
)

rotors = sa.Table(
    "rotors",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("node_id", Id, sa.ForeignKey("nodes.id"), nullable=False),
    sa.Column("key", Words, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("graph", Json, nullable=False),
    # A rotor that has sessions is never taken out: they belong to it.
    sa.Column("deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("node_id", "key"),
    sqlite_autoincrement=True,
)
sa.Index(
    "uq_rotors_name",
    rotors.c.name,
    unique=True,
    sqlite_where=sa.text("NOT deleted"),
    postgresql_where=sa.text("NOT deleted"),
)

control = sa.Table(
    "control",
    metadata,
    sa.Column("rotor_id", Id, sa.ForeignKey("rotors.id"), primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("holder", Words),
    # After this, a claim that nobody renews is nobody's; without it, it lasts until given up.
    sa.Column("until", UtcTime),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("name", Words, nullable=False, unique=True),
    sa.Column("rotor_id", Id, sa.ForeignKey("rotors.id"), nullable=False, index=True),
    sa.Column("request", Json, nullable=False),
    sa.Column("plan", Json, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("notes", Words),
    # What the users want, and who carries it out.
    sa.Column("desired", sa.Text, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("claimed", sa.Boolean, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    # The sum of the records.
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("reasons", Json, nullable=False),
    sa.Column("words", Words),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("missing", sa.Integer, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    # Numbers of the records that the hub itself has added, and, while the hub holds a session
    # whose journal its node has not got, how it stood before.
    sa.Column("own", Json),
    sa.Column("held", Json),
    sqlite_autoincrement=True,
)

records = sa.Table(
    "records",
    metadata,
    sa.Column("session_id", Id, sa.ForeignKey("sessions.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.Integer),
    sa.Column("body", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
sa.Index(
    "uq_records_sequence",
    records.c.session_id,
    records.c.sequence,
    unique=True,
    sqlite_where=records.c.sequence.isnot(None),
    postgresql_where=records.c.sequence.isnot(None),
)

clients = sa.Table(
    "clients",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("document", Json, nullable=False),
)

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("family", sa.Text, nullable=False, index=True),
    sa.Column("document", Json, nullable=False),
    sa.Column("used", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("expires_at", UtcTime, nullable=False),
)

revocations = sa.Table(
    "revocations",
    metadata,
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("expires_at", UtcTime, nullable=False),
)

assets = sa.Table(
    "assets",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("installation", Words, nullable=False, index=True),
    sa.Column("session_id", Id, sa.ForeignKey("sessions.id")),
    sa.Column("label", Words, nullable=False),
    sa.Column("media_type", Words, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
)
