"""A socket of the browser, and the hub's that it is joined to.

The browser's is opened first: what refuses the hub's can then be told in a close code, 4000 and
the HTTP status, since a page cannot see how an upgrade was refused.
"""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import WSMsgType
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from skyscan_server.jupyter.guarding import RESOURCE, check_allowed
from skyscan_server.jupyter.hub import Hub, HubRefusal, refusal_of
from skyscan_server.jupyter.targets import asked_of, target_at

REFUSED = 4000
"""Added to the HTTP status that the same refusal has elsewhere."""
GOING_AWAY = 1001
INTERNAL_ERROR = 1011
BAD_GATEWAY = 1014
TRY_AGAIN_LATER = 1013

_NO_CODE = frozenset({0, 1005, 1006, 1015})  # said of a close frame without one, or of none
_MOST_REASON_BYTES = 123
_HEARTBEAT_S = 20.0


class HubSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Everything below ``/skyscan/`` that is a socket."""

    auth_resource = RESOURCE

    def initialize(self, hub: Hub, root: str) -> None:
        """Take what the route was made with, as `HubRequests.initialize`."""
        self._hub = hub
        self._root = root
        self._joined: asyncio.Future[aiohttp.ClientWebSocketResponse | None]
        self._relay: asyncio.Task[None] | None = None

    @property
    def max_message_size(self) -> int:
        """Largest message of the browser."""
        return self._hub.max_message_bytes

    @ws_authenticated
    async def get(self, *path: str) -> None:
        """Open it, if Jupyter allows it."""
        await check_allowed(self, "execute")
        await super().get(*path)

    def open(self, *_path: str) -> None:
        """Join it to one of the hub's."""
        super().open()
        self._joined = asyncio.get_running_loop().create_future()
        self._relay = self._hub.beside(self._relay_messages())

    async def on_message(self, message: str | bytes) -> None:
        """Pass a message to the hub; Tornado reads the next one only then."""
        hub_s = await asyncio.shield(self._joined)
        if hub_s is None or hub_s.closed:
            return
        send = hub_s.send_str(message) if isinstance(message, str) else hub_s.send_bytes(message)
        try:
            async with asyncio.timeout(self._hub.patience_s):
                await send
        except TimeoutError:
            self._close(TRY_AGAIN_LATER, "the hub does not read")
        except ConnectionError:
            return  # it is being closed, and with it this one

    def on_close(self) -> None:
        """Leave the hub, too."""
        if self._relay is not None:
            self._relay.cancel()

    async def _relay_messages(self) -> None:
        code, words = INTERNAL_ERROR, "internal error"
        try:
            code, words = await self._join_and_pass_on()
        except WebSocketClosedError:
            return  # the browser has left
        except (HubRefusal, aiohttp.ClientError, TimeoutError) as error:
            refusal = refusal_of(error)
            self.log.warning("socket %s: %s", self.request.path, refusal)
            code, words = REFUSED + refusal.status, str(refusal)
        finally:
            if not self._joined.done():
                self._joined.set_result(None)
            self._close(code, words)

    async def _join_and_pass_on(self) -> tuple[int, str]:
        address = await self._hub.address()
        target = target_at(address.origin, *asked_of(self.request.uri or "", self._root))
        async with self._hub.session() as session:
            try:
                async with asyncio.timeout(self._hub.connect_s):
                    hub_s = await session.ws_connect(
                        target,
                        headers=address.headers,
                        heartbeat=_HEARTBEAT_S,
                        timeout=aiohttp.ClientWSTimeout(ws_close=self._hub.connect_s),
                        max_msg_size=self._hub.max_message_bytes,
                        compress=0,
                    )
            except aiohttp.WSServerHandshakeError as error:
                raise _refused_by_hub(error) from error
            self._joined.set_result(hub_s)
            try:
                return await self._pass_on(hub_s)
            finally:
                code = self.close_code or GOING_AWAY
                await hub_s.close(
                    code=GOING_AWAY if code in _NO_CODE else code,
                    message=(self.close_reason or "").encode()[:_MOST_REASON_BYTES],
                )

    async def _pass_on(self, hub_s: aiohttp.ClientWebSocketResponse) -> tuple[int, str]:
        """Pass messages to the browser until the hub closes; return the code, and why."""
        while True:
            message = await hub_s.receive()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                # The hub waits while the browser is slow to read.
                async with asyncio.timeout(self._hub.patience_s):
                    await self.write_message(message.data, message.type is WSMsgType.BINARY)
            elif message.type is WSMsgType.CLOSE:
                return message.data, message.extra or ""
            else:
                return BAD_GATEWAY, "the connection to the hub was lost"

    def _close(self, code: int, words: str) -> None:
        if code in _NO_CODE:
            self.close()
            return
        self.close(code, words.encode()[:_MOST_REASON_BYTES].decode(errors="ignore"))


def _refused_by_hub(error: aiohttp.WSServerHandshakeError) -> HubRefusal:
    if error.status == 401:
        return HubRefusal(502, "the hub does not take the lab's own token: start it again")
    return HubRefusal(error.status, "the hub refuses this socket")
