"""Which declaration belongs to a request, and which requests have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from skyscan_server.web.operations import Declared

ROUTES: web.AppKey[Mapping[web.AbstractRoute, Declared]] = web.AppKey("routes")
"""Every route of an application, with its declaration."""

LITERAL_PATHS: web.AppKey[Mapping[str, frozenset[str]]] = web.AppKey("literal_paths")
"""Paths without parameters, and the methods of each."""


def declared_of(request: web.Request) -> Declared | None:
    """Declaration of the route that a request has been matched to; None where none fits."""
    match: Any = request.match_info
    return request.app[ROUTES].get(match.route)
