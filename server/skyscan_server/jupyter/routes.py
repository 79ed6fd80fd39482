"""Where the hub is seen: below ``/skyscan/`` of a Jupyter server."""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule

from skyscan_server.jupyter.hub import Hub
from skyscan_server.jupyter.requests import HubRequests
from skyscan_server.jupyter.sockets import HubSocket

NAME = "skyscan"


class _UpgradeMatches(PathMatches):
    """A path that is asked for with an upgrade to a WebSocket."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match path and headers."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return None
        return super().match(request)


def add_routes(server: ServerApp, hub: Hub) -> None:
    """Let a hub be seen through a Jupyter server."""
    root = url_path_join(server.base_url, NAME, "/")
    pattern = f"{re.escape(root)}.*"
    with_hub = {"hub": hub, "root": root}
    server.web_app.add_handlers(  # type: ignore[no-untyped-call] # Jupyter's own
        ".*$",
        [
            Rule(_UpgradeMatches(pattern), HubSocket, with_hub),
            Rule(PathMatches(pattern), HubRequests, with_hub),
        ],
    )
