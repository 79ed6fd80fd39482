"""The application of the public API: every route of it, over the rules."""

from __future__ import annotations

from importlib.metadata import version

from aiohttp import web

from skyscan_server.auth.scopes import GRANTS
from skyscan_server.main.access import Access
from skyscan_server.main.issuing import ISSUER
from skyscan_server.main.rules import Rules
from skyscan_server.public import health
from skyscan_server.public.assets import AssetRoutes
from skyscan_server.public.clients import ClientRoutes
from skyscan_server.public.export import Export
from skyscan_server.public.nodes import NodeRoutes
from skyscan_server.public.rotor_socket import RotorSocket
from skyscan_server.public.rotors import RotorRoutes
from skyscan_server.public.skyscan import SkyScan
from skyscan_server.public.skyscan_socket import SkyScanSocket
from skyscan_server.public.tickets import TicketRoutes
from skyscan_server.settings import HubSettings
from skyscan_server.web.application import make_application
from skyscan_server.web.authentication import Authentication, loopback_access
from skyscan_server.web.browsers import Browsers
from skyscan_server.web.documents import Documents
from skyscan_server.web.health import Readiness
from skyscan_server.web.metrics import Metrics
from skyscan_server.web.oauth import people_operations, token_operations

_ABOUT = (
    "Scans of the sky through an antenna: start them, follow them, and read what they have "
    "measured. The Sky Scan API is as published; what is beside it is ours."
)


def public_application(
    settings: HubSettings, rules: Rules, access: Access, readiness: Readiness, metrics: Metrics
) -> web.Application:
    """Make it."""
    tickets = TicketRoutes(access.tickets)
    operations = [
        *SkyScan(rules.sessions, rules.nodes, rules.troubles, rules.ingest).operations,
        *Export(rules.sessions, settings.data).operations,
        *AssetRoutes(rules.assets, rules.sessions).operations,
        *RotorRoutes(rules.rotors, rules.motions).operations,
        *NodeRoutes(rules.nodes, access.enrolling, rules.removal).operations,
        *ClientRoutes(access.registered, access.revocations, rules.removal).operations,
        *tickets.operations,
        *token_operations(access.endpoint, access.revoking, access.key, ISSUER, with_page=True),
        *people_operations(access.authorizations, access.people),
        *health.OPERATIONS,
    ]
    channels = [
        *SkyScanSocket(rules.feeds).channels,
        *RotorSocket(rules.rotors, rules.positions).channels,
    ]
    # Whoever is let in without a token may do what the specification has, and no more.
    opened = loopback_access(GRANTS["requester"]) if settings.open_api else None
    return make_application(
        operations,
        channels,
        authentication=Authentication(access.people, tickets, opened),
        browsers=Browsers([settings.host, *settings.allowed_hosts], settings.origins),
        metrics=metrics,
        readiness=readiness,
        documents=Documents("skyscan-lab", version("skyscan-lab"), _ABOUT),
    )
