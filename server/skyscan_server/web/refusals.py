"""Which errors were raised on purpose: the status and the words of each."""

from __future__ import annotations

from collections.abc import Mapping

from skyscan_lab.errors import InvalidInput
from skyscan_server.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
    Upstream,
)
from skyscan_server.store.errors import StoreError
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.validation import in_words

_STATUS: Mapping[type, int] = {
    NotFound: 404,
    Refused: 400,
    Invalid: 422,
    Forbidden: 403,
    Conflict: 409,
    Upstream: 502,
    Unavailable: 503,
}


def words_of(error: BaseException) -> tuple[int, str] | None:
    """Status and words of an error that was raised on purpose; None for any other.

    Examples
    --------
    >>> words_of(NotFound("Scan session not found"))
    (404, 'Scan session not found')
    >>> words_of(KeyError("session")) is None
    True
    """
    if isinstance(error, HttpRefusal):
        return error.status, error.words
    if isinstance(error, InvalidInput | Invalid):
        return 422, in_words(error.field, error.value, error.allowed)
    if isinstance(error, DomainError):
        for kind in type(error).__mro__:
            if kind in _STATUS:
                return _STATUS[kind], str(error)
    if isinstance(error, StoreError):  # full, or away: at present, and not this caller's fault
        return 503, str(error)
    return None
