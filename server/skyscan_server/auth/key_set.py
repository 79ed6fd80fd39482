"""Public keys that tokens are checked with, read from a JWK Set.

Each key is good for one algorithm, which follows from the key and never from a token: so no
token can choose a weaker check than the key was made for.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

MAX_KEYS = 64
"""Most keys that are read of a set."""

OLD_NAMES = MappingProxyType({"EdDSA": "Ed25519"})
"""Names that most issuers still write (RFC 8037) for what has one of its own since RFC 9864."""

_RSA_BITS = (2048, 4096)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the one algorithm that it is good for.

    Attributes
    ----------
    key_id : str or None
        ``kid``, by which tokens name it.
    algorithm : {"Ed25519", "ES256", "RS256"}
        As the header of a token has it.
    thumbprint : str
        Of the key itself (RFC 7638): two keys with the same one are the same.
    """

    key_id: str | None
    algorithm: str
    thumbprint: str
    _key: OKPKey | ECKey | RSAKey = field(repr=False, compare=False)

    def payload(self, token: str) -> bytes:
        """Check the signature of a token, and return what was signed.

        Raises
        ------
        JoseError
            Where this key did not sign it.
        """
        names = [self.algorithm, *(old for old, new in OLD_NAMES.items() if new == self.algorithm)]
        registry = jws.JWSRegistry(algorithms=names, strict_check_header=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of the old name
            return jws.deserialize_compact(token, self._key, registry=registry).payload


class KeySource(Protocol):
    """Where keys come from."""

    async def find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """Return the key that a token names, or the only one where it names none.

        Raises
        ------
        TokenUnverifiable
            Where keys cannot be had at present.
        """


class KeySet:
    """Keys that do not change.

    Parameters
    ----------
    keys : iterable of VerificationKey
        Of two with the same name and algorithm, the first counts.
    """

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        self._keys = tuple(keys)

    async def find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """Return the key that a token names, or the only one where it names none."""
        return self.get(key_id, algorithm)

    def get(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """Return the key that a token names, or the only one where it names none."""
        keys = [key for key in self._keys if key.algorithm == algorithm]
        if key_id is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.key_id == key_id), None)

    def __len__(self) -> int:
        return len(self._keys)


def read_key_set(document: object) -> KeySet:
    """Read a JWK Set.

    Parameters
    ----------
    document : object
        The JSON document. Keys of another kind or use, damaged ones and weak ones are left out,
        as RFC 7517 asks, so that an issuer may add kinds that we do not know.

    Raises
    ------
    ValueError
        For what is no JWK Set.
    """
    match document:
        case {"keys": list(keys)}:
            found = (read_key(key) for key in keys[:MAX_KEYS] if isinstance(key, Mapping))
            return KeySet(key for key in found if key is not None)
    raise ValueError("no JWK Set: an object with a list of keys is needed")


def read_key(jwk: Mapping[str, Any]) -> VerificationKey | None:
    """Read a public key; None for one that no token may be checked with."""
    key_id, operations = jwk.get("kid"), jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list):
        return None
    if "verify" not in operations or not isinstance(key_id, str | None):
        return None
    try:
        algorithm, key = _import(jwk)
        named = jwk.get("alg", algorithm)
        if named != algorithm and OLD_NAMES.get(named) != algorithm:
            return None
        return VerificationKey(key_id, algorithm, key.thumbprint(), key)
    except (JoseError, KeyError, TypeError, ValueError):
        return None


def _import(jwk: Mapping[str, Any]) -> tuple[str, OKPKey | ECKey | RSAKey]:
    """Import what makes the public key, and nothing else that the document may say of it."""
    match jwk["kty"], jwk.get("crv"):
        case "OKP", "Ed25519":
            return "Ed25519", OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x")})
        case "EC", "P-256":
            names = ("kty", "crv", "x", "y")
            return "ES256", ECKey.import_key({name: jwk[name] for name in names})
        case "RSA", _:
            _check_rsa_size(jwk["n"])
            return "RS256", RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
    raise ValueError("another kind of key")


def _check_rsa_size(modulus: str) -> None:
    # Before it is imported, since a huge one would take long; base64 has 6 bits a letter.
    low, high = _RSA_BITS
    if len(modulus) <= high // 6 + 2:
        number = int.from_bytes(base64.urlsafe_b64decode(modulus + "=="))
        if low <= number.bit_length() <= high:
            return
    raise ValueError(f"RSA key: must have {low} to {high} bits")
