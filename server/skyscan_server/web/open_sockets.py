"""The open WebSockets of one process, and why the server ends some of them.

One pair of tasks looks after all, since a task for each would double what an idle connection
costs: tokens that expired or were revoked, clients that stopped reading or answering, the shutdown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

import structlog

from skyscan_server.auth.clock import Clock, utc_now
from skyscan_server.auth.principal import Principal, TokenVerifier

GOING_AWAY = 1001
TOKEN_ENDED = 4401
"""Close code of a socket whose token has expired or was revoked."""

log = structlog.get_logger(__name__)


class Watched(Protocol):
    """What is looked after."""

    path: str
    principal: Principal
    heartbeat_s: float
    listening_since: float | None
    sending_since: float | None

    def end(self, code: int, words: str) -> None:
        """Have the handler stopped, and the socket closed."""

    def abort(self) -> None:
        """Cut the connection."""

    def ping(self) -> None:
        """Ask the client whether it is there, unless it has been asked."""


class OpenSockets:
    """Looks after open sockets.

    Parameters
    ----------
    verifier : TokenVerifier, optional
        Asked whether tokens are still good.
    recheck_s : float
        How often it is asked. That a token has expired is noticed within `tick_s`.
    send_timeout_s : float
        A client that takes nothing for so long is cut off.
    close_timeout_s : float
        Time for a client to say goodbye.
    tick_s : float
        How often is looked.
    clock : callable
        What time it is, for tokens.
    """

    def __init__(
        self,
        verifier: TokenVerifier | None = None,
        *,
        recheck_s: float = 15.0,
        send_timeout_s: float = 20.0,
        close_timeout_s: float = 5.0,
        tick_s: float = 1.0,
        clock: Clock = utc_now,
    ) -> None:
        self.close_timeout_s = close_timeout_s
        self.closing = False
        self._verifier = verifier
        self._recheck_s = recheck_s
        self._send_timeout_s = send_timeout_s
        self._tick_s = tick_s
        self._clock = clock
        self._sockets: set[Watched] = set()
        self._none_left = asyncio.Event()

    def add(self, socket: Watched) -> None:
        """Look after a socket from now on."""
        self._sockets.add(socket)

    def discard(self, socket: Watched) -> None:
        """Look after a socket no longer."""
        self._sockets.discard(socket)
        if not self._sockets:
            self._none_left.set()

    def count(self, path: str) -> int:
        """Return how many are open of a path."""
        return sum(socket.path == path for socket in self._sockets)

    async def look_after(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._cut_off_and_expire())
            if self._verifier is not None:
                tasks.create_task(self._recheck(self._verifier))

    async def close_all(self) -> None:
        """Close all at a shutdown, and cut off those that take too long."""
        self.closing = True
        for socket in self._each():
            socket.end(GOING_AWAY, "the server is shutting down")
        try:
            async with asyncio.timeout(2 * self.close_timeout_s):
                while self._sockets:
                    self._none_left.clear()
                    await self._none_left.wait()
        except TimeoutError:
            for socket in self._each():
                socket.abort()

    async def _cut_off_and_expire(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._tick_s)
            time, now = loop.time(), self._clock()
            for socket in self._each():
                sending, listening = socket.sending_since, socket.listening_since
                silent_s = 0.0 if listening is None else time - listening
                if sending is not None and time - sending > self._send_timeout_s:
                    log.info("socket cut off: the client does not read", path=socket.path)
                    socket.abort()
                elif socket.principal.expires is not None and socket.principal.expires <= now:
                    socket.end(TOKEN_ENDED, "the token has expired")
                elif silent_s > 1.5 * socket.heartbeat_s:
                    log.info("socket cut off: the client does not answer", path=socket.path)
                    socket.abort()
                elif silent_s > socket.heartbeat_s:
                    socket.ping()

    async def _recheck(self, verifier: TokenVerifier) -> None:
        while True:
            await asyncio.sleep(self._recheck_s)
            by_token: dict[str, list[Watched]] = {}
            for socket in self._each():
                if socket.principal.token_id:
                    by_token.setdefault(socket.principal.token_id, []).append(socket)
            for sockets in by_token.values():
                if not await self._still_good(verifier, sockets[0].principal):
                    for socket in sockets:
                        socket.end(TOKEN_ENDED, "the token has expired or was revoked")

    async def _still_good(self, verifier: TokenVerifier, principal: Principal) -> bool:
        # A store that does not answer now must not cut off every node at once.
        try:
            async with asyncio.timeout(self._recheck_s):
                return await verifier.still_good(principal)
        except Exception:
            log.exception("a token could not be checked again", subject=principal.subject)
            return True

    def _each(self) -> Iterable[Watched]:
        return tuple(self._sockets)
