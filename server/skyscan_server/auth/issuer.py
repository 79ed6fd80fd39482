"""Makes access tokens: what we say in them, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from skyscan_server.auth.clock import Clock, utc_now
from skyscan_server.auth.keys import SigningKey
from skyscan_server.auth.revocations import new_family, new_token_id
from skyscan_server.auth.scopes import Scope, format_scopes

ACCESS_KIND = "at+jwt"
"""Access tokens and nothing else (RFC 9068)."""

ACCESS_LIFETIME = timedelta(hours=1)
"""For how long a token is good, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that was just made.

    Attributes
    ----------
    token : str
        To be presented; it is in no representation of this object.
    token_id : str
        By which it is revoked.
    expires : datetime
        When it ends (UTC).
    """

    token: str = field(repr=False)
    token_id: str
    expires: datetime


class Issuer:
    """Makes access tokens.

    Parameters
    ----------
    key : SigningKey
        They are signed with it.
    issuer : str
        Who makes them (``iss``): the hub's address, or its name.
    audience : str
        For whom they are good (``aud``).
    lifetime : timedelta
        Of a token for which nothing else is said; whole seconds.
    clock : callable
        What time it is.
    """

    def __init__(
        self,
        key: SigningKey,
        issuer: str,
        audience: str,
        *,
        lifetime: timedelta = ACCESS_LIFETIME,
        clock: Clock = utc_now,
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self.lifetime = lifetime
        self.clock = clock
        self._key = key

    def mint(
        self,
        subject: str,
        scopes: Iterable[Scope],
        *,
        installation: str | None = None,
        client_id: str | None = None,
        family: str | None = None,
        lifetime: timedelta | None = None,
    ) -> AccessToken:
        """Make a token.

        Parameters
        ----------
        subject : str
            A person, or the client that stands for an installation or a service.
        scopes : iterable of Scope
            What it is good for.
        installation : str, optional
            The installation whose things its bearer may see; None for people, who may see all.
        client_id : str, optional
            The program that it is given to; None where it is given to a person.
        family : str, optional
            By which it can be revoked together with others; by default a family of its own.
        lifetime : timedelta, optional
            For how long it is good.

        Raises
        ------
        ValueError
            For a node's token without an installation, since it could see all; and for a
            lifetime below a second.
        """
        scopes = frozenset(scopes)
        lifetime = self.lifetime if lifetime is None else lifetime
        seconds = int(lifetime.total_seconds())
        if not subject or installation == "":
            raise ValueError("subject, installation: must not be empty")
        if Scope.NODE in scopes and installation is None:
            raise ValueError(f"installation: a token with scope {Scope.NODE} must name one")
        if seconds < 1:
            raise ValueError(f"lifetime = {lifetime}: must be at least a second")
        issued = int(self.clock().timestamp())
        token_id = new_token_id(family or new_family())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": subject,
            "aud": self.audience,
            "scope": format_scopes(scopes),
            "jti": token_id,
            "iat": issued,
            "exp": issued + seconds,
        }
        if installation is not None:
            claims["installation"] = installation
        if client_id is not None:
            claims["client_id"] = client_id
        expires = datetime.fromtimestamp(issued + seconds, UTC)
        return AccessToken(self._key.sign(claims, ACCESS_KIND), token_id, expires)
