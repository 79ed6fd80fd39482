"""Secrets that machines make for machines, and what is stored of them.

Of a secret only its SHA-256 is stored. A slow hash (scrypt, Argon2) would add nothing: it makes
each guess dear where secrets are few enough to be guessed, as passwords are. These have 256
random bits, so that no speed of guessing helps. And a thousand nodes that come back at once
would cost the hub a minute of hashing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_NOBODYS = hashlib.sha256(b"").hexdigest()


def new_secret() -> str:
    """Make 256 random bits, in letters that need no escaping anywhere."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret.

    It is also good as a key to find the secret's row by. How long such a search takes tells
    only about the hash, and a caller cannot choose that.
    """
    # What somebody presents may be no proper text; it still is only a wrong secret.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def secret_matches(secret: str, stored: str | None) -> bool:
    """Compare a secret with what is stored, in a time that tells nothing.

    Parameters
    ----------
    secret : str
        As it was presented.
    stored : str or None
        Its hash; None, which nothing matches, takes as long.
    """
    same = hmac.compare_digest(hash_secret(secret), _NOBODYS if stored is None else stored)
    return same and stored is not None
