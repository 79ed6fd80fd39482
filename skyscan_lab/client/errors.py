"""Every error of a client: refusals in the server's words, and trouble on the way to it.

::

    SkyscanError
    ├── ApiError                        the server answered, and refuses
    │   ├── Refused                     400 not possible in this state
    │   ├── Unauthorized                401 no token, or one that is not good
    │   ├── Forbidden                   403 a token that is not good for this
    │   ├── NotFound                    404 no such thing
    │   ├── Conflict                    409 somebody else holds it, or it exists already
    │   ├── InvalidRequest (ValueError) 422 a field whose value cannot be used
    │   ├── Upstream                    502 the hardware answered with an error
    │   └── Unavailable                 503 a rotor, its node or the store cannot be reached
    ├── ServerUnreachable               no answer
    │   └── OutcomeUnknown              no answer to what must not be asked twice
    └── UnexpectedAnswer                an answer that this API does not have
"""

from __future__ import annotations

from types import MappingProxyType

from skyscan_lab.errors import SkyscanError


class ApiError(SkyscanError):
    """The server answered, and refuses.

    Parameters
    ----------
    status : int
        HTTP status.
    detail : str
        What is wrong, in the server's words.
    repeated : bool
        Whether an earlier try got no answer, and so may have had its effect.
    """

    def __init__(self, status: int, detail: str, *, repeated: bool = False) -> None:
        self.status = status
        self.detail = detail
        self.repeated = repeated
        super().__init__(status, detail)

    def __str__(self) -> str:
        return self.detail


class Refused(ApiError):
    """Understood, and not possible in this state."""


class Unauthorized(ApiError):
    """No token, or one that is not good."""

    def __str__(self) -> str:
        return (
            f"{self.detail}: give a token, or set SKYSCAN_TOKEN ('skyscan token' prints one where "
            "the server runs)"
        )


class Forbidden(ApiError):
    """A token that is not good for this."""


class NotFound(ApiError):
    """There is no such thing, or not for this caller."""


class Conflict(ApiError):
    """Somebody else holds it, or it exists already."""


class InvalidRequest(ApiError, ValueError):
    """A field whose value cannot be used."""


class Upstream(ApiError):
    """The hardware answered with an error."""


class Unavailable(ApiError):
    """A rotor, its node or the server's store cannot be reached at present."""


class ServerUnreachable(SkyscanError):
    """No answer from the server.

    Parameters
    ----------
    url : str
        Its address.
    reason : str
        What happened.
    remedy : str
        What to do about it.
    """

    def __init__(self, url: str, reason: str, remedy: str) -> None:
        self.url = url
        self.reason = reason
        self.remedy = remedy
        super().__init__(url, reason, remedy)

    def __str__(self) -> str:
        return f"{self.url} cannot be reached ({self.reason}): {self.remedy}"


class OutcomeUnknown(ServerUnreachable):
    """A request that must not be made twice was sent, and there was no answer to it."""

    def __str__(self) -> str:
        return (
            f"{self.url} did not answer ({self.reason}), so this may have been done or not: "
            f"{self.remedy}"
        )


class UnexpectedAnswer(SkyscanError):
    """An answer that this API does not have.

    Parameters
    ----------
    url : str
        What was asked.
    reason : str
        What is wrong with the answer.
    """

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(url, reason)

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}; is this the address of a skyscan server's public API?"


_OF_STATUS = MappingProxyType(
    {
        400: Refused,
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        422: InvalidRequest,
        502: Upstream,
        503: Unavailable,
    }
)


def api_error(status: int, detail: str) -> ApiError:
    """Error that stands for a status.

    Examples
    --------
    >>> api_error(404, "Scan session not found")
    NotFound(404, 'Scan session not found')
    """
    return _OF_STATUS.get(status, ApiError)(status, detail)
