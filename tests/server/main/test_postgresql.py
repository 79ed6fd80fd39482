"""Truth: PostgreSQL's own word on which role did what, and what was to be scanned."""

import json

import pytest

from skyscan_server.store.roles import GATEWAY_ROLE
from tests.campaigns import kill_server
from tests.server.postgresql import ADMINISTRATOR, OWNER
from tests.server.processes import HubProcess, reach

pytestmark = [pytest.mark.program("postgres"), pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture
def name(postgresql):
    name = postgresql.create()
    yield name
    postgresql.drop(name)


async def test_a_scan_with_the_gateway_in_a_role_of_its_own(postgresql, name, tmp_path):
    gateway = postgresql.url(name, GATEWAY_ROLE)
    tmp_path.joinpath("hub.toml").write_text(f"gateway_database = {json.dumps(gateway)}\n")
    hub = HubProcess(tmp_path, "--database", postgresql.url(name))
    try:
        async with reach(hub.wait_until_ready()) as reached:
            body = {"rotor_id": 1, "az_end": 10, "el_end": 30}
            async with reached.session.post(
                f"{reached.url}/api/skyscan/start", json=body
            ) as response:
                session = await response.json()
                assert response.status == 200, session
            path = f"{reached.url}/ws/skyscan/{session['id']}?after=0"
            async with reached.session.ws_connect(path) as socket:
                messages = [json.loads(message.data) async for message in socket]
            asking = await postgresql.connect(ADMINISTRATOR, name)
            rows = await asking.fetch(
                "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = $1", name
            )
            await asking.close()
        assert messages[-1]["status"] == "completed"
        assert sum(message["point"] is not None for message in messages) == 6 * 7
        assert {row["usename"] for row in rows} >= {OWNER, GATEWAY_ROLE}
    finally:
        assert hub.end() == 0, hub.output[-3000:]


@pytest.mark.campaign
async def test_node_and_hub_are_killed_and_nothing_is_lost(postgresql, name, tmp_path):
    url = postgresql.url(name)
    result = await kill_server.campaign(tmp_path, kills=3, seed=7, database=url)
    assert result["kills"] == 3
    assert kill_server.passed(result), result
