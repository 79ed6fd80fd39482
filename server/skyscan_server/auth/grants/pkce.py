"""Proof that a code is exchanged by whoever asked for it (PKCE, RFC 7636), S256 only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

METHOD = "S256"
"""The method ``plain`` would let whoever sees the request redeem the code."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def is_challenge(text: str) -> bool:
    """Whether it can be the challenge of some verifier."""
    return _CHALLENGE.fullmatch(text) is not None


def is_verifier(text: str) -> bool:
    """Whether it can be a verifier."""
    return _VERIFIER.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """Return the challenge of a verifier.

    Examples
    --------
    >>> challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")  # RFC 7636, appendix B
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def proves(verifier: str, challenge: str) -> bool:
    """Whether a verifier belongs to a challenge."""
    return is_verifier(verifier) and hmac.compare_digest(challenge_of(verifier), challenge)
