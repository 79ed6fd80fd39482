"""What a hub and a node have told others, up to some moment of a recording.

Whoever was told something relies on it, so it must be on a disk. It counts from the moment on at
which its last byte is handed over to the kernel, whether anybody has read it by then or not.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.campaigns.system_calls import Sent


@dataclass
class Promises:
    """What has been told.

    Parameters
    ----------
    port, gateway_port : int
        Of the hub.

    Attributes
    ----------
    acknowledged : dict
        Number of the last record that the node was told to be at the hub, by session.
    granted : dict
        Epoch that a session was granted.
    told : dict
        Messages to subscribers, by session and number.
    answered : dict
        Points done, as the API has answered it, by session.
    wishes : dict
        What was last asked of a session and answered, "hold" or "run"; None while it is asked.
    sent : dict
        Records that the node has sent, by session and number.
    enrolled : bool
        Whether the hub has given the node its credentials.
    issued : bool
        Whether the hub has given it a token.
    connected : bool
        Whether the node has said hello, and so has used its credentials.
    """

    port: int
    gateway_port: int
    acknowledged: dict[int, int] = field(default_factory=dict)
    granted: dict[int, int] = field(default_factory=dict)
    told: dict[int, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    answered: dict[int, int] = field(default_factory=dict)
    wishes: dict[int, str | None] = field(default_factory=dict)
    sent: dict[int, dict[int, Any]] = field(default_factory=lambda: defaultdict(dict))
    enrolled: bool = False
    issued: bool = False
    connected: bool = False
    _streams: dict[tuple[int, int], _Stream] = field(default_factory=lambda: defaultdict(_Stream))

    def take(self, sent: Sent) -> None:
        """Take the next bytes that were sent."""
        from_hub = sent.local in (self.port, self.gateway_port)
        if sent.remote == self.port:
            self._client_asks(sent.data)
            return
        if not from_hub and sent.remote != self.gateway_port:
            return
        stream = self._streams[sent.local, sent.remote]
        for message in stream.messages(sent.data):
            if not from_hub:
                self._node_says(message)
            elif sent.local == self.gateway_port:
                self._hub_tells_node(message)
            else:
                self._hub_tells_client(message)

    def _client_asks(self, request: bytes) -> None:
        wish = re.match(rb"POST /api/skyscan/(\d+)/(pause|resume) ", request)
        if wish is not None:
            self.wishes[int(wish[1])] = None  # from here on it may be carried out

    def _node_says(self, message: Any) -> None:
        match message:
            case {"kind": "hello"}:
                self.connected = True
            case {"kind": "records", "session_id": session, "first": first, "records": records}:
                self.sent[session].update(enumerate(records, first))

    def _hub_tells_node(self, message: Any) -> None:
        match message:
            case {"client_secret": _}:
                self.enrolled = True
            case {"access_token": _}:
                self.issued = True
            case {"kind": "ack", "session_id": session, "number": number}:
                self._acknowledge(session, number)
            case {"kind": "granted", "session_id": session, "granted": True, "epoch": epoch}:
                self.granted[session] = epoch
            case {"kind": "task", "task": task}:
                self._acknowledge(task["session_id"], task["number"])
            case {"kind": "tasks", "tasks": tasks}:
                for task in tasks:
                    self._acknowledge(task["session_id"], task["number"])

    def _hub_tells_client(self, message: Any) -> None:
        match message:
            case {"session_id": session, "status": "pausing"}:
                self.wishes[session] = "hold"
            case {"session_id": session, "status": "resuming"}:
                self.wishes[session] = "run"
            case {"session_id": session, "number": number}:
                if number:  # the first message says where the session stood
                    self.told[session][number] = message
            case {"id": session, "completed_points": done, "total_points": _}:
                self.answered[session] = max(done, self.answered.get(session, 0))

    def _acknowledge(self, session: int, number: int) -> None:
        self.acknowledged[session] = max(number, self.acknowledged.get(session, 0))


class _Stream:
    """One way of one connection: HTTP, which may become WebSocket."""

    def __init__(self) -> None:
        self._data = b""
        self._upgraded = False

    def messages(self, data: bytes) -> Iterator[Any]:
        """JSON of the messages and answers that are complete with some more bytes."""
        self._data += data
        while (body := self._next()) is not None:
            if body[:1] in (b"{", b"["):
                yield json.loads(body)

    def _next(self) -> bytes | None:
        return self._frame() if self._upgraded else self._http()

    def _http(self) -> bytes | None:
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return None
        head = head.lower()
        if b"upgrade: websocket" in head:
            self._upgraded, self._data = True, rest
            return b""
        assert b"transfer-encoding" not in head, head
        length = re.search(rb"content-length: (\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return None
        self._data = rest[size:]
        return rest[:size]

    def _frame(self) -> bytes | None:
        data = self._data
        if len(data) < 2:
            return None
        assert data[0] & 0xF0 == 0x80, "a frame that is compressed, or a part of a message"
        size, start = data[1] & 0x7F, 2
        if size >= 126:
            start += 2 if size == 126 else 8
            size = int.from_bytes(data[2:start])
        mask = b""
        if data[1] & 0x80:
            mask, start = data[start : start + 4], start + 4
        end = start + size
        if len(data) < end:
            return None
        body, self._data = data[start:end], data[end:]
        if mask:
            key = (mask * (size // 4 + 1))[:size]
            body = (int.from_bytes(body) ^ int.from_bytes(key)).to_bytes(size)
        return body if data[0] & 0x0F <= 2 else b""
