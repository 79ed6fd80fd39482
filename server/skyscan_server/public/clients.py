"""Clients of OAuth 2, as administrators see them: registered, listed, and ended."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from skyscan_lab.errors import InvalidInput
from skyscan_server.auth.grants.clients import Client, GrantType
from skyscan_server.auth.grants.redirects import check_redirect_uri
from skyscan_server.auth.machine_secret import hash_secret, new_secret
from skyscan_server.auth.scopes import GRANTS, Scope
from skyscan_server.domain.credentials import StoredClients, StoredRevocations
from skyscan_server.domain.removal import NO_CLIENT, Removal
from skyscan_server.web.operations import Call, Operation

_TAG = "OAuth 2"
# No token of ours is good for longer.
_LONGEST = timedelta(days=3650)
_FOR_PEOPLE = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH)


class NewClient(BaseModel):
    """Body of ``POST /api/clients``.

    A client of people has addresses that they are sent back to with a code; it has a secret only
    if it can keep one. A service (``client_credentials``) gets tokens for itself.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    scopes: tuple[Scope, ...] = Field(default=tuple(sorted(GRANTS["requester"])), min_length=1)
    grants: tuple[GrantType, ...] = Field(default=_FOR_PEOPLE, min_length=1)
    redirect_uris: tuple[
        Annotated[str, Field(max_length=2000), AfterValidator(check_redirect_uri)], ...
    ] = Field(default=(), max_length=10)
    secret: bool = Field(
        default=False, description="Whether it can keep a secret; a service always has one."
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if Scope.NODE in self.scopes:
            allowed = "without node: nodes are let in with POST /api/nodes/enrolments"
            raise InvalidInput("scopes", [str(scope) for scope in self.scopes], allowed)
        if (GrantType.AUTHORIZATION_CODE in self.grants) != bool(self.redirect_uris):
            allowed = "given for authorization_code, and for it only"
            raise InvalidInput("redirect_uris", list(self.redirect_uris), allowed)
        return self


class ClientOut(BaseModel):
    """A client, without its secret."""

    client_id: str
    scopes: list[Scope]
    grants: list[GrantType]
    redirect_uris: list[str]
    installation: str | None
    secret: bool


class RegisteredClient(ClientOut):
    """A client that was just registered; its secret is shown this one time."""

    client_secret: str | None


class Revocation(BaseModel):
    """Body of ``POST /api/revocations``: a token's ``jti``, or the part of it before the dot.

    That part is the same for all tokens of one login, and it is the id of a client in all that the
    client gets for itself.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=200)


class ClientRoutes:
    """Routes of the clients.

    Parameters
    ----------
    clients : StoredClients
        Those that are registered.
    revocations : StoredRevocations
        What is good no more.
    removal : Removal
        Takes them away.
    """

    def __init__(
        self, clients: StoredClients, revocations: StoredRevocations, removal: Removal
    ) -> None:
        self._clients = clients
        self._revocations = revocations
        self._removal = removal

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        return [
            Operation(
                method="GET",
                path="/api/clients",
                handler=self.list_clients,
                summary="List clients, nodes' own included",
                scope=Scope.ADMIN,
                tag=_TAG,
            ),
            Operation(
                method="POST",
                path="/api/clients",
                handler=self.register_client,
                summary="Register a client, and get its id",
                scope=Scope.ADMIN,
                tag=_TAG,
                status=201,
            ),
            Operation(
                method="DELETE",
                path="/api/clients/{client_id:name}",
                handler=self.remove_client,
                summary="Remove a client, and end all its tokens",
                description="A node's as well: it then has to be enrolled again. Sockets that are "
                "open with such a token are closed within seconds.",
                scope=Scope.ADMIN,
                tag=_TAG,
                errors={404: NO_CLIENT},
            ),
            Operation(
                method="POST",
                path="/api/revocations",
                handler=self.revoke,
                summary="End a token, or all of a login, by its id",
                scope=Scope.ADMIN,
                tag=_TAG,
            ),
        ]

    async def list_clients(self, call: Call[None, None]) -> list[ClientOut]:  # noqa: ARG002 - a handler takes its call
        """List clients."""
        return [ClientOut(**_described(client)) for client in await self._clients.everyone()]

    async def register_client(self, call: Call[NewClient, None]) -> RegisteredClient:
        """Register a client."""
        wanted = call.body
        keeps = wanted.secret or GrantType.CLIENT_CREDENTIALS in wanted.grants
        secret = new_secret() if keeps else None
        client = Client(
            # Never one that was there before: what was revoked of that one stays so.
            client_id=f"{wanted.name}-{secrets.token_hex(4)}",
            secret_hash=None if secret is None else hash_secret(secret),
            scopes=frozenset(wanted.scopes),
            grants=frozenset(wanted.grants),
            redirect_uris=wanted.redirect_uris,
        )
        await self._clients.add(client)
        call.answer_headers["Cache-Control"] = "no-store"
        return RegisteredClient(**_described(client), client_secret=secret)

    async def remove_client(self, call: Call[None, None]) -> None:
        """Remove a client."""
        await self._removal.client(call.names["client_id"])

    async def revoke(self, call: Call[Revocation, None]) -> None:
        """End what has an id."""
        await self._revocations.revoke(call.body.id, datetime.now(UTC) + _LONGEST)


def _described(client: Client) -> dict[str, object]:
    return {
        "client_id": client.client_id,
        "scopes": sorted(client.scopes),
        "grants": sorted(client.grants),
        "redirect_uris": list(client.redirect_uris),
        "installation": client.installation,
        "secret": client.secret_hash is not None,
    }
