"""The key that a hub signs its tokens with, and where it is kept.

It is made on the first start and stays: a new key ends every token signed with the old one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from skyscan_lab.client.private_file import create_private, read_private
from skyscan_lab.errors import FileError
from skyscan_server.auth.key_set import KeySet, VerificationKey

KEY_FILE = "signing-key.json"
"""Name of the file in the hub's data folder; it holds a private JWK."""

ALGORITHM: Final = "Ed25519"
"""Algorithm of our own tokens."""


class SigningKey:
    """A private Ed25519 key.

    Parameters
    ----------
    key : OKPKey
        With its private part.

    Attributes
    ----------
    key_id : str
        The key's thumbprint, which tokens name it by.
    """

    def __init__(self, key: OKPKey) -> None:
        if not key.is_private or key.curve_name != ALGORITHM:
            raise ValueError("key: must be a private Ed25519 key")
        self.key_id = key.thumbprint()
        self._key = key
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])

    def sign(self, claims: Mapping[str, Any], kind: str) -> str:
        """Sign claims.

        Parameters
        ----------
        claims : mapping
            What is signed, as JSON.
        kind : str
            ``typ`` of the header, so that no token is good for what it was not made for.

        Returns
        -------
        str
            A JWT.
        """
        header = {"alg": ALGORITHM, "kid": self.key_id, "typ": kind}
        payload = json.dumps(claims, separators=(",", ":"))
        return jws.serialize_compact(header, payload, self._key, registry=self._registry)

    def public_jwk(self) -> dict[str, Any]:
        """Return the public part."""
        jwk = self._key.as_dict(private=False)
        return {
            "kty": jwk["kty"],
            "crv": jwk["crv"],
            "x": jwk["x"],
            "kid": self.key_id,
            "alg": ALGORITHM,
            "use": "sig",
        }

    def jwks(self) -> dict[str, Any]:
        """Return the document by which others check our tokens (a JWK Set, RFC 7517)."""
        return {"keys": [self.public_jwk()]}

    def key_set(self) -> KeySet:
        """Return what our own verifier checks with."""
        jwk = self.public_jwk()
        public = OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x")})
        return KeySet([VerificationKey(self.key_id, ALGORITHM, self.key_id, public)])


def load_signing_key(folder: Path) -> SigningKey:
    """Read the hub's signing key, or make one. It touches the disk, so call it in a thread.

    Parameters
    ----------
    folder : Path
        The hub's data folder. Processes that start in it at the same time get the same key.

    Raises
    ------
    FileError
        Where others may read the key, and where the file holds no such key. It is left as it
        is.
    OSError
        As the system reports it.
    """
    path = folder / KEY_FILE
    data = read_private(path)
    if data is None:
        key = OKPKey.generate_key(ALGORITHM, auto_kid=True)
        made = json.dumps(key.as_dict(private=True), indent=2) + "\n"
        if create_private(path, made.encode()):
            return SigningKey(key)
        # Another process was faster; its key is whole, as files come into being here.
        data = read_private(path)
    return _parse(path, data or b"")


def _parse(path: Path, data: bytes) -> SigningKey:
    try:
        jwk = json.loads(data)
        return SigningKey(OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "d")}))
    except (JoseError, KeyError, TypeError, ValueError):
        raise FileError(
            path,
            "holds no private Ed25519 key (JWK): put it back, or move it away and start again "
            "(a new key ends every token)",
        ) from None
