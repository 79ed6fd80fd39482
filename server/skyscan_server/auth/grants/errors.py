"""Refusals by the names that OAuth 2 gives them."""

from __future__ import annotations

from typing import Literal

ErrorName = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "unsupported_response_type",
]
"""Names of RFC 6749: sections 5.2 (token endpoint) and 4.1.2.1 (authorization endpoint)."""


class OAuthError(Exception):
    """A request that is refused.

    Parameters
    ----------
    error : str
        Its name, for programs.
    description : str
        Why, for people; it repeats nothing of the request, and is plain ASCII without quotes
        or backslashes, as the protocol asks.
    """

    def __init__(self, error: ErrorName, description: str) -> None:
        self.error: ErrorName = error
        self.description = description
        super().__init__(error, description)

    def __str__(self) -> str:
        return f"{self.error}: {self.description}"
