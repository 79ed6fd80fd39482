"""One connection of a node, as the rest of the gateway sees it.

There may be thousands that have nothing to say, so it holds little, and no task waits for what
there may be to tell: what has changed is noted here, and a courier is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from skyscan_lab.protocol.node_link import HubMessage, NodeMessage, Snapshot
from skyscan_lab.protocol.rpc import RpcFailure
from skyscan_server.domain.calls import CallFailed
from skyscan_server.domain.nodes import Connected
from skyscan_server.gateway.replies import Reply
from skyscan_server.web.sockets import INTERNAL_ERROR, Socket

NodeLink = Socket[NodeMessage, HubMessage]


class NodeGone(ConnectionError):
    """The node has left, or this is its connection no longer."""


@dataclass(slots=True)
class Mail:
    """What there is to tell a node.

    Attributes
    ----------
    changed : set of int
        Sessions of which something else is desired.
    cancels : list of int
        Calls that nobody waits for any more.
    graph : bool
        Whether its graph has changed.
    """

    changed: set[int] = field(default_factory=set)
    cancels: list[int] = field(default_factory=list)
    graph: bool = False


class NodeConnection:
    """One connection of a node.

    Parameters
    ----------
    socket : Socket
        Its socket.
    installation : str
        Whose node it is.
    connected : Connected
        What the database says of it.
    call_courier : callable
        Called with this connection when there is something to tell.

    Attributes
    ----------
    node_id, epoch, graph_version : int
        The node, which of its connections this is, and the graph that it was told of.
    retired : bool
        Whether it has ended, or a newer one has taken its place: then nothing of it counts.
    replies : dict
        Answers that are waited for, by request.
    rotor_ids : dict or None
        Numbers of its rotors, by their keys; None while they have to be looked up.
    snapshots : dict
        Positions that wait for them, the newest of each rotor.
    errands : int
        What it has asked for, and waits for the store.
    """

    __slots__ = (
        "_call_courier",
        "_courier_called",
        "_last_request",
        "_mail",
        "_ready",
        "_sessions",
        "_socket",
        "_turn",
        "epoch",
        "errands",
        "graph_version",
        "installation",
        "node_id",
        "replies",
        "retired",
        "rotor_ids",
        "snapshots",
    )

    def __init__(
        self,
        socket: NodeLink,
        installation: str,
        connected: Connected,
        call_courier: Callable[[NodeConnection], None],
    ) -> None:
        self.installation = installation
        self.node_id = connected.node_id
        self.epoch = connected.epoch
        self.graph_version = connected.graph_version
        self.retired = False
        self.replies: dict[int, Reply] = {}
        self._sessions: set[int] | None = None
        self.rotor_ids: dict[str, int] | None = None
        self.snapshots: dict[str, Snapshot] = {}
        self.errands = 0
        self._socket = socket
        self._call_courier = call_courier
        self._courier_called = False
        self._ready = False
        self._mail: Mail | None = None
        self._last_request = 0
        self._turn = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether the node has been welcomed and still is: whether it can be called."""
        return self._ready and not self.retired

    def begin(self) -> None:
        """Begin to take to the node what there is to tell: it has been welcomed."""
        self._ready = True
        self._mail_has_come()

    async def send(self, message: HubMessage, *, last: bool = False) -> None:
        """Send a message.

        Parameters
        ----------
        message : HubMessage
            What to say.
        last : bool
            Whether this is what is said last, when nothing else counts any more.

        Raises
        ------
        NodeGone
            Where the node has left, or this is its connection no longer.
        """
        try:
            # One at a time: whoever is cancelled while aiohttp waits for a slow reader takes all
            # others that wait for the same one with it.
            async with self._turn:
                if self.retired and not last:
                    raise NodeGone("this connection has ended")
                await self._socket.send(message)
        except ConnectionError as error:
            raise NodeGone("the node has left") from error

    def end(self, code: int, words: str) -> None:
        """Close the connection."""
        self._socket.end(code, words)

    def fail(self) -> None:
        """Close the connection after a mistake of ours; the node begins anew on its next."""
        self.end(INTERNAL_ERROR, "internal error")

    def put(self, session_id: int) -> None:
        """Note that a session has changed."""
        self._write().changed.add(session_id)
        self._mail_has_come()

    def cancel(self, request_id: int) -> None:
        """Note that nobody waits for an answer any more."""
        self._write().cancels.append(request_id)
        self._mail_has_come()

    def graph_has_changed(self) -> None:
        """Note that the node's graph has changed."""
        self._write().graph = True
        self.rotor_ids = None
        self._mail_has_come()

    def take_mail(self) -> Mail | None:
        """Take what there is to tell; where there is nothing, the courier need not stay."""
        mail, self._mail = self._mail, None
        self._courier_called = mail is not None
        return mail

    def give_back(self, mail: Mail) -> None:
        """Take back what could not be told."""
        kept = self._write()
        kept.changed |= mail.changed
        kept.cancels += mail.cancels
        kept.graph |= mail.graph

    def learn(self, session_ids: Iterable[int]) -> None:
        """Note that sessions are the node's."""
        found = set(session_ids)
        if found:
            self._sessions = found | (self._sessions or set())

    def owns(self, session_id: int) -> bool:
        """Whether a session is known to be the node's."""
        return self._sessions is not None and session_id in self._sessions

    def next_request(self) -> int:
        """Id for a call, unique on this connection."""
        self._last_request += 1
        return self._last_request

    def retire(self) -> None:
        """Let nothing of it count any more; calls that wait for an answer have failed."""
        self.retired = True
        words = f"node {self.installation} has left before it answered"
        for reply in self.replies.values():
            reply.fail(CallFailed(RpcFailure.OFFLINE, words))

    def _write(self) -> Mail:
        if self._mail is None:
            self._mail = Mail()
        return self._mail

    def _mail_has_come(self) -> None:
        if self.ready and self._mail is not None and not self._courier_called:
            self._courier_called = True
            self._call_courier(self)
