"""Clients, one-time codes, refresh tokens and revocations: documents, by hashes of secrets.

What is in a document is the business of who keeps it; here is only what must happen in one
step: that a code is used once, and that something else is stored with that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.store.tables import clients, grants, revocations


async def add_client(connection: AsyncConnection, client_id: str, document: dict[str, Any]) -> None:
    """Store a client."""
    await connection.execute(sa.insert(clients).values(id=client_id, document=document))


async def client(connection: AsyncConnection, client_id: str) -> dict[str, Any] | None:
    """Document of a client."""
    query = sa.select(clients.c.document).where(clients.c.id == client_id)
    document: dict[str, Any] | None = (await connection.execute(query)).scalar_one_or_none()
    return document


async def all_clients(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Documents of all clients."""
    query = sa.select(clients.c.document).order_by(clients.c.id)
    return list((await connection.execute(query)).scalars())


async def families_of(connection: AsyncConnection, client_id: str) -> list[str]:
    """Families of the logins through a client."""
    query = sa.select(grants.c.family).where(
        grants.c.family != "", grants.c.document["client_id"].as_string() == client_id
    )
    return list((await connection.execute(query.distinct())).scalars())


async def clients_of(connection: AsyncConnection, installation: str) -> list[dict[str, Any]]:
    """Documents of the clients that stand for an installation."""
    query = sa.select(clients.c.document).where(
        clients.c.document["installation"].as_string() == installation
    )
    return list((await connection.execute(query)).scalars())


async def remove_client(connection: AsyncConnection, client_id: str) -> None:
    """Remove a client, which can then ask for nothing."""
    await connection.execute(sa.delete(clients).where(clients.c.id == client_id))


async def add_grant(
    connection: AsyncConnection,
    kind: str,
    grant_id: str,
    family: str,
    document: dict[str, Any],
    expires_at: datetime,
) -> None:
    """Store something that can be used once."""
    values = {
        "kind": kind,
        "id": grant_id,
        "family": family,
        "document": document,
        "expires_at": expires_at,
    }
    await connection.execute(sa.insert(grants).values(values))


async def grant(connection: AsyncConnection, kind: str, grant_id: str) -> dict[str, Any] | None:
    """Document of something that can be used once, used or not."""
    query = sa.select(grants.c.document).where(grants.c.kind == kind, grants.c.id == grant_id)
    document: dict[str, Any] | None = (await connection.execute(query)).scalar_one_or_none()
    return document


async def change_grant(
    connection: AsyncConnection, kind: str, grant_id: str, document: dict[str, Any]
) -> None:
    """Store another document for it."""
    await connection.execute(
        sa.update(grants)
        .where(grants.c.kind == kind, grants.c.id == grant_id)
        .values(document=document)
    )


async def use_grant(connection: AsyncConnection, kind: str, grant_id: str) -> bool:
    """Mark it as used; true for the first one who does."""
    statement = (
        sa.update(grants)
        .where(grants.c.kind == kind, grants.c.id == grant_id, ~grants.c.used)
        .values(used=True)
    )
    return (await connection.execute(statement)).rowcount == 1


async def forget_grants(connection: AsyncConnection, before: datetime) -> None:
    """Drop what expired long ago."""
    await connection.execute(sa.delete(grants).where(grants.c.expires_at < before))
    await connection.execute(sa.delete(revocations).where(revocations.c.expires_at < before))


async def revoke(connection: AsyncConnection, revoked_id: str, until: datetime) -> None:
    """Remember that something is good no more."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(revocations).values(token_id=revoked_id, expires_at=until)
    later = statement.on_conflict_do_update(
        index_elements=[revocations.c.token_id],
        set_={"expires_at": statement.excluded.expires_at},
        where=revocations.c.expires_at < statement.excluded.expires_at,
    )
    await connection.execute(later)


async def all_revoked(connection: AsyncConnection, now: datetime) -> frozenset[str]:
    """Everything that is good no more and could still seem to be."""
    query = sa.select(revocations.c.token_id).where(revocations.c.expires_at >= now)
    return frozenset((await connection.execute(query)).scalars())
