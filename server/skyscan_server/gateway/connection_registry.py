"""The nodes that are connected here: of each its newest connection, and no other.

Which one is the newest is said by the epoch that the database gave it, and not by the order in
which they get here. The older one is told so and closed; from the moment on that the newer one
is here, nothing that comes from the older counts, and nothing else goes to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

import structlog

from skyscan_lab.protocol.node_link import Superseded
from skyscan_server.gateway.errands import Errands
from skyscan_server.gateway.node_connection import NodeConnection, NodeGone

SUPERSEDED = 4409
"""Close code of a connection that a newer one has taken the place of."""

_WORDS = "a newer connection of this node has taken the place of this one"
_FAREWELL_S = 2.0

log = structlog.get_logger(__name__)


class ConnectionRegistry:
    """The nodes that are connected here.

    Attributes
    ----------
    errands : Errands
        What is to be done for them; whoever serves them enters it.
    """

    def __init__(self) -> None:
        self.errands = Errands()
        self._newest: dict[int, NodeConnection] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def add(self, connection: NodeConnection) -> bool:
        """Take a connection; whether it is the newest of its node.

        The older of two is superseded, be it this one or the one that is here.
        """
        other = self._newest.get(connection.node_id)
        if other is not None and other.epoch > connection.epoch:
            self.supersede(connection)
            return False
        self._newest[connection.node_id] = connection
        if other is not None:
            self.supersede(other)
        return True

    def remove(self, connection: NodeConnection) -> None:
        """Forget a connection that has ended; a newer one of its node is left alone."""
        if self._newest.get(connection.node_id) is connection:
            del self._newest[connection.node_id]

    def find(self, node_id: int) -> NodeConnection | None:
        """Connection through which a node can be called; None where it has none here."""
        connection = self._newest.get(node_id)
        return connection if connection is not None and connection.ready else None

    def everyone(self) -> Iterable[NodeConnection]:
        """List the connections."""
        return list(self._newest.values())

    def supersede(self, connection: NodeConnection) -> None:
        """Let a connection count no more, tell its node so, and close it."""
        if connection.retired:
            return
        log.info("node superseded", node_id=connection.node_id, epoch=connection.epoch)
        connection.retire()
        self.remove(connection)
        self.errands.start(partial(_say_farewell, connection))


async def _say_farewell(connection: NodeConnection) -> None:
    # One that reads nothing is closed without having been told.
    with suppress(NodeGone, TimeoutError):
        async with asyncio.timeout(_FAREWELL_S):
            await connection.send(Superseded(words=_WORDS), last=True)
    connection.end(SUPERSEDED, _WORDS)
