"""What comes to the token endpoint."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from skyscan_server.auth.grants.errors import OAuthError
from skyscan_server.auth.grants.parameters import MAX_LENGTH, read_parameters

_NAMES = frozenset(
    {
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
    }
)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a client asks for, and proves itself with; a part that was not given is empty."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scope: str = ""
    code: str = field(default="", repr=False)
    redirect_uri: str = field(default="", repr=False)
    code_verifier: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @classmethod
    def of(
        cls, fields: Iterable[tuple[str, str]], authorization: str | None = None
    ) -> TokenRequest:
        """Read a form.

        Parameters
        ----------
        fields : iterable of (name, value)
            The form.
        authorization : str, optional
            Header of that name, in which a client may give its id and secret (Basic).

        Raises
        ------
        OAuthError
            For a parameter that came twice or is too long, for a client that names itself in
            two ways, and for another kind of header.
        """
        return cls(**read_asking(fields, authorization, _NAMES))

    def need(self, *names: str) -> None:
        """Check that parts were given.

        Raises
        ------
        OAuthError
            With those that were not.
        """
        missing = [name for name in names if not getattr(self, name)]
        if missing:
            raise OAuthError("invalid_request", f"{', '.join(missing)}: must be given")


def read_asking(
    fields: Iterable[tuple[str, str]], authorization: str | None, names: frozenset[str]
) -> dict[str, str]:
    """Read a form in which, or beside which, a client says who it is; see `TokenRequest.of`."""
    found = read_parameters(fields, names)
    if authorization is not None:
        name, secret = _basic(authorization)
        if "client_secret" in found or found.get("client_id", name) != name:
            raise OAuthError(
                "invalid_request", "the client names itself in the header and in the form"
            )
        found |= {"client_id": name, "client_secret": secret}
    return found


def _basic(header: str) -> tuple[str, str]:
    refused = OAuthError("invalid_client", "the Authorization header must be Basic")
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic" or len(value) > MAX_LENGTH:
        raise refused
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise refused from None
    name, colon, secret = text.partition(":")
    if not colon or not name:
        raise refused
    # RFC 6749, 2.3.1: both are encoded as in a form first, lest one contain the colon.
    return unquote_plus(name), unquote_plus(secret)
