"""Verifies tokens: shape, signature, claims, and whether they were revoked.

A check of a signature takes 0.1 ms. So what was verified is remembered, by a hash of the token;
whether it has expired or was revoked is asked each time.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
from base64 import urlsafe_b64decode
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from joserfc.errors import JoseError

from skyscan_server.auth.claims import Expected
from skyscan_server.auth.clock import Clock, utc_now
from skyscan_server.auth.key_set import OLD_NAMES, KeySource, VerificationKey
from skyscan_server.auth.principal import Principal, TokenRefused
from skyscan_server.auth.revocations import Revocations, revocable_ids

ALGORITHMS = frozenset({"Ed25519", "ES256", "RS256"})
"""Signatures that a token may have: public keys only, each with one meaning."""

MAX_TOKEN_LENGTH = 8192
"""A longer one is refused before anybody looks into it."""

MAX_HEADER_LENGTH = 512

_KINDS = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    named: str | None
    key: VerificationKey


class JwtVerifier:
    """Verifies the tokens of one issuer.

    Parameters
    ----------
    keys : KeySource
        The issuer's public keys.
    issuer, audience : str
        What the tokens must say.
    revocations : Revocations
        What ended before its time.
    clock : callable
        What time it is.
    leeway : timedelta
        By how much the issuer's clock may differ: none for our own, 30 s at most.
    remembered : int
        Most tokens of which the outcome is remembered.
    """

    def __init__(
        self,
        keys: KeySource,
        issuer: str,
        audience: str,
        revocations: Revocations,
        clock: Clock = utc_now,
        *,
        leeway: timedelta = timedelta(0),
        remembered: int = 1024,
    ) -> None:
        self._keys = keys
        self._expected = Expected(issuer, audience, leeway)
        self._revocations = revocations
        self._clock = clock
        self._remembered = remembered
        # Only good tokens are in it, so that nobody without one can push others out.
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Verify a token.

        Raises
        ------
        TokenRefused
            With the reason, and nothing of the token.
        TokenUnverifiable
            Where the issuer's keys cannot be had at present.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenRefused(f"the token is longer than {MAX_TOKEN_LENGTH} letters")
        if not _SHAPE.fullmatch(token):
            raise TokenRefused("the token is no signed JWT")
        digest = hashlib.sha256(token.encode()).digest()
        principal = await self._recall(digest)
        if principal is None:
            principal = await self._verify(token, digest)
        if await self._revocations.any_revoked(revocable_ids(principal.token_id)):
            raise TokenRefused("the token was revoked")
        return principal

    async def still_good(self, principal: Principal) -> bool:
        """Whether a verified principal's token has neither expired nor been revoked since."""
        if not self._expected.in_time(principal.expires, self._clock()):
            return False
        return not await self._revocations.any_revoked(revocable_ids(principal.token_id))

    async def _recall(self, digest: bytes) -> Principal | None:
        """Return what was found out before, as far as it still holds."""
        verified = self._verified.get(digest)
        if verified is None:
            return None
        self._verified.move_to_end(digest)
        # An issuer that withdraws a key withdraws what was signed with it.
        if await self._keys.find(verified.named, verified.key.algorithm) != verified.key:
            return None
        if not self._expected.in_time(verified.principal.expires, self._clock()):
            raise TokenRefused("the token has expired")
        return verified.principal

    async def _verify(self, token: str, digest: bytes) -> Principal:
        algorithm, named = _header(token)
        key = await self._keys.find(named, algorithm)
        if key is None:
            raise TokenRefused("the token is signed with a key that its issuer does not have")
        claims = _claims(key, token)
        # An id for tokens without one: of what was signed, since a signature may have two forms.
        signed = hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
        principal = self._expected.principal(claims, self._clock(), f"sha256:{signed}")
        self._verified[digest] = _Verified(principal, named, key)
        while len(self._verified) > self._remembered:
            self._verified.popitem(last=False)
        return principal


def _header(token: str) -> tuple[str, str | None]:
    """Read which key a token names; whatever else it says of keys is not believed."""
    part = token.partition(".")[0]
    if len(part) > MAX_HEADER_LENGTH:
        raise TokenRefused(f"the token's header is longer than {MAX_HEADER_LENGTH} letters")
    try:
        header = json.loads(urlsafe_b64decode(part + "=="))
    except (binascii.Error, RecursionError, ValueError):
        raise TokenRefused("the token's header is no JSON") from None
    if not isinstance(header, dict):
        raise TokenRefused("the token's header is no object")
    algorithm, named, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if isinstance(algorithm, str):
        algorithm = OLD_NAMES.get(algorithm, algorithm)
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused(
            f"the token is not signed as it must be: with {', '.join(sorted(ALGORITHMS))}"
        )
    if not isinstance(named, str | None):
        raise TokenRefused("the token's kid is no text")
    if not isinstance(kind, str) or kind.lower() not in _KINDS:
        raise TokenRefused("the token is no access token")
    if "crit" in header or "b64" in header:
        # Extensions that change what is signed or how; we know none.
        raise TokenRefused("the token asks for extensions")
    return algorithm, named


def _claims(key: VerificationKey, token: str) -> dict[str, Any]:
    try:
        claims = json.loads(key.payload(token))
    except JoseError:
        raise TokenRefused("the token's signature is wrong") from None
    except (RecursionError, ValueError):
        raise TokenRefused("the token's claims are no JSON") from None
    if not isinstance(claims, dict):
        raise TokenRefused("the token's claims are no object")
    return claims
