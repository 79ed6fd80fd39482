"""Refresh tokens: each is good once, and is exchanged for the next of its family.

An answer can get lost on the way, and whoever asks again is then no thief. So for a short while a
token that was used may be used a second time, provided that nobody has used the next one: that
one is then good no more, and another takes its place. At any time a login has one token that is
good, and a second use of any other still ends it, as RFC 9700 (4.14.2) asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from skyscan_server.auth.scopes import Scope


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What is stored of a refresh token.

    Attributes
    ----------
    token_hash : str
        `hash_secret` of the token; its key.
    family : str
        Of all tokens of one login.
    client_id : str
        Only this client may use it.
    subject : str
        Who has logged in.
    scopes : frozenset of Scope
        To what they agreed.
    expires : datetime
        When the login ends: the same in the whole family, so that it ends one day. Used ones
        must be kept until then, so that a second use is known as one.
    used : datetime or None
        When it was exchanged by who had it.
    followed_by : str or None
        Hash of the one that it was exchanged for.
    """

    token_hash: str
    family: str
    client_id: str
    subject: str
    scopes: frozenset[Scope]
    expires: datetime
    used: datetime | None = None
    followed_by: str | None = None


class RefreshTokens(Protocol):
    """Where refresh tokens are kept."""

    async def add(self, token: RefreshToken) -> None:
        """Store the first of a family."""

    async def find(self, token_hash: str) -> RefreshToken | None:
        """Return one, used or not."""

    async def rotate(self, token_hash: str, following: RefreshToken, used: datetime | None) -> bool:
        """Mark one as used and store the next, in one step; true for exactly one caller, ever.

        Both ``used`` and the next one are noted with it; ``used`` is None where it was given up
        without being used. Where it was used before, nothing is stored.
        """
