"""Where a server is: its base address, and those of its routes and sockets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from skyscan_lab.errors import InvalidInput

_FORM = "'http://HOST:PORT' or https"
_PORTS = {"http": 80, "https": 443}

Query = Mapping[str, str | int | None]
"""Names and values of a query string; None stands for not given."""


class Address:
    """Base address of a server.

    Parameters
    ----------
    url : str
        It may have a path, where a proxy passes on what begins with it.

    Raises
    ------
    InvalidInput
        For what is no such address.

    Examples
    --------
    >>> lab = Address("https://hub.example.org/user/ada/skyscan/")
    >>> lab.route("/api/skyscan/sessions", {"limit": 5, "status": None})
    'https://hub.example.org/user/ada/skyscan/api/skyscan/sessions?limit=5'
    >>> lab.socket("/ws/skyscan/4", {"after": 0})
    'wss://hub.example.org/user/ada/skyscan/ws/skyscan/4?after=0'
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except (ValueError, AttributeError):
            raise InvalidInput("url", url, _FORM) from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise InvalidInput("url", url, _FORM)
        if parts.username is not None or parts.query or parts.fragment:
            # What is in an address ends up in logs, so nothing secret may be.
            bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            raise InvalidInput("url", bare + " …", "without user, query and fragment")
        self._parts = parts._replace(path=parts.path.rstrip("/"))
        self._port = _PORTS[parts.scheme] if port is None else port

    def __str__(self) -> str:
        return urlunsplit(self._parts)

    @property
    def on_this_machine(self) -> bool:
        """Whether its host is this machine's loopback."""
        return _is_loopback(self._parts.hostname or "")

    def route(self, path: str, query: Query | None = None) -> str:
        """Address of a route."""
        return _joined(self._parts, self._parts.scheme, path, query)

    def socket(self, path: str, query: Query | None = None) -> str:
        """Address of a WebSocket."""
        scheme = "wss" if self._parts.scheme == "https" else "ws"
        return _joined(self._parts, scheme, path, query)

    def same_server(self, other: Address) -> bool:
        """Whether requests to another address go to the same program.

        Examples
        --------
        >>> Address("http://localhost:5001").same_server(Address("http://127.0.0.1:5001"))
        True
        >>> Address("http://localhost:5001").same_server(Address("http://example.org:5001"))
        False
        """
        ours, theirs = self._parts, other._parts
        hosts_alike = ours.hostname == theirs.hostname or (
            self.on_this_machine and other.on_this_machine
        )
        return (
            hosts_alike
            and self._port == other._port
            and (ours.scheme, ours.path) == (theirs.scheme, theirs.path)
        )


def _joined(base: SplitResult, scheme: str, path: str, query: Query | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return urlunsplit((scheme, base.netloc, base.path + path, urlencode(given), ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
