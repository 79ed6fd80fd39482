"""Truth: a scan belongs to whoever has its journal, whoever else has the credentials."""

import asyncio
import shutil
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from skyscan_lab.client.runtime import read_runtime
from skyscan_server.main.serving import serving
from skyscan_server.node.agent import Node
from skyscan_server.node.config import NodeConfig, NodeSection
from skyscan_server.settings import load_settings

SOON_S = 30.0


@pytest.fixture
async def hub(tmp_path, monkeypatch):
    """A hub without a node, and a client of its owner."""
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "100")
    settings = load_settings(tmp_path / "hub", port=0, gateway_port=0, internal_port=0)
    async with serving(settings, with_node=False) as served:
        headers = {"Authorization": f"Bearer {read_runtime(settings.data).token}"}
        async with aiohttp.ClientSession(served.url, headers=headers) as client:
            yield served, client


@asynccontextmanager
async def working(served, data, code=None, **settings):
    """A node at work, with its data in a folder."""
    section = NodeSection(hub=served.gateway_url, data=data, enrol=code, **settings)
    node = Node(NodeConfig(node=section))
    task = asyncio.create_task(node.run())
    try:
        async with asyncio.timeout(SOON_S):
            await node.connected.wait()
        yield node
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def detail(client, session_id):
    async with client.get(f"/api/skyscan/{session_id}/detail") as answer:
        return await answer.json()


async def until(client, session_id, holds):
    async with asyncio.timeout(SOON_S):
        while not holds(now := await detail(client, session_id)):  # noqa: ASYNC110 -- it has no event
            await asyncio.sleep(0.02)
    return now


async def started(client, served, data):
    """Enrol a node, and have it scan; return the session's number."""
    async with client.post("/api/nodes/enrolments", json={"installation": "roof"}) as answer:
        code = (await answer.json())["code"]
    async with working(served, data, code):
        body = {"rotor_id": 1, "el_start": 30, "el_end": 34}
        status = 503
        while status == 503:  # the first use of a simulated station takes a busy machine seconds
            async with client.post("/api/skyscan/start", json=body) as answer:
                status, session = answer.status, await answer.json()
        session_id = session["id"]
        await until(client, session_id, lambda now: now["completed_points"] > 20)
        # A second process, as when somebody has copied the credentials and nothing else.
        other = data.with_name("other")
        other.mkdir(mode=0o700)
        shutil.copy2(data / "credentials.json", other)
        async with working(served, other):
            held = await until(client, session_id, lambda now: now["status"] == "paused")
            assert held["reasons"] == ["fault"]
            assert "the journal on the node ends with record 0, the hub has" in held["words"]
    return session_id


async def test_a_second_process_with_the_same_credentials_ends_no_scan(hub, tmp_path):
    served, client = hub
    session_id = await started(client, served, tmp_path / "node")
    async with working(served, tmp_path / "node"):
        done = await until(client, session_id, lambda now: now["status"] == "completed")
    assert done["completed_points"] == done["total_points"] == 180 * 3
    assert done["words"] is None
    async with client.get(f"/api/skyscan/{session_id}/data") as answer:
        assert len(await answer.json()) == done["total_points"]
    assert not (tmp_path / "node" / "journals" / "unclaimed").exists()


async def test_where_the_disk_is_really_lost_a_person_ends_the_scan(hub, tmp_path):
    served, client = hub
    session_id = await started(client, served, tmp_path / "node")
    async with client.post(f"/api/skyscan/{session_id}/cancel") as answer:
        assert answer.status == 200
    ended = await detail(client, session_id)
    assert ended["status"] == "cancelled"
    async with client.get(f"/api/skyscan/{session_id}/data") as answer:
        assert len(await answer.json()) == ended["completed_points"] > 20
    async with client.post("/api/rotors/1/stop") as answer:
        assert answer.status == 503  # no node is there; but nothing holds the rotor any more
