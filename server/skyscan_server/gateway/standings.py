"""What the database says of the nodes that are connected here: one look for all of them.

A graph may have been changed, and a node may have come back to another hub of the same
database; neither is told to this hub by anybody, so it looks.
"""

from __future__ import annotations

import structlog

from skyscan_server.bus.base import GRAPHS, Bus
from skyscan_server.domain.nodes import Nodes
from skyscan_server.gateway.connection_registry import ConnectionRegistry
from skyscan_server.store.errors import StoreError

LOOK_S = 5.0
"""How often is looked, if nothing wakes it."""

log = structlog.get_logger(__name__)


class Standings:
    """Compares the connections with the database.

    Parameters
    ----------
    registry : ConnectionRegistry
        The nodes that are connected here.
    nodes : Nodes
        What the database says.
    bus : Bus
        Says when a graph has changed.
    look_s : float
        How often is looked besides.
    """

    def __init__(
        self, registry: ConnectionRegistry, nodes: Nodes, bus: Bus, *, look_s: float = LOOK_S
    ) -> None:
        self._registry = registry
        self._nodes = nodes
        self._bus = bus
        self._look_s = look_s

    async def run(self) -> None:
        """Look until cancelled."""
        with self._bus.listen(GRAPHS) as wake:
            while True:
                await wake.wait(self._look_s)
                try:
                    await self._look()
                except StoreError as error:
                    log.warning("nodes cannot be read", reason=str(error))

    async def _look(self) -> None:
        if not len(self._registry):
            return
        standings = await self._nodes.standings()
        for connection in self._registry.everyone():
            standing = standings.get(connection.node_id)
            if standing is None:
                continue
            if standing.epoch > connection.epoch:
                self._registry.supersede(connection)
            elif standing.graph_version > connection.graph_version:
                connection.graph_has_changed()
