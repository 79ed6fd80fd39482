"""The rules of a hub over each database, with a scripted wire to its nodes."""

import itertools
from dataclasses import dataclass

import pytest

from skyscan_server.bus.local import LocalBus
from skyscan_server.domain.ingest import Ingest
from skyscan_server.domain.nodes import Nodes
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.sessions import Sessions
from skyscan_server.domain.tasks import Tasks
from skyscan_server.store.database import Database
from tests.server.domain.parts import ScriptedNode, graph, request, running

NUMBERS = itertools.count(1)


@dataclass
class Hub:
    """The rules of a hub."""

    database: Database
    bus: LocalBus
    node: ScriptedNode
    nodes: Nodes
    rotors: Rotors
    sessions: Sessions
    tasks: Tasks
    ingest: Ingest

    async def rotor(self, key="roof", installation=None):
        """Register a node with one rotor; return the rotor as it is stored."""
        installation = installation or f"installation-{next(NUMBERS)}"
        connected = await self.nodes.connect(installation, graph(key))
        return (await self.rotors.by_key(connected.node_id))[key]

    async def claimed(self, rotor, **fields):
        """Start a session that its node has taken; return its number."""
        row = await self.sessions.start(request(rotor.id, **fields))
        assert (await self.tasks.claim(rotor.node_id, row.id)).granted
        return row.id


def _hub_over(database, bus=None):
    """Put a hub together, over a database and a bus of one's choice."""
    bus, node = bus or LocalBus(), ScriptedNode()
    return Hub(
        database,
        bus,
        node,
        Nodes(database),
        Rotors(database, bus, node),
        Sessions(database, bus, node),
        Tasks(database),
        Ingest(database, bus, retry_s=0.02),
    )


@pytest.fixture
def make_hub_over():
    return _hub_over


@pytest.fixture
def hub(database):
    return _hub_over(database)


@pytest.fixture
async def storing(hub):
    """A hub that takes in records."""
    with running(hub.ingest.run()):
        yield hub
