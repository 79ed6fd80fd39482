"""Tickets for WebSockets of browsers: good once, for one path, for half a minute.

A page cannot send a header when it opens a WebSocket, and a token in an address would end up in
logs and histories. So the page asks for a ticket with its token and opens the socket with that.
Tickets live in the memory of this process; after a restart a page asks for another.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from skyscan_server.auth.principal import Principal

TICKET_LIFETIME_S = 30.0
"""A page opens its socket at once."""


class TicketRefused(Exception):
    """The ticket is not good. It never says why: unknown, used and expired are the same."""

    def __init__(self) -> None:
        super().__init__("the ticket is not good: ask for a new one")


@dataclass(frozen=True, slots=True)
class _Ticket:
    principal: Principal
    path: str
    ends: float


class Tickets:
    """Tickets of this process.

    Parameters
    ----------
    lifetime_s : float
        For how long one is good.
    most : int
        How many there are at a time; beyond it, the oldest is dropped.
    monotonic : callable
        Seconds of a clock that never jumps.
    """

    def __init__(
        self,
        *,
        lifetime_s: float = TICKET_LIFETIME_S,
        most: int = 1024,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifetime_s = lifetime_s
        self._most = most
        self._monotonic = monotonic
        # In the order in which they were made, which is that in which they end.
        self._tickets: dict[str, _Ticket] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    def issue(self, principal: Principal, path: str) -> str:
        """Make a ticket for somebody, for one path."""
        now = self._monotonic()
        while self._tickets:
            oldest = next(iter(self._tickets))
            if now < self._tickets[oldest].ends and len(self._tickets) < self._most:
                break
            del self._tickets[oldest]
        ticket = secrets.token_urlsafe(32)
        self._tickets[ticket] = _Ticket(principal, path, now + self._lifetime_s)
        return ticket

    def redeem(self, ticket: str, path: str) -> Principal:
        """Take a ticket.

        Whatever comes of it, it is gone. The caller asks the verifier whether the principal's
        token is `still_good`, as for every open connection.

        Raises
        ------
        TicketRefused
            For one that is unknown, used, expired, or for another path.
        """
        found = self._tickets.pop(ticket, None)
        if found is None or found.path != path or self._monotonic() >= found.ends:
            raise TicketRefused
        return found.principal
