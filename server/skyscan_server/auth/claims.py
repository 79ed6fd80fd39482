"""What a token must say, once its signature is known to be good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from skyscan_server.auth.principal import Principal, TokenRefused
from skyscan_server.auth.scopes import Scope, parse_scopes

MAX_LEEWAY = timedelta(seconds=30)
"""Most by which the clock of an outside issuer may differ from ours."""

_NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Expected:
    """What tokens of one issuer must say.

    Parameters
    ----------
    issuer, audience : str
        ``iss``, and what ``aud`` must have.
    leeway : timedelta
        By how much the issuer's clock may differ: none for our own, 30 s at most.
    """

    issuer: str
    audience: str
    leeway: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.leeway <= MAX_LEEWAY:
            raise ValueError(f"leeway = {self.leeway}: must be from 0 to {MAX_LEEWAY}")

    def in_time(self, expires: datetime | None, now: datetime) -> bool:
        """Whether a token that ends then is still good."""
        return expires is None or now - self.leeway < expires

    def principal(self, claims: Mapping[str, Any], now: datetime, fallback_id: str) -> Principal:
        """Tell who the bearer of a token is.

        Parameters
        ----------
        claims : mapping
            What was signed.
        now : datetime
            The time (UTC).
        fallback_id : str
            Id of a token that has none of its own: not every issuer gives them one.

        Raises
        ------
        TokenRefused
            With the claim that is wrong.
        """
        if claims.get("iss") != self.issuer:
            raise TokenRefused("the token is of another issuer")
        audience = claims.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenRefused("the token is for another audience")
        expires = _time(claims, "exp")
        if expires is None:
            raise TokenRefused("the token never expires: it must have exp")
        if not self.in_time(expires, now):
            raise TokenRefused("the token has expired")
        not_before = _time(claims, "nbf")
        if not_before is not None and now + self.leeway < not_before:
            raise TokenRefused("the token is not good yet")
        scopes = _scopes(claims)
        installation = _name(claims, "installation")
        if Scope.NODE in scopes and installation is None:
            # Without an installation its bearer would see the things of all.
            raise TokenRefused(f"the token has scope {Scope.NODE} and names no installation")
        subject = _name(claims, "sub")
        if subject is None:
            raise TokenRefused("the token has no sub")
        return Principal(
            subject=subject,
            installation=installation,
            scopes=scopes,
            token_id=_name(claims, "jti") or fallback_id,
            expires=expires,
            client_id=_name(claims, "client_id"),
        )


def _time(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    # True is a number in Python. NaN, Infinity and endless integers are, too, and no dates.
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OSError, OverflowError, ValueError):
            pass
    raise TokenRefused(f"the token's {name} is no time")


def _name(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= _NAME_LENGTH or not value.isprintable():
        raise TokenRefused(f"the token's {name} is no name of at most {_NAME_LENGTH} letters")
    return value


def _scopes(claims: Mapping[str, Any]) -> frozenset[Scope]:
    value = claims.get("scope", "")
    if not isinstance(value, str):
        raise TokenRefused("the token's scope is no text")
    return parse_scopes(value)
