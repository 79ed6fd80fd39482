"""The application of the internal API: for the hub's own services, on a listener of its own."""

from __future__ import annotations

from importlib.metadata import version

from aiohttp import web

from skyscan_server.gateway.direct_rpc import DirectRpc
from skyscan_server.gateway.internal import InternalRoutes
from skyscan_server.gateway.tile_renderer import TileRenderer
from skyscan_server.main.access import Access
from skyscan_server.main.rules import Rules
from skyscan_server.web.application import make_application
from skyscan_server.web.authentication import Authentication
from skyscan_server.web.browsers import Browsers
from skyscan_server.web.documents import Documents
from skyscan_server.web.health import Readiness
from skyscan_server.web.metrics import Metrics

_ABOUT = "Calls at nodes, and tiles of maps, for the services of the hub itself."


def internal_application(
    rules: Rules,
    access: Access,
    rpc: DirectRpc,
    renderer: TileRenderer,
    readiness: Readiness,
    *,
    by_path: bool,
) -> web.Application:
    """Make it; a listener at a path has no name that a browser could be tricked with."""
    return make_application(
        InternalRoutes(rpc, rules.sessions, renderer).operations,
        authentication=Authentication(access.nodes),
        browsers=Browsers(None if by_path else ()),
        metrics=Metrics(),
        readiness=readiness,
        documents=Documents("skyscan-lab internal API", version("skyscan-lab"), _ABOUT),
    )
