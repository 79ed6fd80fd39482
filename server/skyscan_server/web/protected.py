"""The table of all routes and what each needs: for tests, for the documents, and at startup."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from skyscan_server.auth.scopes import Scope
from skyscan_server.web.operations import Channel, Declared
from skyscan_server.web.routes import ROUTES


@dataclass(frozen=True, slots=True)
class RouteNeeds:
    """What a route needs.

    Attributes
    ----------
    method, path : str
        The route; the path is a template.
    scope : Scope or None
        What a token must be good for; None for a public route.
    installation_bound : bool
        Whether the things of another installation are not found there.
    is_socket : bool
        Whether it is a WebSocket.
    """

    method: str
    path: str
    scope: Scope | None
    installation_bound: bool
    is_socket: bool


def all_routes(app: web.Application) -> list[RouteNeeds]:
    """List every route of an application, by path.

    Raises
    ------
    RuntimeError
        Where one was added to the router and never declared: its needs are not known.
    """
    declared = app[ROUTES]
    undeclared = [
        f"{route.method} {route.resource.canonical if route.resource else route}"
        for route in app.router.routes()
        if route not in declared
    ]
    if undeclared:
        raise RuntimeError(f"routes without a declaration: {', '.join(undeclared)}")
    return sorted(
        {_needs(one) for one in declared.values()}, key=lambda needs: (needs.path, needs.method)
    )


def protected_routes(app: web.Application) -> list[RouteNeeds]:
    """List the routes that need a token; as `all_routes`."""
    return [needs for needs in all_routes(app) if needs.scope is not None]


async def refuse_undeclared(app: web.Application) -> None:
    """Refuse to start with a route that was never declared (a signal of the application)."""
    all_routes(app)


def _needs(declared: Declared) -> RouteNeeds:
    return RouteNeeds(
        declared.method,
        declared.template.plain,
        declared.scope,
        declared.installation_bound,
        isinstance(declared, Channel),
    )
