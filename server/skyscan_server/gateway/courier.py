"""Takes to the nodes what has changed for them; comes when called, so an idle node costs none."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

import structlog

from skyscan_lab.protocol.node_link import GraphUpdate, RpcCancel, TaskUpdate
from skyscan_server.domain.nodes import Nodes
from skyscan_server.domain.tasks import Tasks
from skyscan_server.gateway.errands import Errands
from skyscan_server.gateway.node_connection import Mail, NodeConnection, NodeGone
from skyscan_server.store.errors import StoreError

_RETRY_S = 1.0

log = structlog.get_logger(__name__)


class Courier:
    """Tells nodes of changed sessions, of a changed graph, and of calls that are cancelled.

    Parameters
    ----------
    nodes, tasks : Nodes, Tasks
        What there is to tell is read there when it is told, so that it is never old.
    errands : Errands
        Run its ways.
    """

    def __init__(self, nodes: Nodes, tasks: Tasks, errands: Errands) -> None:
        self._nodes = nodes
        self._tasks = tasks
        self._errands = errands

    def call(self, connection: NodeConnection) -> None:
        """Come and take what a connection has, until it has no more."""
        self._errands.start(partial(self._empty, connection), connection.fail)

    async def _empty(self, connection: NodeConnection) -> None:
        with suppress(NodeGone):  # what there is to tell is told on the node's next connection
            while (mail := connection.take_mail()) is not None:
                try:
                    await self._deliver(connection, mail)
                except StoreError as error:
                    log.warning("node cannot be told", node=connection.node_id, reason=str(error))
                    connection.give_back(mail)
                    await asyncio.sleep(_RETRY_S)

    async def _deliver(self, connection: NodeConnection, mail: Mail) -> None:
        for request_id in mail.cancels:
            await connection.send(RpcCancel(request_id=request_id))
        if mail.graph:
            graph, version = await self._nodes.graph(connection.installation, connection.node_id)
            if version > connection.graph_version:
                await connection.send(GraphUpdate(graph=graph, graph_version=version))
                connection.graph_version = version
        if mail.changed:
            tasks = await self._tasks.of_sessions(connection.node_id, mail.changed)
            connection.learn(task.session_id for task in tasks)
            for task in tasks:
                await connection.send(TaskUpdate(task=task))
