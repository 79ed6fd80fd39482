"""A hub that a test drives, and nodes with a simulated station a thousand times faster."""

import pytest

from skyscan_server.node import Credentials, Node, NodeConfig, NodeSection, NodeTiming
from skyscan_server.node.backoff import Backoff
from tests.server.node.hub import SECRET, Hub

QUICK = {
    "answer_s": 5.0,
    "heartbeat_s": 5.0,
    "superseded_s": 60.0,
    "disk_s": 0.05,
    "station_s": 0.5,
    "station_grace_s": 0.3,
    "snapshot_s": 0.05,
    "ack_s": 10.0,
}


@pytest.fixture(autouse=True)
def _fast_station(monkeypatch):
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "1000")


@pytest.fixture
async def hub():
    hub = Hub()
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
def make_node(hub, tmp_path):
    """Node of the hub, with short waits; each call another process's worth of it."""

    def make(*rotors, timing=None, journal_file=None, bounds=None, **settings):
        section = {"name": "test", "hub": hub.url, "data": tmp_path / "node"} | settings
        fields = {"rotors": rotors} if rotors else {}
        config = NodeConfig(node=NodeSection(**section), **fields)
        more = {} if journal_file is None else {"journal_file": journal_file}
        return Node(
            config,
            Credentials("node-1", SECRET),
            timing=NodeTiming(**QUICK | (timing or {})),
            backoff=lambda: Backoff(first_s=0.02, soon_s=0.1),
            **more,
        )

    return make
