"""One-time codes with which a node becomes the node of an installation.

An administrator makes one and types it in at the site. The node turns it into an id and a
secret of its own, so that nothing that lasts is ever typed, mailed or pasted. An installation has
one node: a second code that is used ends the id and the secret of the first.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from skyscan_lab.protocol.oauth import Enrolled
from skyscan_server.auth.clock import Clock, utc_now
from skyscan_server.auth.grants.clients import Client, GrantType
from skyscan_server.auth.issuer import ACCESS_LIFETIME
from skyscan_server.auth.machine_secret import hash_secret, new_secret
from skyscan_server.auth.scopes import Scope
from skyscan_server.auth.typed_code import new_code, read_code

ENROLMENT_LIFETIME = timedelta(hours=1)
"""Time to walk from the hub to the node."""

_INSTALLATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class EnrolmentRefused(Exception):
    """The code is not good. It never says why: unknown, used and expired are the same."""

    def __init__(self) -> None:
        super().__init__("the enrolment code is not good: ask an administrator for a new one")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is stored of a code.

    Attributes
    ----------
    code_hash : str
        `hash_secret` of the code, without hyphens; its key.
    installation : str
        What the node will stand for.
    expires : datetime
        Until when the code can be used.
    """

    code_hash: str
    installation: str
    expires: datetime


class Enrolments(Protocol):
    """Where codes are kept."""

    async def add(self, enrolment: Enrolment) -> None:
        """Store a new one."""

    async def find(self, code_hash: str) -> Enrolment | None:
        """Return one, used or not."""

    async def redeem(self, code_hash: str, client: Client, until: datetime) -> bool:
        """Mark one as used and let the client be its installation's node; true once, ever.

        In one step with that, the clients that were it before are removed, and all their tokens
        are revoked until then. Where the code was used before, nothing happens.
        """


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code that was just made, to be shown once."""

    code: str
    installation: str
    expires: datetime

    def __repr__(self) -> str:
        return f"NewCode(installation={self.installation!r}, expires={self.expires!r})"


class Enrolling:
    """Makes and redeems codes.

    Parameters
    ----------
    enrolments : Enrolments
        Where they are kept.
    clock : callable
        What time it is.
    token_lifetime : timedelta
        For how long tokens of a node's client are good.
    """

    def __init__(
        self,
        enrolments: Enrolments,
        clock: Clock = utc_now,
        token_lifetime: timedelta = ACCESS_LIFETIME,
    ) -> None:
        self._enrolments = enrolments
        self._clock = clock
        self._token_lifetime = token_lifetime

    async def invite(self, installation: str, lifetime: timedelta = ENROLMENT_LIFETIME) -> NewCode:
        """Make a code; the caller has checked that an administrator asks.

        Parameters
        ----------
        installation : str
            What the node will stand for.
        lifetime : timedelta
            For how long the code is good.

        Raises
        ------
        ValueError
            For a name that is none, and for a code that would never be good.
        """
        if not _INSTALLATION.fullmatch(installation):
            raise ValueError(
                f"installation = {installation!r}: must be at most 100 letters, digits, dots, "
                "hyphens and underscores, a letter or digit first"
            )
        if lifetime <= timedelta(0):
            raise ValueError(f"lifetime = {lifetime}: must be positive")
        code = new_code()
        expires = self._clock() + lifetime
        await self._enrolments.add(Enrolment(_hash(code), installation, expires))
        return NewCode(code, installation, expires)

    async def redeem(self, typed: str) -> Enrolled:
        """Turn a code into a client of its installation, once.

        Parameters
        ----------
        typed : str
            The code; case, spaces and hyphens do not matter.

        Raises
        ------
        EnrolmentRefused
            For any code that is not good.
        """
        code_hash = _hash(typed)
        # What is looked up is a hash: how long that takes says nothing about any code.
        found = await self._enrolments.find(code_hash)
        if found is None or self._clock() >= found.expires:
            raise EnrolmentRefused
        secret = new_secret()
        client = Client(
            client_id=f"node-{secrets.token_hex(8)}",
            secret_hash=hash_secret(secret),
            scopes=frozenset({Scope.NODE}),
            grants=frozenset({GrantType.CLIENT_CREDENTIALS}),
            installation=found.installation,
        )
        until = self._clock() + self._token_lifetime
        if not await self._enrolments.redeem(code_hash, client, until):
            raise EnrolmentRefused
        return Enrolled(
            installation=found.installation, client_id=client.client_id, client_secret=secret
        )


def _hash(typed: str) -> str:
    code = read_code(typed)
    if code is None:
        raise EnrolmentRefused
    return hash_secret(code)
