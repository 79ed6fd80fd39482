"""A call at a node: a request on its WebSocket, and the answer while somebody waits for it.

Nothing is stored and forwarded. Whoever waits no longer has the call cancelled at the node; a
connection that is lost fails every call on it at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel

from skyscan_lab.protocol.node_link import Chunk, Failed, Result, Rpc
from skyscan_lab.protocol.rpc import RpcCall, RpcFailure
from skyscan_server.domain.calls import CallFailed
from skyscan_server.domain.nodes import Nodes
from skyscan_server.gateway.connection_registry import ConnectionRegistry
from skyscan_server.gateway.node_connection import NodeConnection, NodeGone
from skyscan_server.gateway.replies import MOST_CHUNKS, Reply
from skyscan_server.store.errors import StoreError

MOST_CALLS = 256
"""Calls at one node that may wait for their answers."""


class DirectRpc:
    """Makes calls at the nodes that are connected here (a `NodeCaller`).

    Parameters
    ----------
    registry : ConnectionRegistry
        The nodes that are.
    nodes : Nodes
        Tell those that are not from those that never were.
    most_calls : int
        Calls at one node that may wait.
    """

    def __init__(
        self, registry: ConnectionRegistry, nodes: Nodes, *, most_calls: int = MOST_CALLS
    ) -> None:
        self._registry = registry
        self._nodes = nodes
        self._most_calls = most_calls

    async def call(self, node_id: int, call: RpcCall, *, timeout_s: float) -> BaseModel:
        """Make a call and return its result; chunks are passed over.

        Parameters
        ----------
        node_id : int
            Which node.
        call : RpcCall
            What to do.
        timeout_s : float
            Longest time until the result.

        Raises
        ------
        CallFailed
            Where it came to nothing: the node is unknown, offline, slow, busy, or refused.
        """
        async with self.stream(node_id, call, timeout_s=timeout_s, most_chunks=0) as reply:
            return await reply.result()

    @asynccontextmanager
    async def stream(
        self, node_id: int, call: RpcCall, *, timeout_s: float, most_chunks: int = MOST_CHUNKS
    ) -> AsyncIterator[Reply]:
        """Make a call whose answer comes in parts; left early, it is cancelled at the node.

        Parameters
        ----------
        node_id, call, timeout_s
            As of `call`.
        most_chunks : int
            Chunks that may wait to be read.

        Raises
        ------
        CallFailed
            As of `call`; also while the reply is read.
        """
        scope = asyncio.timeout(timeout_s)
        try:
            async with scope:
                connection = await self._connection(node_id)
                reply = Reply(call.method, connection.installation, most_chunks=most_chunks)
                request_id = connection.next_request()
                connection.replies[request_id] = reply
                try:
                    await _send(connection, request_id, timeout_s, call)
                    yield reply
                finally:
                    del connection.replies[request_id]
                    if not reply.answered:
                        connection.cancel(request_id)
        except TimeoutError:
            if not scope.expired():
                raise
            words = f"node {node_id} did not answer {call.method} within {timeout_s:g} s"
            raise CallFailed(RpcFailure.SLOW, words) from None

    def take(self, connection: NodeConnection, message: Result | Chunk | Failed) -> None:
        """Take what a node answers; an answer that nobody waits for is passed over."""
        reply = connection.replies.get(message.request_id)
        if reply is None:
            return
        if isinstance(message, Chunk):
            reply.chunk(message.value)
        elif isinstance(message, Result):
            reply.finish(message.value)
        else:
            reply.refuse(CallFailed(message.failure, message.words))

    async def _connection(self, node_id: int) -> NodeConnection:
        connection = self._registry.find(node_id)
        if connection is None:
            raise await self._not_here(node_id)
        if len(connection.replies) >= self._most_calls:
            words = f"{self._most_calls} calls at node {connection.installation} wait already"
            raise CallFailed(RpcFailure.BUSY, words)
        return connection

    async def _not_here(self, node_id: int) -> CallFailed:
        try:
            name = await self._nodes.name(node_id)
        except StoreError:
            name = f"of number {node_id}"  # nothing says that there is no such node
        if name is None:
            return CallFailed(RpcFailure.UNKNOWN_NODE, f"there is no node {node_id}")
        return CallFailed(RpcFailure.OFFLINE, f"node {name} is not connected")


async def _send(
    connection: NodeConnection, request_id: int, timeout_s: float, call: RpcCall
) -> None:
    try:
        await connection.send(Rpc(request_id=request_id, timeout_s=timeout_s, call=call))
    except NodeGone:
        words = f"node {connection.installation} is not connected"
        raise CallFailed(RpcFailure.OFFLINE, words) from None
