"""Who calls, and whether the route is open to them: asked of every route, before anything else."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection
from typing import Protocol

from aiohttp import web

from skyscan_server.auth.principal import (
    Principal,
    TokenRefused,
    TokenUnverifiable,
    TokenVerifier,
)
from skyscan_server.auth.scopes import FOR_INSTALLATIONS, Scope
from skyscan_server.web.operations import Channel, Declared
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.routes import declared_of

ANONYMOUS = Principal("anonymous", None, frozenset(), "", None)
"""The caller of a public route; no scope comes with it."""

OpenAccess = Callable[[web.Request], Principal | None]
"""Says who calls without a token; None for those who need one."""

CREDENTIALS = frozenset({"ticket", "token"})
"""Fields of a socket's query that are read here, and not by its model."""

_KEY = web.RequestKey("principal", Principal)
_REALM = 'Bearer realm="skyscan"'
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


class Tickets(Protocol):
    """Good for one socket each, since a browser can put no token into its upgrade request."""

    async def redeem(self, ticket: str, path: str) -> Principal | None:
        """Take a ticket for a path; None for one that is used, too old or not for this path."""


def principal_of(request: web.Request) -> Principal:
    """Who calls."""
    return request[_KEY]


def subject_of(request: web.Request) -> str | None:
    """Name of who calls, as far as that has been found out."""
    principal = request.get(_KEY)
    return None if principal is None else principal.subject


class Authentication:
    """Finds out who calls.

    Parameters
    ----------
    verifier : TokenVerifier
        Verifies bearer tokens.
    tickets : Tickets, optional
        For sockets of browsers (``?ticket=``).
    open_access : callable, optional
        Lets in callers without a token (`loopback_access`).
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        tickets: Tickets | None = None,
        open_access: OpenAccess | None = None,
    ) -> None:
        self.verifier = verifier
        self._tickets = tickets
        self._open_access = open_access

    async def admit(self, request: web.Request) -> None:
        """Find out who calls, and let nobody through to a route that is not open to them.

        Raises
        ------
        HttpRefusal
            As `principal`.
        """
        declared = declared_of(request)
        if declared is not None:
            request[_KEY] = await self.principal(request, declared)
        elif request.match_info.http_exception is None:
            # Nobody has said who may call it, so nobody may.
            raise RuntimeError(f"{request.path}: this route was never declared")

    async def principal(self, request: web.Request, declared: Declared) -> Principal:
        """Find out who calls a route, and whether they may.

        Raises
        ------
        HttpRefusal
            401 for no token or one that is not good, 403 for a missing scope, 503 where a
            token cannot be verified at present.
        """
        scope = declared.scope
        if scope is None:
            return ANONYMOUS
        token = _bearer(request)
        if token is None and isinstance(declared, Channel):
            ticket = request.query.get("ticket")
            if ticket is not None and self._tickets is not None:
                return _with_scope(await self._redeem(self._tickets, ticket, request.path), scope)
            # A page can have its reader's browser send any address, so never with an Origin.
            if "Origin" not in request.headers:
                token = request.query.get("token")
        if token is not None:
            return _with_scope(await self._verify(token), scope)
        if self._open_access is not None:
            principal = self._open_access(request)
            if principal is not None and scope in principal.scopes:
                return principal
        raise HttpRefusal(401, "a bearer token is needed", {"WWW-Authenticate": _REALM})

    async def _verify(self, token: str) -> Principal:
        try:
            return await self.verifier.verify(token)
        except TokenUnverifiable as error:
            raise HttpRefusal(503, str(error)) from error
        except TokenRefused as error:
            raise _not_good(str(error)) from error

    async def _redeem(self, tickets: Tickets, ticket: str, path: str) -> Principal:
        principal = await tickets.redeem(ticket, path)
        if principal is None:
            raise _not_good("the ticket is used, too old, or not for this path")
        if principal.token_id and not await self.verifier.still_good(principal):
            raise _not_good("the token has expired or was revoked")
        return principal


def loopback_access(scopes: Collection[Scope]) -> OpenAccess:
    """Let callers on this machine in without a token.

    Parameters
    ----------
    scopes : collection of Scope
        What they may do.

    Returns
    -------
    OpenAccess
        It lets nobody in whom a proxy on this machine has brought from elsewhere.
    """
    principal = Principal("anonymous", None, frozenset(scopes), "", None)

    def access(request: web.Request) -> Principal | None:
        transport = request.transport
        peer = None if transport is None else transport.get_extra_info("peername")
        if not isinstance(peer, tuple) or any(name in request.headers for name in _FORWARDED):
            return None
        address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return principal if (mapped or address).is_loopback else None

    return access


def _bearer(request: web.Request) -> str | None:
    given = request.headers.get("Authorization")
    if given is None:
        return None
    kind, _, token = given.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise _not_good("Authorization: must be 'Bearer TOKEN'")
    return token.strip()


def _with_scope(principal: Principal, scope: Scope) -> Principal:
    if principal.installation is not None and scope not in FOR_INSTALLATIONS:
        # People and services see the things of all installations.
        raise HttpRefusal(403, "an installation's token opens the gateway only")
    if scope in principal.scopes:
        return principal
    challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    raise HttpRefusal(403, f"scope {scope} is needed", {"WWW-Authenticate": challenge})


def _not_good(words: str) -> HttpRefusal:
    return HttpRefusal(401, words, {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})
