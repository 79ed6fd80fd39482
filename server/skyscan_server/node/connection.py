"""One WebSocket to the hub: whole messages in, whole messages out, and an end to every wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import structlog
from pydantic import BaseModel, ValidationError

from skyscan_lab.protocol.node_link import HUB_MESSAGE, HubMessage

log = structlog.get_logger(__name__)


class LinkDown(Exception):
    """The connection has ended, or does not take anything any more."""


class Connection:
    """A connection that has been made.

    Parameters
    ----------
    socket : ClientWebSocketResponse
        The socket.
    send_s : float
        How long a message may take to leave, real seconds.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, send_s: float) -> None:
        self._socket = socket
        self._send_s = send_s

    async def send(self, message: BaseModel) -> None:
        """Send a message; returns once it has left.

        Raises
        ------
        LinkDown
            Where it could not.
        """
        await self.send_text(message.model_dump_json())

    async def send_text(self, text: str) -> None:
        """Send a message that is text already."""
        try:
            async with asyncio.timeout(self._send_s):
                await self._socket.send_str(text)
        except TimeoutError:
            # What is half sent cannot be taken back; the hub will find out where it stands.
            await self._socket.close()
            raise LinkDown(f"the hub took nothing for {self._send_s:g} s") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise LinkDown(str(error) or type(error).__name__) from error

    async def receive(self) -> HubMessage:
        """Wait for the next message.

        Raises
        ------
        LinkDown
            Where there will be none.
        """
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                try:
                    return HUB_MESSAGE.validate_json(message.data)
                except ValidationError as error:
                    # A newer hub may have something to say that we do not understand.
                    log.warning("message not understood", reason=str(error.errors()[0]["msg"]))
            elif message.type is not aiohttp.WSMsgType.BINARY:
                raise LinkDown(self._why(message))

    async def __aiter__(self) -> AsyncIterator[HubMessage]:
        """Every message, until the connection ends."""
        while True:
            yield await self.receive()

    def _why(self, message: aiohttp.WSMessage) -> str:
        if message.type is aiohttp.WSMsgType.CLOSE and message.extra:
            return f"the hub closed it: {message.extra}"
        if message.type is aiohttp.WSMsgType.ERROR:
            return str(message.data) or type(message.data).__name__
        return f"closed ({self._socket.close_code})"
