"""The node's one way out: a WebSocket to its hub, made again whenever it is lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import aiohttp
import structlog

from skyscan_lab.protocol.node_link import MAX_MESSAGE_BYTES, Hello, Superseded, Welcome
from skyscan_server.node.backoff import Backoff
from skyscan_server.node.connection import Connection, LinkDown
from skyscan_server.node.timing import NodeTiming
from skyscan_server.node.tokens import TokenRefused, Tokens

Serve = Callable[[Connection, Welcome], Awaitable[None]]

_PATH = "/v1/ws/node"
_REFUSED_S = 30.0

log = structlog.get_logger(__name__)


class TakenOver(Exception):
    """A newer connection of the same node has taken the place of this one."""


class Link:
    """Keeps a node connected.

    Parameters
    ----------
    http : ClientSession
        To the hub.
    hub : str
        Address of its gateway.
    tokens : Tokens
        Who we are.
    hello : callable
        Makes the first message of each connection.
    serve : callable
        Carries a connection on from the hub's welcome, until it ends by raising.
    alone : callable
        Called whenever there is no connection, before the pause until the next attempt.
    timing : NodeTiming
        How long to wait for what.
    backoff : Backoff, optional
        Pauses between attempts.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        hub: str,
        tokens: Tokens,
        *,
        hello: Callable[[], Hello],
        serve: Serve,
        alone: Callable[[], None] = lambda: None,
        timing: NodeTiming,
        backoff: Backoff | None = None,
    ) -> None:
        self._http = http
        self._hub = hub
        self._tokens = tokens
        self._hello = hello
        self._alone = alone
        self._serve = serve
        self._timing = timing
        self._backoff = backoff or Backoff()
        self._told: str | None = None
        self._superseded = 0

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        while True:
            try:
                await self._once()
            except TakenOver as error:
                pause_s = self._stay_away_s()
                log.error(  # noqa: TRY400 -- the sentence says it all
                    "superseded: another process has the credentials of this node; end one of them",
                    reason=str(error),
                    again_in_s=round(pause_s, 1),
                )
            except TokenRefused as error:
                pause_s = _REFUSED_S * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret
                log.error("hub refused us", reason=str(error), again_in_s=round(pause_s, 1))  # noqa: TRY400 -- the sentence says it all
            except (LinkDown, aiohttp.ClientError, OSError) as error:
                pause_s = self._backoff.pause_s()
                reason = str(error) or type(error).__name__
                if reason != self._told:  # each outage is told once
                    log.warning("no link to the hub", hub=self._hub, reason=reason)
                self._told = reason
            except Exception:  # a bug of ours must not end the scans, which need no link
                pause_s = self._backoff.pause_s()
                log.exception("link broke")
            self._alone()
            await asyncio.sleep(pause_s)

    def _stay_away_s(self) -> float:
        """How long to leave the place to whoever has taken it.

        Two that both came back would take it from each other for ever, and each would hold up
        the other's scans. So it is longer each time, until this process ends; it comes back at
        all because the other may have been a mistake that nobody else puts right.
        """
        timing = self._timing
        pause_s = min(timing.superseded_s * 2.0**self._superseded, timing.superseded_most_s)
        self._superseded = min(self._superseded + 1, 64)
        return pause_s * random.uniform(1.0, 1.5)  # noqa: S311 -- no secret

    async def _once(self) -> None:
        async with asyncio.timeout(self._timing.answer_s):
            token = await self._tokens.token()
        socket = await self._connect(token)
        try:
            connection = Connection(socket, self._timing.answer_s)
            async with asyncio.timeout(self._timing.answer_s):
                await connection.send(self._hello())
                first = await connection.receive()
            if isinstance(first, Superseded):
                raise TakenOver(first.words)
            if not isinstance(first, Welcome):
                raise LinkDown(f"the hub began with {first.kind!r} and no welcome")
            self._told = None
            log.info("linked to the hub", hub=self._hub, epoch=first.connection_epoch)
            began = asyncio.get_running_loop().time()
            try:
                await self._serve(connection, first)
            finally:
                if asyncio.get_running_loop().time() - began >= self._timing.proven_s:
                    self._backoff.reset()
        finally:
            await socket.close()

    async def _connect(self, token: str) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(self._timing.answer_s):
                return await self._http.ws_connect(
                    self._hub + _PATH,
                    headers={"Authorization": f"Bearer {token}"},
                    heartbeat=self._timing.heartbeat_s,
                    max_msg_size=MAX_MESSAGE_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 401:
                self._tokens.forget()
                raise LinkDown("the hub did not take our token") from None
            if error.status == 403:
                self._tokens.forget()
                raise TokenRefused("its token may not be used for a node") from None
            raise LinkDown(f"the hub answered {error.status}") from None
