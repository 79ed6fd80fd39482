"""What is good no more: clients with all their tokens, and nodes with all that is theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_server.auth.issuer import ACCESS_LIFETIME
from skyscan_server.bus.base import GRAPHS, SESSIONS, TASKS, Bus
from skyscan_server.domain.appending import append, cancelled
from skyscan_server.domain.errors import Conflict, NotFound
from skyscan_server.domain.nodes import NO_NODE
from skyscan_server.store import credentials, nodes, rotors, sessions
from skyscan_server.store.database import Database

NO_CLIENT = "Client not found"
BUILT_IN_STAYS = "the node beside the hub cannot be removed: start the hub with --no-node"

_NODE_GONE = "the node of this session was removed"

log = structlog.get_logger(__name__)


class Removal:
    """Takes away what was let in.

    Parameters
    ----------
    database : Database
        As its owner sees it.
    bus : Bus
        Woken when sessions have ended, and graphs have changed.
    built_in : str
        Installation of the node beside the hub, which stays.
    token_lifetime : timedelta
        For how long tokens of clients are good.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        *,
        built_in: str,
        token_lifetime: timedelta = ACCESS_LIFETIME,
    ) -> None:
        self._database = database
        self._bus = bus
        self._built_in = built_in
        self._token_lifetime = token_lifetime

    async def client(self, client_id: str) -> None:
        """Remove a client: its tokens, and those of every login through it, are good no more.

        Raises
        ------
        NotFound
            Where there is none.
        """
        async with self._database.write() as connection:
            if await credentials.client(connection, client_id) is None:
                raise NotFound(NO_CLIENT)
            await self._end_client(connection, client_id)
        log.info("client removed", client_id=client_id)

    async def node(self, node_id: int) -> None:
        """Remove a node: its credentials end, and so do its open sessions; its rotors are deleted.

        What it has measured stays. Its installation may have another node from then on.

        Raises
        ------
        NotFound
            Where there is none.
        Conflict
            For the built-in one.
        """
        async with self._database.write() as connection:
            node = await nodes.get(connection, node_id)
            if node is None:
                raise NotFound(NO_NODE)
            if node.installation == self._built_in:
                raise Conflict(BUILT_IN_STAYS)
            for found, _ in await sessions.of_node(connection, node_id):
                row = await sessions.get(connection, found.id, lock=True)
                if row is not None and not row.final:
                    await append(connection, row, cancelled(_NODE_GONE))
            for rotor in await rotors.of_node(connection, node_id):
                await rotors.delete(connection, rotor.id)
            for document in await credentials.clients_of(connection, node.installation):
                await self._end_client(connection, document["client_id"])
            await nodes.remove(connection, node)
        log.info("node removed", node_id=node_id, installation=node.installation)
        for subject in (SESSIONS, TASKS, GRAPHS):
            self._bus.publish(subject)

    async def _end_client(self, connection: AsyncConnection, client_id: str) -> None:
        until = datetime.now(UTC) + self._token_lifetime
        await credentials.remove_client(connection, client_id)
        # A client is the family of its own tokens; each login through it has one as well.
        for family in (client_id, *await credentials.families_of(connection, client_id)):
            await credentials.revoke(connection, family, until)
