"""Who a caller is, once the token has been verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from skyscan_server.auth.scopes import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller.

    Attributes
    ----------
    subject : str
        A person, or the client that stands for an installation or a service.
    installation : str or None
        The installation whose things the caller may see; None for people of the hub, who may
        see all.
    scopes : frozenset of Scope
        What it may do.
    token_id : str
        By which its token is revoked.
    expires : datetime or None
        When the token ends (UTC); None where no token was needed.
    client_id : str or None
        The program that the token was given to, where its issuer says so.
    """

    subject: str
    installation: str | None
    scopes: frozenset[Scope]
    token_id: str
    expires: datetime | None
    client_id: str | None = None


class TokenRefused(Exception):
    """A token that is not good; the text says why, and holds nothing of the token."""


class TokenUnverifiable(TokenRefused):
    """Nothing is known against the token, but its issuer's keys cannot be had at present."""


class TokenVerifier(Protocol):
    """Turns bearer tokens into principals; an outside issuer brings its own."""

    async def verify(self, token: str) -> Principal:
        """Verify a token.

        Raises
        ------
        TokenRefused
            For one that is malformed, expired, revoked, of another issuer or audience, or
            signed by another key.
        TokenUnverifiable
            Where the same token may be good in a moment.
        """

    async def still_good(self, principal: Principal) -> bool:
        """Whether a verified principal's token has neither expired nor been revoked since."""
