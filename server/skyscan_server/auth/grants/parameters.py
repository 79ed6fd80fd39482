"""Parameters of a request, from its form or query."""

from __future__ import annotations

from collections.abc import Iterable

from skyscan_server.auth.grants.errors import OAuthError

MAX_LENGTH = 4096
"""Longest value of a parameter."""


def read_parameters(fields: Iterable[tuple[str, str]], names: frozenset[str]) -> dict[str, str]:
    """Take the known parameters out of a form or query.

    Parameters
    ----------
    fields : iterable of (name, value)
        As they came. An empty value is none, and an unknown name is ignored, as RFC 6749 asks.
    names : frozenset of str
        Those that are known.

    Raises
    ------
    OAuthError
        For one that came twice, since two readers could see different ones; and for one that
        is too long.
    """
    found: dict[str, str] = {}
    for name, value in fields:
        if name not in names:
            continue
        if name in found:
            raise OAuthError("invalid_request", f"{name}: must not come twice")
        if len(value) > MAX_LENGTH:
            raise OAuthError("invalid_request", f"{name}: must have at most {MAX_LENGTH} letters")
        found[name] = value
    return {name: value for name, value in found.items() if value}
