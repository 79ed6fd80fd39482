"""Programs that are known to the hub, and how they prove who they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.redirects import check_redirect_uri
from skyscan_server.auth.machine_secret import secret_matches
from skyscan_server.auth.scopes import FOR_INSTALLATIONS, Scope, format_scopes


class GrantType(StrEnum):
    """Ways to come by a token."""

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH = "refresh_token"


@dataclass(frozen=True, slots=True)
class Client:
    """A program that may ask for tokens.

    Attributes
    ----------
    client_id : str
        Its name; the subject of tokens that it gets for itself.
    secret_hash : str or None
        `hash_secret` of its secret; None for a public client, which cannot keep one (a page in
        a browser, a command on somebody's machine).
    scopes : frozenset of Scope
        Most that it may ask for.
    grants : frozenset of GrantType
        Ways in which it may ask.
    installation : str or None
        The installation that it stands for.
    redirect_uris : tuple of str
        Where people may be sent back to with a code.

    Raises
    ------
    ValueError
        For what would be a hole: tokens for itself without a secret, a node without an
        installation, an installation with scopes of people, an address to which no code may go.
    """

    client_id: str
    secret_hash: str | None = field(repr=False)
    scopes: frozenset[Scope]
    grants: frozenset[GrantType]
    installation: str | None = None
    redirect_uris: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if GrantType.CLIENT_CREDENTIALS in self.grants and self.secret_hash is None:
            raise ValueError(f"{self.client_id}: tokens for itself need a secret")
        if Scope.NODE in self.scopes and self.installation is None:
            raise ValueError(f"{self.client_id}: scope {Scope.NODE} needs an installation")
        others = self.scopes - FOR_INSTALLATIONS
        if self.installation is not None and others:
            words = f"scope {format_scopes(others)} is not for an installation"
            raise ValueError(f"{self.client_id}: {words}, whose tokens open the gateway only")
        for uri in self.redirect_uris:
            check_redirect_uri(uri)


class Clients(Protocol):
    """Where clients are kept."""

    async def find(self, client_id: str) -> Client | None:
        """Return a client; None for one that is unknown or may no longer ask for anything."""


async def authenticate(clients: Clients, client_id: str, secret: str | None) -> Client:
    """Tell which client asks.

    Parameters
    ----------
    clients : Clients
        Those that are known.
    client_id : str
        What it calls itself.
    secret : str or None
        What it proves it with.

    Raises
    ------
    OAuthError
        ``invalid_client``, the same for an unknown client and a wrong secret.
    """
    client = await clients.find(client_id)
    stored = None if client is None else client.secret_hash
    proved = secret_matches(secret or "", stored)
    if client is not None and (proved if stored is not None else secret is None):
        return client
    raise OAuthError("invalid_client", "the client is unknown, or its secret is wrong")
