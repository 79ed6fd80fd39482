"""Authorization codes: what somebody has agreed to, for a client to turn into tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from skyscan_server.auth.scopes import Scope


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What is stored of a code.

    Attributes
    ----------
    code_hash : str
        `hash_secret` of the code; its key.
    family : str
        Of every token that will be made from it.
    client_id, redirect_uri, challenge : str
        Only this client, with this address and the verifier of this challenge, may use it.
    subject : str
        Who has agreed.
    scopes : frozenset of Scope
        To what.
    expires : datetime
        Until when it can be used. Keep the row for some time longer, so that a second use is
        known as one.
    """

    code_hash: str
    family: str
    client_id: str
    redirect_uri: str = field(repr=False)
    challenge: str = field(repr=False)
    subject: str
    scopes: frozenset[Scope]
    expires: datetime


class Codes(Protocol):
    """Where codes are kept."""

    async def add(self, code: AuthorizationCode) -> None:
        """Store a new one."""

    async def find(self, code_hash: str) -> AuthorizationCode | None:
        """Return one, used or not."""

    async def use(self, code_hash: str) -> bool:
        """Mark one as used, in one step; true for exactly one caller, ever."""
