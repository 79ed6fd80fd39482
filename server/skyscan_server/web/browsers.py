"""What a browser could be made to do against its user, and what stops it here.

A page of somebody else may send requests to a hub on the reader's own machine. It cannot forge
``Origin``, so state-changing requests and sockets from other origins are refused; it can point
a name of its own at 127.0.0.1 (DNS rebinding), so ``Host`` must be one of our names; and it can
read no answer, since CORS headers go to configured origins only.
"""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.request_ids import REQUEST_ID_HEADER, request_id
from skyscan_server.web.validation import in_words

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_SEEN = 64
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": f"Authorization, Content-Type, If-None-Match, "
    f"{REQUEST_ID_HEADER}",
    "Access-Control-Max-Age": "600",
}
_READABLE = f"{REQUEST_ID_HEADER}, ETag, Location, Content-Disposition, WWW-Authenticate"


class Browsers:
    """Which names the server has, and whose pages may call it.

    Parameters
    ----------
    hosts : collection of str or None
        Names that ``Host`` may have besides those of loopback, without a port; None for any,
        where no browser can come, as on a Unix socket.
    origins : collection of str
        Origins of other pages that may call, as ``https://jupyter.example.org``.

    Examples
    --------
    >>> browsers = Browsers(hosts=["hub.example.org"])
    >>> browsers.knows_host("hub.example.org:5001"), browsers.knows_host("evil.example")
    (True, False)
    """

    def __init__(self, hosts: Collection[str] | None = (), origins: Collection[str] = ()) -> None:
        self._hosts = None if hosts is None else {*LOOPBACK_NAMES, *map(_bare, hosts)}
        self.origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._seen: set[str] = set()

    def knows_host(self, host: str) -> bool:
        """Whether a ``Host`` header names this server."""
        if self._hosts is None or host in self._seen:
            return True
        known = _bare(host) in self._hosts
        if known and len(self._seen) < _MOST_SEEN:
            self._seen.add(host)
        return known

    def trusts(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may call: one of our own, or a configured one."""
        origin = origin.lower()
        return origin in self.origins or origin.partition("://")[2] == host.lower()

    def check(self, request: web.Request) -> web.Response | None:
        """Check the names of a request; answer it where it is a preflight.

        Raises
        ------
        HttpRefusal
            421 for another host, 403 for another origin.
        """
        headers = request.headers
        host = headers.get("Host", "")
        if not self.knows_host(host):
            raise HttpRefusal(421, in_words("Host", host, "a name of this server (allowed_hosts)"))
        origin = headers.get("Origin")
        if origin is None:
            return None
        changing = request.method not in _READING
        if changing or "Upgrade" in headers or "Access-Control-Request-Method" in headers:
            if not self.trusts(origin, host):
                words = in_words("Origin", origin, "this server, or a configured one (origins)")
                raise HttpRefusal(403, words)
            if request.method == "OPTIONS":
                return web.Response(status=204, headers=_PREFLIGHT)
        return None

    async def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put on the headers that every answer has (a signal of the application)."""
        headers = response.headers
        headers[REQUEST_ID_HEADER] = request_id(request)
        if response.status != 101:
            headers["X-Content-Type-Options"] = "nosniff"
        if self.origins:
            headers.add("Vary", "Origin")
            origin = request.headers.get("Origin")
            if origin is not None and origin.lower() in self.origins:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = _READABLE


def _bare(host: str) -> str:
    """Name in a ``Host`` header, without port and final dot."""
    host = host.strip().lower()
    end = host.find("]") + 1 if host.startswith("[") else host.find(":")
    return (host[:end] if end > 0 else host).rstrip(".")
