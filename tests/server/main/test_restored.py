"""Truth: the node's fence, which knows of claims that a restored database does not."""

import asyncio
import json
import shutil

import aiohttp
import pytest

from skyscan_lab.client.runtime import read_runtime
from skyscan_server.main.serving import serving
from skyscan_server.settings import load_settings

SMALL = {"rotor_id": 1, "el_start": 30, "el_end": 32, "az_end": 20}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYSCAN_TIME_SCALE", "1000")
    return load_settings(tmp_path / "hub", port=0, gateway_port=0, internal_port=0)


async def scanned(client, times=1):
    """Scan some times; return how each went."""
    statuses = []
    for _ in range(times):
        status = 503
        while status in (404, 409, 503):  # the node has just come, or ends its last scan
            async with client.post("/api/skyscan/start", json=SMALL) as answer:
                status, session = answer.status, await answer.json()
            await asyncio.sleep(0.05)
        async with client.ws_connect(f"/ws/skyscan/{session['id']}") as socket:
            async with asyncio.timeout(30):
                async for message in socket:
                    status = json.loads(message.data)["status"]
                    if status not in ("pending", "running"):
                        break
        statuses.append(status)
    return statuses


def client_of(served, settings):
    headers = {"Authorization": f"Bearer {read_runtime(settings.data).token}"}
    return aiohttp.ClientSession(served.url, headers=headers)


async def test_a_hub_whose_database_is_an_older_copy_moves_its_rotors_again(settings):
    copy = settings.data.with_name("copy")
    async with serving(settings) as served, client_of(served, settings) as client:
        assert await scanned(client) == ["completed"]
    shutil.copy2(settings.data / "skyscan.sqlite", copy)
    async with serving(settings) as served, client_of(served, settings) as client:
        assert await scanned(client, 3) == ["completed"] * 3
    shutil.copy2(copy, settings.data / "skyscan.sqlite")
    async with serving(settings) as served, client_of(served, settings) as client:
        assert await scanned(client) == ["completed"]
        async with client.post("/api/rotors/1/park") as answer:
            assert answer.status == 200
