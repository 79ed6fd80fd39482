"""Tickets for the sockets of a browser, which can put no token into its upgrade request."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from skyscan_server.auth.principal import Principal
from skyscan_server.auth.scopes import Scope
from skyscan_server.auth.tickets import TicketRefused, Tickets
from skyscan_server.web.operations import Call, Operation


class TicketRequest(BaseModel):
    """Body of ``POST /api/tickets``: the path of the socket."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(examples=["/ws/skyscan/4"], pattern=r"^/[A-Za-z0-9/_.-]{1,200}$")


class Ticket(BaseModel):
    """Answer of ``POST /api/tickets``: goes into the socket's query, once, within 30 s."""

    ticket: str


class TicketRoutes:
    """Route of the tickets.

    Parameters
    ----------
    tickets : Tickets
        Those that are out.
    """

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    @property
    def operations(self) -> list[Operation]:
        """The one route."""
        return [
            Operation(
                method="POST",
                path="/api/tickets",
                handler=self.issue_ticket,
                summary="Get a ticket for a socket, good once",
                scope=Scope.SKYSCAN_READ,
                tag="OAuth 2",
            )
        ]

    async def issue_ticket(self, call: Call[TicketRequest, None]) -> Ticket:
        """Issue a ticket for whoever calls."""
        return Ticket(ticket=self._tickets.issue(call.principal, call.body.path))

    async def redeem(self, ticket: str, path: str) -> Principal | None:
        """Take a ticket, as the web layer asks for it."""
        try:
            return self._tickets.redeem(ticket, path)
        except TicketRefused:
            return None
