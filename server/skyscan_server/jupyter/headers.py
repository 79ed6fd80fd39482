"""Which headers pass between browser and hub.

To the hub goes what it could have a use for, so that no secret of Jupyter's, or of a proxy
before it, is handed on. To the browser comes what the hub says, except what is about this one
connection, and what would give the hub a say over Jupyter's own pages, since both now have one
origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from yarl import URL

_TO_HUB = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "prefer",
        "range",
        "user-agent",
        "x-request-id",
    }
)
_THIS_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_JUPYTERS_OWN = frozenset(
    {
        "alt-svc",
        "clear-site-data",
        "date",
        "location",  # passed on rewritten
        "refresh",
        "server",
        "service-worker-allowed",
        "set-cookie",
        "set-cookie2",
        "strict-transport-security",
        "www-authenticate",
    }
)

SANDBOX = "sandbox; frame-ancestors 'self'"
"""Policy added to every answer: a page of the hub is shown, and runs nothing as Jupyter."""


def to_hub(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers of a request as the hub gets them.

    Examples
    --------
    >>> to_hub([("Cookie", "secret"), ("If-None-Match", '"3"'), ("Origin", "http://jupyter")])
    {'If-None-Match': '"3"'}
    """
    return {name: value for name, value in headers if name.lower() in _TO_HUB}


def to_browser(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Headers of an answer as the browser gets them.

    Parameters
    ----------
    headers : Mapping
        Those of the hub; a name may be there more than once.
    """
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    kept_back = _THIS_CONNECTION | _JUPYTERS_OWN | named
    for name, value in headers.items():
        lower = name.lower()
        if lower not in kept_back and not lower.startswith("access-control-"):
            yield name, value


def new_location(location: str, asked: URL, base: str) -> str | None:
    """Where a redirect of the hub leads, as seen from the browser.

    Parameters
    ----------
    location : str
        What the hub said.
    asked : URL
        What the hub was asked.
    base : str
        Path under which the browser sees the hub, with a slash at its end.

    Returns
    -------
    str or None
        None where it leads away from the hub.

    Examples
    --------
    >>> asked = URL("http://127.0.0.1:5001/api/rotors/")
    >>> new_location("/api/rotors", asked, "/user/me/skyscan/")
    '/user/me/skyscan/api/rotors'
    >>> new_location("//elsewhere.example/", asked, "/skyscan/") is None
    True
    """
    try:
        to = asked.join(URL(location, encoded=True))
        if to.origin() != asked.origin():
            return None
    except ValueError:  # it has none
        return None
    fragment = f"#{to.raw_fragment}" if to.raw_fragment else ""
    return f"{base}{to.raw_path_qs.removeprefix('/')}{fragment}"
