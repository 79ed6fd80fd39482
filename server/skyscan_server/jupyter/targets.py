"""What is asked of the hub: path and query as the browser sent them, if they lead nowhere else."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

from yarl import URL

from skyscan_server.jupyter.hub import HubRefusal

# As RFC 3986 writes the parts between slashes; percent signs only before two digits.
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_QUERY = re.compile(r"[\x21-\x7e]*", re.ASCII)
# A slash or backslash in disguise, and what a terminal or a file system would act on.
_DISGUISED = re.compile(r"[/\\\x00-\x1f\x7f]")

# Tokens are not given out to browsers, not even to those who may have one.
_CLOSED = ("oauth",)
_JUPYTERS_OWN = frozenset({"token", "_xsrf"})


def target_at(origin: URL, path: str, query: str) -> URL:
    """Address at the hub for a path below ours.

    Parameters
    ----------
    origin : URL
        Of the hub.
    path, query : str
        As they came, percent signs and all; the path without its first slash.

    Raises
    ------
    HubRefusal
        400 for a path that is not plainly one below the hub's root, 403 for one that is not
        open here.

    Examples
    --------
    >>> hub = URL("http://127.0.0.1:5001")
    >>> str(target_at(hub, "api/skyscan/4/data", "limit=2&token=jupyters"))
    'http://127.0.0.1:5001/api/skyscan/4/data?limit=2'
    """
    # As the hub will read them, once.
    parts = [unquote(part) for part in path.split("/")]
    if (
        not _PATH.fullmatch(path)
        or any(part in {".", ".."} or _DISGUISED.search(part) for part in parts)
        or "" in parts[:-1]
    ):
        raise HubRefusal(400, f"path = {path[:200]!r}: must be a plain path of the hub")
    if not _QUERY.fullmatch(query):
        raise HubRefusal(400, "query: must be printable ASCII, all else percent-encoded")
    if parts[0].lower() in _CLOSED:
        raise HubRefusal(403, f"/{parts[0]}: not for browsers: ask the hub itself")
    kept = "&".join(field for field in query.split("&") if _name(field) not in _JUPYTERS_OWN)
    # Nothing here is decoded or put in order once more: the hub gets what was checked.
    return URL.build(
        scheme=origin.scheme,
        authority=origin.raw_authority,
        path=f"/{path}",
        query_string=kept,
        encoded=True,
    )


def asked_of(uri: str, root: str) -> tuple[str, str]:
    """Path below a root, and query, of a request line.

    Examples
    --------
    >>> asked_of("/user/me/skyscan/api/rotors?limit=2", "/user/me/skyscan/")
    ('api/rotors', 'limit=2')
    """
    path, _, query = uri.partition("?")
    return path.removeprefix(root), query


def _name(field: str) -> str:
    return unquote_plus(field.partition("=")[0])
