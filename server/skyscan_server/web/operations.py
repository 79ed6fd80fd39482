"""A route, declared once: the router, the checks and the documents all come from here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from aiohttp import web

from skyscan_server.auth.principal import Principal
from skyscan_server.auth.scopes import Scope
from skyscan_server.web.paths import PathTemplate
from skyscan_server.web.problems import PROBLEM, ProblemShape
from skyscan_server.web.signatures import Signature, signature_of
from skyscan_server.web.sockets import Socket

Body = TypeVar("Body")
Query = TypeVar("Query")

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(slots=True)
class Call(Generic[Body, Query]):
    """One request, authenticated and validated.

    Attributes
    ----------
    request : aiohttp.web.Request
        The request itself, for headers and for bodies that are streams.
    principal : Principal
        Who calls.
    path : mapping
        The integers of the path (``{session_id}``).
    names : mapping
        The plain names of the path (``{file:name}``).
    query, body
        The models; None where the operation has none.
    answer_headers : dict
        Headers that the handler adds to its answer.
    """

    request: web.Request
    principal: Principal
    path: Mapping[str, int]
    names: Mapping[str, str]
    query: Query
    body: Body
    answer_headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Declared:
    path: str
    summary: str
    scope: Scope | None = None
    public: bool = False
    installation_bound: bool = False
    problem: ProblemShape = PROBLEM
    description: str = ""
    tag: str = "Other"
    errors: Mapping[int, str] = field(default_factory=dict)
    timeout_s: float | None = 60.0
    quiet: bool = False

    @cached_property
    def template(self) -> PathTemplate:
        """The path, parsed."""
        return PathTemplate(self.path)

    def _check(self, what: str) -> None:
        if (self.scope is None) is not self.public:
            raise ValueError(f"{what}: must have a scope, or be public=True, and not both")
        self.template  # noqa: B018 - refuses a bad path where it is written


@dataclass(frozen=True, kw_only=True)
class Operation(_Declared):
    """An HTTP route.

    Its handler says by annotations what it takes and gives (`signatures`): a model is read
    from JSON, None stands for nothing, a returned model or list of them is written as JSON.

    Parameters
    ----------
    method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
        HTTP method.
    path : str
        Path template (`paths.PathTemplate`).
    handler : callable
        ``async def (call: Call[Body, Query]) -> Answer``.
    summary, description : str
        One line, and more where there is more to say.
    scope : Scope or None
        What the token must be good for.
    public : bool
        Whether no token is needed; a route without a scope must say so.
    installation_bound : bool
        Whether the things of another installation are not found here (404).
    tag : str
        Section of the document.
    errors : mapping of int to str
        Statuses that this route's own rules answer, each with its words.
    also : mapping of int to str
        Other answers without a body, such as 304, each with what it means.
    status : int
        Of the answer; 204 where nothing is returned.
    produces : tuple of str
        Media types of the answer where the handler makes it itself.
    consumes : str
        Media type of the body. One that is neither JSON nor a form is a stream, which the
        handler reads from ``call.request.content``, and bounds.
    max_body_bytes : int
        Largest JSON or form body.
    headers, answers : mapping of str to str
        Headers that the handler looks at, and that its answer may have, each with what it means.
    problem : ProblemShape
        How errors are written, where another standard says so.
    timeout_s : float or None
        Longest time the handler may take; 503 then. None for one that sees to it itself.
    quiet : bool
        Whether requests are logged at debug level only, since somebody asks all the time.
    name : str
        Name of the operation in the document; the handler's if none is given.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> class Echo(BaseModel):
    ...     words: str
    >>> async def echo(call: Call[Echo, None]) -> Echo:
    ...     return call.body
    >>> Operation(method="POST", path="/echo", handler=echo, summary="Say it back").name
    Traceback (most recent call last):
    ValueError: POST /echo: must have a scope, or be public=True, and not both
    """

    method: Method
    handler: Callable[[Call[Any, Any]], Awaitable[Any]]
    also: Mapping[int, str] = field(default_factory=dict)
    status: int = 0
    produces: tuple[str, ...] = ()
    consumes: str = JSON
    max_body_bytes: int = 2**20
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        what = f"{self.method} {self.path}"
        self._check(what)
        signature = self.signature
        if bool(self.produces) is not signature.streams:
            raise ValueError(f"{what}: produces: must be given where the handler makes responses")
        if not self.status:
            empty = signature.answer is None and not signature.streams
            object.__setattr__(self, "status", 204 if empty else 200)
        if not self.name:
            object.__setattr__(self, "name", getattr(self.handler, "__name__", what))

    @cached_property
    def signature(self) -> Signature:
        """What the handler takes and gives."""
        return signature_of(self.handler, Call)

    @property
    def streams_in(self) -> bool:
        """Whether the handler reads the body itself."""
        return self.consumes not in (JSON, FORM)


@dataclass(frozen=True, kw_only=True)
class Channel(_Declared):
    """A WebSocket route.

    Parameters
    ----------
    path, summary, description, scope, public, installation_bound, tag, errors
        As of `Operation`; errors are answered before the upgrade.
    handler : callable
        ``async def (call: Call[None, Query], socket: Socket[Receives, Sends]) -> None``. It
        checks, then opens the socket with ``async with socket:``.
    max_message_bytes : int
        Largest message of a client.
    heartbeat_s : float
        A client that is silent so long is pinged, and has half as long to answer.
    check_values : bool
        Whether the values of messages are looked at once more (`validation.unusable_words`). A
        channel of many large messages, whose models bound all numbers, may leave that out.
    timeout_s : float
        Longest time until the socket is opened; 503 then.
    quiet : bool
        As of `Operation`.
    name : str
        Name of the channel in the document; the handler's if none is given.
    """

    handler: Callable[[Call[Any, Any], Socket[Any, Any]], Awaitable[None]]
    max_message_bytes: int = 2**20
    heartbeat_s: float = 20.0
    check_values: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        self._check(f"socket {self.path}")
        if self.signature.body is not None:
            raise TypeError(f"socket {self.path}: must take Call[None, …]")
        if not self.name:
            object.__setattr__(self, "name", getattr(self.handler, "__name__", self.path))

    @property
    def method(self) -> Method:
        """HTTP method of the upgrade."""
        return "GET"

    @cached_property
    def signature(self) -> Signature:
        """What the handler takes, and the messages each way."""
        return signature_of(self.handler, Call, Socket)


Declared = Operation | Channel
