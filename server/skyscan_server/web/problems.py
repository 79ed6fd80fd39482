"""The one shape of every error answer: a status, and ``{"detail": words}``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel

from skyscan_lab.protocol.skyscan import Problem

_MOST_WORDS = 2000


class HttpRefusal(Exception):
    """A request that the web layer itself refuses, before or beside the rules of the domain.

    Parameters
    ----------
    status : int
        HTTP status.
    words : str
        What is wrong, for people.
    headers : mapping, optional
        Headers that go with the status.
    """

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.words = words
        self.headers = headers
        super().__init__(status, words)

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class ProblemShape:
    """How an operation writes its errors; all but those of OAuth write a `Problem`.

    Attributes
    ----------
    model : type
        The model, for the documents.
    body : callable
        Its fields, from status and words.
    """

    model: type[BaseModel]
    body: Callable[[int, str], Mapping[str, object]]


PROBLEM = ProblemShape(Problem, lambda _status, words: {"detail": words})


@dataclass(frozen=True, slots=True)
class Status:
    """What a status means on every route that can answer it."""

    title: str
    example: str


STATUSES: Mapping[int, Status] = {
    400: Status("Refused", "Cannot pause scan in 'completed' state (must be running)"),
    401: Status("No token, or one that is not good", "a bearer token is needed"),
    403: Status("Not with these scopes, or not from this origin", "scope rotors:move is needed"),
    404: Status("No such thing, or not for this caller", "Scan session not found"),
    409: Status("Held by somebody else, or there already", "rotor 1 is scanning session 4"),
    413: Status("Body too large", "body: must be at most 1048576 bytes"),
    415: Status("Body of another type", 'Content-Type = "text/plain": must be "application/json"'),
    417: Status(
        "Something else than 100-continue expected", "Expect: '200-maybe': must be '100-continue'"
    ),
    421: Status("Not the name of this server", 'Host = "example.org": must be an allowed name'),
    422: Status("Input that cannot be used", "step_deg = 0.0: must be within [1e-06°, 180°]"),
    500: Status("Internal error", "internal error, request 5f0c2a-1b"),
    502: Status("The hardware answered with an error", "rotctld answered RPRT -6"),
    503: Status("Not available at present", "Cannot connect to rotctld"),
}
"""Statuses of errors, with their meaning and an example of the words."""


def problem_response(
    status: int,
    words: str,
    headers: Mapping[str, str] | None = None,
    shape: ProblemShape = PROBLEM,
) -> web.Response:
    """Answer with an error."""
    return web.Response(
        status=status,
        body=_encoded(shape.body(status, clipped(words, _MOST_WORDS))),
        content_type="application/json",
        headers=headers,
    )


def _encoded(body: object) -> bytes:
    # Half of a surrogate pair, which UTF-8 has not, is an escape in JSON as it is in Python.
    return json.dumps(body, ensure_ascii=False).encode(errors="backslashreplace")


def clipped(text: str, most: int) -> str:
    """Return the text, or its beginning with an ellipsis where it is longer than allowed."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
