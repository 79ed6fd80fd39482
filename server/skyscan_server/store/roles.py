"""The gateway's own role on PostgreSQL: what nodes can reach may do what nodes need.

The hub that owns the tables grants it at its start, after the migrations; the gateway connects
with it. A gateway that has been taken over can then store records and nodes, and reads neither
the secrets of clients nor anybody's tokens, and changes no table.
"""

from __future__ import annotations

from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.database import Database
from skyscan_server.store.errors import StoreError
from skyscan_server.store.migrate import take_turn

GATEWAY_ROLE = "skyscan_gateway"
"""Name of the role where no other is given."""

PRIVILEGES = MappingProxyType(
    {
        "alembic_version": "SELECT",
        "nodes": (
            "SELECT, INSERT (installation, name), "
            "UPDATE (name, graph_version, connection_epoch, connected, seen_at)"
        ),
        "rotors": "SELECT, INSERT (node_id, key, name, graph)",
        "control": "SELECT, INSERT (rotor_id, epoch), UPDATE (epoch, holder, until)",
        "sessions": (
            "SELECT, UPDATE (claimed, epoch, number, status, reasons, words, done, missing, "
            "started_at, finished_at, own, held)"
        ),
        "records": "SELECT, INSERT",
        "assets": "SELECT, INSERT, UPDATE, DELETE",
        "revocations": "SELECT",
    }
)
"""What the role may do with each table; with the others, nothing."""

# Tables that it adds to take the number of a new row from these.
_SEQUENCES = ("nodes_id_seq", "rotors_id_seq")


async def grant_gateway(database: Database, role: str = GATEWAY_ROLE) -> None:
    """Give the gateway's role what it needs and nothing else; make it where it is missing.

    A role that is made here has no password: whoever runs PostgreSQL gives it one, or lets it
    in otherwise. Where the gateway connects as the owner of the tables, nothing is changed.

    Parameters
    ----------
    database : Database
        Opened as the owner of the tables, on PostgreSQL.
    role : str
        Name of the role.

    Raises
    ------
    StoreError
        Where the role is missing, and making it is not this one's to do.
    """
    async with database.write() as connection:
        await connection.run_sync(take_turn)
        if role == (await connection.execute(sa.text("SELECT current_user"))).scalar_one():
            return
        quoted = connection.dialect.identifier_preparer.quote_identifier(role)
        await _require_role(connection, role, quoted)
        for statement in (
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quoted}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {quoted}",
            *(f"GRANT {some} ON {table} TO {quoted}" for table, some in PRIVILEGES.items()),
            f"GRANT USAGE ON SEQUENCE {', '.join(_SEQUENCES)} TO {quoted}",
        ):
            await connection.execute(sa.text(statement))


async def _require_role(connection: AsyncConnection, role: str, quoted: str) -> None:
    found = await connection.execute(
        sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}
    )
    if found.first() is not None:
        return
    try:
        await connection.execute(sa.text(f"CREATE ROLE {quoted} LOGIN"))
    except sa.exc.ProgrammingError as error:
        raise StoreError(
            f"PostgreSQL has no role {role!r} for the gateway, and this one may not make it: "
            f"have an administrator run CREATE ROLE {quoted} LOGIN PASSWORD '…', or leave out "
            "`gateway_database` in hub.toml"
        ) from error
