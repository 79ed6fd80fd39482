"""What can go wrong on the way to a server: from the words of HTTP and sockets to ours."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from skyscan_lab.client.errors import ApiError, UnexpectedAnswer, api_error
from skyscan_lab.errors import SkyscanError

TRY_LATER = frozenset({502, 503, 504})
"""Statuses of a server, or of a proxy before it, that may be another the next time."""

_MOST_WORDS = 2**16
_IN_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ENETUNREACH: "no way to its network",
    errno.EHOSTUNREACH: "no way to its machine",
    errno.ETIMEDOUT: "no answer in time",
}


class NoAnswer(Exception):
    """A try that came to nothing.

    Parameters
    ----------
    reason : str
        What happened.
    sent : bool
        Whether the server may have got the request.
    hopeless : bool
        Whether another try would come to the same.
    """

    def __init__(self, reason: str, *, sent: bool, hopeless: bool = False) -> None:
        self.reason = reason
        self.sent = sent
        self.hopeless = hopeless
        super().__init__(reason)


@contextmanager
def network_trouble() -> Iterator[None]:
    """Within it, what goes wrong on the network is told in our own errors.

    Raises
    ------
    NoAnswer
        Where there was none.
    ApiError
        Where a WebSocket was refused, without the server's words, which do not get this far.
    UnexpectedAnswer
        For what is not HTTP, or no WebSocket.
    """
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        raise _no_socket(error) from error
    except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch) as error:
        raise NoAnswer(f"TLS: {error}", sent=False, hopeless=True) from error
    except aiohttp.ClientConnectorError as error:
        reason = _IN_WORDS.get(error.errno or 0) or error.os_error.strerror or str(error.os_error)
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            reason = f"no machine of the name {error.host} is known"
        raise NoAnswer(reason, sent=False) from error
    except aiohttp.ConnectionTimeoutError as error:
        raise NoAnswer("no connection in time", sent=False) from error
    except TimeoutError as error:
        raise NoAnswer("no answer in time", sent=True) from error
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
        raise NoAnswer("the connection was lost", sent=True) from error
    except aiohttp.ClientResponseError as error:
        raise UnexpectedAnswer(str(error.request_info.real_url), "this is not HTTP") from error


async def refusal(response: aiohttp.ClientResponse) -> SkyscanError | NoAnswer:
    """Error that an answer other than 2xx stands for."""
    url, status = str(response.url), response.status
    if status < 400:
        target = response.headers.get("Location", "elsewhere")
        return UnexpectedAnswer(url, f"it answers {status} and points to {target}")
    words = _words(await response.content.read(_MOST_WORDS))
    if status == 404 and words is not None and words.startswith("no such path"):
        return UnexpectedAnswer(url, "there is no such path")  # what we ask for is always there
    if words is not None:
        return api_error(status, words)
    if status in TRY_LATER:
        # Not our server's words: somebody on the way to it could not get through, or not in time.
        return _gateway(status)
    return api_error(status, f"{status} {response.reason or ''}".strip())


def _no_socket(error: aiohttp.WSServerHandshakeError) -> ApiError | NoAnswer | UnexpectedAnswer:
    if error.status in TRY_LATER:
        return _gateway(error.status)
    if error.status < 400:
        return UnexpectedAnswer(str(error.request_info.real_url), "there is no WebSocket")
    return api_error(error.status, f"the WebSocket was refused with {error.status}")


def _gateway(status: int) -> NoAnswer:
    return NoAnswer(f"answered {status} before it got there", sent=True)


def _words(raw: bytes) -> str | None:
    """Words of an error of ours; None for a body of any other form.

    Examples
    --------
    >>> _words(b'{"detail": "Rotor not found"}'), _words(b"<html>") is None
    ('Rotor not found', True)
    """
    try:
        detail = json.loads(raw)["detail"]
    except (ValueError, TypeError, KeyError, UnicodeDecodeError):
        return None
    return detail if isinstance(detail, str) else json.dumps(detail)
