"""A WebSocket client that does as little as one can: thousands of them fit beside a hub.

It speaks RFC 6455 without extensions, sends the headers that a node of ours sends, takes
unfragmented frames, answers pings, and hands every message on as bytes. It costs a tenth
of a library's client, which matters where load and hub share two cores.
"""

from __future__ import annotations

import asyncio
import os
import struct
from typing import cast

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


class HandshakeFailed(ConnectionError):
    """The server did not upgrade the connection."""


class BareSocket(asyncio.Protocol):
    """One connection; subclasses say what happens.

    Parameters
    ----------
    host, path : str
        For the request.
    token : str
        Bearer token.
    """

    __slots__ = ("_buffer", "_request", "_upgraded", "transport")

    def __init__(self, host: str, path: str, token: str) -> None:
        self.transport: asyncio.Transport | None = None
        self._upgraded = False
        self._buffer = b""
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )

    def opened(self) -> None:
        """Act on the upgrade."""

    def heard(self, message: bytes) -> None:
        """Act on a message."""

    def ended(self, error: Exception | None) -> None:
        """Act on the end of the connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request.encode())
        self._request = ""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.transport = None
        self.ended(exc)

    def data_received(self, data: bytes) -> None:
        """Take the answer to the request, then frames."""
        if self._buffer:
            data = self._buffer + data
        if not self._upgraded:
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = data
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(HandshakeFailed(head.split(b"\r\n")[0].decode(errors="replace")))
                return
            self._upgraded, data = True, rest
            self.opened()
        self._buffer = self._take_frames(data)

    def send(self, message: bytes) -> None:
        """Send a text."""
        self._write(_TEXT, message)

    def ping(self) -> None:
        """Show that we are there."""
        self._write(_PING, b"")

    def _take_frames(self, data: bytes) -> bytes:
        """Act on every complete frame, and return the rest."""
        at, end = 0, len(data)
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                if end - at < 4:
                    break
                size, body = (data[at + 2] << 8) | data[at + 3], at + 4
            elif size == 127:
                if end - at < 10:
                    break
                size, body = struct.unpack_from("!Q", data, at + 2)[0], at + 10
            if end - body < size:
                break
            kind = data[at]
            at = body + size
            if kind == 0x80 | _TEXT:
                self.heard(data[body:at])
            elif kind == 0x80 | _PING:
                self._write(_PONG, data[body:at])
            elif kind == 0x80 | _CLOSE:
                self._write(_CLOSE, data[body:at])
            elif kind != 0x80 | _PONG:
                self._fail(HandshakeFailed(f"a frame of kind {kind:#x}"))
                return b""
        return data[at:]

    def _write(self, kind: int, body: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        size = len(body)
        mask = os.urandom(4)
        head = (
            bytes((0x80 | kind, 0x80 | size))
            if size < 126
            else struct.pack("!BBH", 0x80 | kind, 0xFE, size)
        )
        key = int.from_bytes(mask * (size // 4 + 1), "big") >> 8 * (4 - size % 4)
        masked = (int.from_bytes(body, "big") ^ key).to_bytes(size, "big")
        self.transport.write(head + mask + masked)

    def _fail(self, error: Exception) -> None:
        if self.transport is not None:
            self.transport.abort()
        self.ended(error)
