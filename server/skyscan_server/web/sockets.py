"""A WebSocket as a handler sees it: typed messages both ways, and an end that comes from outside.

The handler runs in the connection's own task. It is stopped there when its client has left, its
token has ended or the server shuts down, so that no handler has to think of any of these.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from struct import pack
from typing import Generic, TypeVar

import structlog
from aiohttp import WSMsgType, web
from pydantic import TypeAdapter

from skyscan_server.auth.principal import Principal
from skyscan_server.web.bodies import parse_json
from skyscan_server.web.open_sockets import OpenSockets
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.refusals import words_of
from skyscan_server.web.request_ids import request_id

Receives = TypeVar("Receives")
Sends = TypeVar("Sends")

NORMAL = 1000
INTERNAL_ERROR = 1011
REFUSED = 4000
"""Added to the HTTP status that the same refusal has before the upgrade: 4404, 4422, …"""

_MOST_REASON_BYTES = 123  # what a close frame has room for
_VALUE = re.compile(r"^([^ =]+) = .*?: (must be )", re.DOTALL)
_WRITER_LIMIT = 2**16
_TEXT = 0x80 | WSMsgType.TEXT  # a frame that is a whole message
_PING = bytes((0x80 | WSMsgType.PING, 0))

log = structlog.get_logger(__name__)


class Socket(Generic[Receives, Sends]):
    """A WebSocket, open once its handler has called `open`; iterating it gives messages.

    ``Socket[None, Sends]`` takes no messages; what a client says there is passed over.

    Parameters
    ----------
    request : aiohttp.web.Request
        The request to upgrade.
    path : str
        Its path template, for logs and metrics.
    principal : Principal
        Who calls.
    receives, sends : TypeAdapter or None
        Of the messages each way.
    open_sockets : OpenSockets
        Looks after it while it is open.
    heartbeat_s : float
        A client silent so long while we listen is pinged.
    max_message_bytes : int
        Largest message taken.
    check_values : bool
        Whether the values of messages are checked once more, as those of bodies are.
    """

    # Thousands may be open, and idle.
    __slots__ = (
        "_check_values",
        "_ending",
        "_listener",
        "_open_sockets",
        "_pinged",
        "_receives",
        "_request",
        "_response",
        "_scope",
        "_sending",
        "_sends",
        "heartbeat_s",
        "listening_since",
        "path",
        "principal",
        "sending_since",
    )

    def __init__(
        self,
        request: web.Request,
        path: str,
        principal: Principal,
        receives: TypeAdapter[Receives] | None,
        sends: TypeAdapter[Sends] | None,
        open_sockets: OpenSockets,
        *,
        heartbeat_s: float = 20.0,
        max_message_bytes: int = 2**20,
        check_values: bool = True,
    ) -> None:
        self.path = path
        self.principal = principal
        self.heartbeat_s = heartbeat_s
        self.listening_since: float | None = None
        self.sending_since: float | None = None
        self._request = request
        self._receives = receives
        self._sends = sends
        self._open_sockets = open_sockets
        self._check_values = check_values
        # Compression would cost more memory than all the rest of a connection; a timer for each
        # is not needed either, since who looks after all can ping them.
        self._response: web.WebSocketResponse = web.WebSocketResponse(
            timeout=open_sockets.close_timeout_s,
            autoping=False,
            compress=False,
            max_msg_size=max_message_bytes,
            writer_limit=_WRITER_LIMIT,
        )
        self._pinged = False
        self._sending = 0
        self._scope: asyncio.Timeout | None = None
        self._ending: tuple[int, str] | None = None
        self._listener: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Upgrade the connection. What is refused before has a status, what is after a code."""
        if self._open_sockets.closing:
            raise HttpRefusal(503, "the server is shutting down")
        await self._response.prepare(self._request)
        # They have been sent; kept, they would be a kilobyte for as long as the socket is open.
        self._response.headers.clear()
        if self._scope is not None:
            self._scope.reschedule(None)
        self._open_sockets.add(self)
        if self._receives is None:
            self._listener = asyncio.create_task(self._listen())

    async def send(self, message: Sends) -> None:
        """Send a message, waiting while the client is slow to read.

        Raises
        ------
        ConnectionError
            Where the client has left.
        """
        if self._sends is None:
            raise TypeError(f"{self.path} sends no messages")
        await self.send_encoded(self._sends.dump_json(message))

    async def send_encoded(self, message: bytes) -> None:
        """Send a message that is JSON already: encoded once, for all who get it."""
        with self._noted():
            await self._response.send_frame(message, WSMsgType.TEXT)

    async def send_all_encoded(self, messages: Sequence[bytes]) -> None:
        """Send messages that are JSON already, as few writes as they fit into.

        aiohttp makes a system call for each, which costs more than all that led to it.
        """
        for part in _parts(messages):
            transport = self._request.transport
            if transport is None or transport.is_closing() or self._response.closed:
                raise ConnectionResetError("the client has left")
            with self._noted():
                transport.write(part)
                await self._request.writer.drain()

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Have it known since when we have been sending."""
        if self._sending == 0:
            self.sending_since = asyncio.get_running_loop().time()
        self._sending += 1
        try:
            yield
        finally:
            self._sending -= 1
            if self._sending == 0:
                self.sending_since = None

    def __aiter__(self) -> Socket[Receives, Sends]:
        if self._receives is None:
            raise TypeError(f"{self.path} receives no messages")
        return self

    async def __anext__(self) -> Receives:
        """Return the next message; there is none once the client has left.

        Raises
        ------
        HttpRefusal
            422 for one that is not as it must be; the next can be waited for.
        """
        while True:
            self._pinged = False
            self.listening_since = asyncio.get_running_loop().time()
            message = await self._response.receive()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                if self._receives is None:
                    continue
                self.listening_since = None
                return parse_json(self._receives, message.data, "message", self._check_values)
            if message.type is WSMsgType.PING:
                await self._response.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                self.listening_since = None
                raise StopAsyncIteration

    def ping(self) -> None:
        """Ask a client that has been silent whether it is there; once, until it says something."""
        transport = self._request.transport
        if not self._pinged and transport is not None and not transport.is_closing():
            self._pinged = True
            transport.write(_PING)

    def end(self, code: int, words: str) -> None:
        """Have the handler stopped, and the socket closed with this code."""
        scope = self._scope
        if self._ending is None and scope is not None and not scope.expired():
            self._ending = (code, words)
            scope.reschedule(asyncio.get_running_loop().time())

    def abort(self) -> None:
        """Cut the connection."""
        if self._request.transport is not None:
            self._request.transport.abort()
        self.end(NORMAL, "")

    async def run(self, handling: Awaitable[None], opening_s: float | None) -> web.StreamResponse:
        """Run the handler, and close the socket when it is done or has been stopped.

        Parameters
        ----------
        handling : awaitable
            The handler, called.
        opening_s : float or None
            Longest time until it has opened the socket.
        """
        scope = self._scope = asyncio.timeout(opening_s)
        failure: Exception | None = None
        try:
            try:
                async with scope:
                    await handling
            except Exception as error:  # noqa: BLE001 - what became of it is told to the client
                failure = error
            finally:
                self._scope = None
                await self._stop_listening()
            await self._close(*self._outcome(failure, scope.expired()))
        finally:
            self._open_sockets.discard(self)
        return self._response

    def _outcome(self, failure: Exception | None, expired: bool) -> tuple[int, str]:
        """Code and words to close with; where it was never open, the failure itself."""
        if not self._response.prepared:
            if expired:
                raise HttpRefusal(503, "the socket was not opened in time") from failure
            raise failure or RuntimeError(f"{self.path}: the handler never opened its socket")
        if self._ending is not None:
            return self._ending
        return (NORMAL, "") if failure is None else self._failed(failure)

    def _failed(self, error: Exception) -> tuple[int, str]:
        cause = _only_cause(error)
        transport = self._request.transport
        if isinstance(cause, ConnectionError) and (transport is None or transport.is_closing()):
            return NORMAL, ""
        known = words_of(cause)
        if known is not None:
            return REFUSED + known[0], known[1]
        identity = request_id(self._request)
        log.error("socket failed", path=self.path, exc_info=error)
        return INTERNAL_ERROR, f"internal error, request {identity}"

    async def _listen(self) -> None:
        """Notice that the client leaves, and answer its pings."""
        with suppress(StopAsyncIteration):
            await anext(self)
        self.end(NORMAL, "")

    async def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])

    async def _close(self, code: int, words: str) -> None:
        try:
            # Twice: to get the frame to a client that is slow, and to hear its answer.
            async with asyncio.timeout(2 * self._open_sockets.close_timeout_s):
                await self._response.close(code=code, message=_reason(words))
        except (TimeoutError, ConnectionError):
            pass
        finally:
            # What is not read by now never will be; close() alone would wait for it for ever.
            if not self._response.closed or self._response.close_code in (None, 1006):
                self.abort()


def _parts(messages: Sequence[bytes]) -> Iterator[bytes]:
    """Text frames of some messages, joined up to what a slow client may have waiting."""
    frames: list[bytes] = []
    size = 0
    for message in messages:
        length = len(message)
        if length < 126:
            head = pack("!BB", _TEXT, length)
        elif length < 2**16:
            head = pack("!BBH", _TEXT, 126, length)
        else:
            head = pack("!BBQ", _TEXT, 127, length)
        frames += (head, message)
        size += length
        if size > _WRITER_LIMIT:
            yield b"".join(frames)
            frames, size = [], 0
    if frames:
        yield b"".join(frames)


def _reason(words: str) -> bytes:
    """Words for a close frame, which takes few: a value gives way to what is wrong with it."""
    encoded = words.encode()
    if len(encoded) > _MOST_REASON_BYTES:
        encoded = _VALUE.sub(r"\1: \2", words, count=1).encode()
    if len(encoded) <= _MOST_REASON_BYTES:
        return encoded
    return encoded[: _MOST_REASON_BYTES - 3].decode(errors="ignore").encode() + "…".encode()


def _only_cause(error: BaseException) -> BaseException:
    """Unwrap an error that a task group has wrapped, where it is the only one of its kind."""
    while isinstance(error, BaseExceptionGroup):
        left = error.exceptions[0]
        if any(type(other) is not type(left) for other in error.exceptions):
            return error
        error = left
    return error
