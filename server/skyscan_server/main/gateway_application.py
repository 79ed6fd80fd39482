"""The application of the node gateway: every route of it, over the rules."""

from __future__ import annotations

from importlib.metadata import version

from aiohttp import web

from skyscan_server.gateway.assets import AssetRoutes
from skyscan_server.gateway.enrolment import EnrolmentRoute
from skyscan_server.gateway.nodes import NodeRoutes
from skyscan_server.gateway.ws import NodeSocket
from skyscan_server.main.access import Access
from skyscan_server.main.issuing import ISSUER
from skyscan_server.main.rules import Rules
from skyscan_server.settings import HubSettings
from skyscan_server.web.application import make_application
from skyscan_server.web.authentication import Authentication
from skyscan_server.web.browsers import Browsers
from skyscan_server.web.documents import Documents
from skyscan_server.web.health import Readiness
from skyscan_server.web.metrics import Metrics
from skyscan_server.web.oauth import token_operations

_ABOUT = "Where nodes report, and are told what to do. Everybody else wants the public API."


def gateway_application(
    settings: HubSettings,
    rules: Rules,
    access: Access,
    node_socket: NodeSocket,
    readiness: Readiness,
) -> web.Application:
    """Make it."""
    operations = [
        *EnrolmentRoute(access.enrolling).operations,
        *NodeRoutes(rules.nodes, rules.tasks, rules.ingest).operations,
        *AssetRoutes(rules.assets, rules.nodes, rules.tasks).operations,
        *token_operations(access.endpoint, access.revoking, access.key, ISSUER),
    ]
    return make_application(
        operations,
        node_socket.channels,
        authentication=Authentication(access.nodes),
        browsers=Browsers([settings.host, *settings.allowed_hosts]),
        metrics=Metrics(),
        readiness=readiness,
        documents=Documents("skyscan-lab node gateway", version("skyscan-lab"), _ABOUT),
    )
