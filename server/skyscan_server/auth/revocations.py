"""What ends tokens before their time.

Every token belongs to a family: those of one login, or of one client. Its id is the family's,
a dot, and a part of its own. So one row in the store ends one token or a whole family, those
included that are made at the same moment.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Protocol


class Revocations(Protocol):
    """Ids of tokens and families that are good no more."""

    async def revoke(self, revoked_id: str, until: datetime) -> None:
        """Remember an id at least until then, when nothing of that id can be good any more.

        Remembered twice, the later time counts.
        """

    async def any_revoked(self, ids: Collection[str]) -> bool:
        """Whether one of these was revoked. It is asked for each request, so it must be quick."""


def new_family() -> str:
    """Name a family of tokens."""
    return secrets.token_hex(16)


def new_token_id(family: str) -> str:
    """Name a token of a family."""
    return f"{family}.{secrets.token_hex(8)}"


def revocable_ids(token_id: str) -> tuple[str, ...]:
    """Ids by which a token can be revoked.

    Examples
    --------
    >>> revocable_ids("c0ffee.17")
    ('c0ffee.17', 'c0ffee')
    >>> revocable_ids("17")
    ('17',)
    """
    family, dot, _ = token_id.rpartition(".")
    return (token_id, family) if dot else (token_id,)
