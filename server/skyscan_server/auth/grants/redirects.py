"""Addresses to which a browser may be sent with a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+", re.ASCII)


def check_redirect_uri(uri: str) -> str:
    """Check an address before a client is registered with it.

    Parameters
    ----------
    uri : str
        https anywhere, or http on loopback: the code in it must not cross a network in clear.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ValueError
        For any other address, one with a fragment or a user in it, and one with letters that
        browsers read in ways of their own.

    Examples
    --------
    >>> check_redirect_uri("http://127.0.0.1:8888/callback")
    'http://127.0.0.1:8888/callback'
    """
    refused = ValueError(f"redirect_uri = {uri!r}: must be https://HOST/... or http on loopback")
    if not _PLAIN.fullmatch(uri):
        raise refused
    parts = urlsplit(uri)
    if not parts.hostname or "@" in parts.netloc or "#" in uri:
        raise refused
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise refused
    _ = parts.port  # ValueError for one that is none
    return uri


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """Add parameters to the query of an address.

    Examples
    --------
    >>> with_parameters("https://lab.example/back?from=hub", {"code": "a b"})
    'https://lab.example/back?from=hub&code=a+b'
    """
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query))
