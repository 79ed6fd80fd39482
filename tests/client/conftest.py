"""A server that misbehaves when told to, and a client that is quick to notice."""

import pytest

from skyscan_lab.client.skyscan import SkyScanClient
from tests.client.small_server import SmallServer


@pytest.fixture(autouse=True)
def no_lab_here(tmp_path, monkeypatch):
    """Neither a token nor a lab of whoever runs the tests."""
    monkeypatch.delenv("SKYSCAN_TOKEN", raising=False)
    monkeypatch.setenv("SKYSCAN_HOME", str(tmp_path / "home"))


@pytest.fixture
async def server():
    small = SmallServer()
    await small.start()
    yield small
    await small.stop()


@pytest.fixture
async def client(server):
    async with SkyScanClient(server.url, patience_s=5.0, timeout_s=2.0, heartbeat_s=0.3) as opened:
        yield opened
