"""Where the issuer of tokens keeps what it must not forget: in the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.auth.enrolment import Enrolment
from skyscan_server.auth.grants.clients import Client
from skyscan_server.auth.grants.codes import AuthorizationCode
from skyscan_server.auth.grants.refresh_tokens import RefreshToken
from skyscan_server.auth.scopes import Scope
from skyscan_server.store import credentials
from skyscan_server.store.database import Database

# What was used is kept for a while, so that a second use is known as one.
_KEPT = timedelta(days=1)
_REVOKED_WITHIN_S = 1.0

_CLIENT = TypeAdapter(Client)

Kept = TypeVar("Kept", AuthorizationCode, RefreshToken, Enrolment)


class StoredClients:
    """Clients of `skyscan_server.auth.grants.clients`.

    Parameters
    ----------
    database : Database
        Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str) -> Client | None:
        """Client of a name."""
        async with self._database.read() as connection:
            document = await credentials.client(connection, client_id)
        return None if document is None else _CLIENT.validate_python(document)

    async def everyone(self) -> list[Client]:
        """List the clients."""
        async with self._database.read() as connection:
            documents = await credentials.all_clients(connection)
        return [_CLIENT.validate_python(document) for document in documents]

    async def add(self, client: Client) -> None:
        """Store a client."""
        async with self._database.write() as connection:
            await add_client(connection, client)


class _Grants(Generic[Kept]):
    """What can be used once, of one kind."""

    def __init__(self, database: Database, kind: type[Kept], key: str) -> None:
        self._database = database
        self._kind = kind.__name__
        self._key = key
        self._adapter: TypeAdapter[Kept] = TypeAdapter(kind)

    async def add(self, kept: Kept) -> None:
        """Store a new one, and drop what expired long ago."""
        async with self._database.write() as connection:
            await credentials.forget_grants(connection, datetime.now(UTC) - _KEPT)
            await self._add(connection, kept)

    async def find(self, key: str) -> Kept | None:
        """Return one, used or not."""
        async with self._database.read() as connection:
            document = await credentials.grant(connection, self._kind, key)
        return None if document is None else self._adapter.validate_python(document)

    async def _add(self, connection: AsyncConnection, kept: Kept) -> None:
        document: dict[str, Any] = self._adapter.dump_python(kept, mode="json")
        await credentials.add_grant(
            connection,
            self._kind,
            document[self._key],
            document.get("family", ""),
            document,
            kept.expires,
        )

    async def _use(self, connection: AsyncConnection, key: str) -> bool:
        return await credentials.use_grant(connection, self._kind, key)


class StoredCodes(_Grants[AuthorizationCode]):
    """Codes of `skyscan_server.auth.grants.codes`.

    Parameters
    ----------
    database : Database
        Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, AuthorizationCode, "code_hash")

    async def use(self, code_hash: str) -> bool:
        """Mark one as used; true for exactly one caller."""
        async with self._database.write() as connection:
            return await self._use(connection, code_hash)


class StoredRefreshTokens(_Grants[RefreshToken]):
    """Tokens of `skyscan_server.auth.grants.refresh_tokens`.

    Parameters
    ----------
    database : Database
        Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, RefreshToken, "token_hash")

    async def rotate(self, token_hash: str, following: RefreshToken, used: datetime | None) -> bool:
        """Mark one as used and store the next; true for exactly one caller."""
        async with self._database.write() as connection:
            if not await self._use(connection, token_hash):
                return False
            document = await credentials.grant(connection, self._kind, token_hash)
            old = replace(
                self._adapter.validate_python(document),
                used=used,
                followed_by=following.token_hash,
            )
            changed = self._adapter.dump_python(old, mode="json")
            await credentials.change_grant(connection, self._kind, token_hash, changed)
            await self._add(connection, following)
        return True


class StoredEnrolments(_Grants[Enrolment]):
    """Codes of `skyscan_server.auth.enrolment`.

    Parameters
    ----------
    database : Database
        Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, Enrolment, "code_hash")

    async def redeem(self, code_hash: str, client: Client, until: datetime) -> bool:
        """Mark one as used, and let the client be its installation's node; true for one caller."""
        async with self._database.write() as connection:
            if not await self._use(connection, code_hash):
                return False
            for document in await credentials.clients_of(connection, client.installation or ""):
                before = _CLIENT.validate_python(document)
                if Scope.NODE in before.scopes:
                    await credentials.remove_client(connection, before.client_id)
                    # A client is the family of its tokens.
                    await credentials.revoke(connection, before.client_id, until)
            await add_client(connection, client)
        return True


class StoredRevocations:
    """Revocations of `skyscan_server.auth.revocations`.

    They are asked about with every request, so they are remembered here; what another hub of
    the same database revokes is known a second later.

    Parameters
    ----------
    database : Database
        Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def revoke(self, revoked_id: str, until: datetime) -> None:
        """Remember an id at least until then."""
        async with self._database.write() as connection:
            await credentials.revoke(connection, revoked_id, until)
        self._known |= {revoked_id}

    async def any_revoked(self, ids: Collection[str]) -> bool:
        """Whether one of these was revoked."""
        if self._old:
            async with self._reading:
                if self._old:
                    await self._read()
        return not self._known.isdisjoint(ids)

    @property
    def _old(self) -> bool:
        return time.monotonic() - self._read_at > _REVOKED_WITHIN_S

    async def _read(self) -> None:
        now = time.monotonic()
        async with self._database.read() as connection:
            # What was revoked here meanwhile stays known.
            self._known |= await credentials.all_revoked(connection, datetime.now(UTC))
        self._read_at = now


async def add_client(connection: AsyncConnection, client: Client) -> None:
    """Store a client in a transaction."""
    document: dict[str, Any] = _CLIENT.dump_python(client, mode="json")
    await credentials.add_client(connection, client.client_id, document)
