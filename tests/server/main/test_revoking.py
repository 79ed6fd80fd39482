"""Truth: what a hub answers to a token before and after it was given back."""

from datetime import timedelta

import aiohttp
import pytest

from skyscan_lab.client.runtime import read_runtime
from skyscan_server.main.issuing import person_token
from tests.server.processes import HubProcess

pytestmark = pytest.mark.system


@pytest.fixture
def hub(tmp_path):
    process = HubProcess(tmp_path / "data", "--no-node")
    process.wait_until_ready()
    yield process
    assert process.end() == 0


async def test_a_token_that_was_given_back_lets_nobody_in(hub):
    token = person_token(hub.data, "owner", timedelta(hours=1))
    headers = {"Authorization": f"Bearer {token}"}
    url = read_runtime(hub.data).url
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/api/rotors", headers=headers) as response:
            assert response.status == 200
        for _ in range(2):
            async with session.post(f"{url}/oauth/revoke", data={"token": token}) as response:
                assert (response.status, await response.read()) == (200, b"")
                assert response.headers["Cache-Control"] == "no-store"
        async with session.get(f"{url}/api/rotors", headers=headers) as response:
            assert response.status == 401
        async with session.post(f"{url}/oauth/revoke", data={"client_id": "page"}) as response:
            assert response.status == 400
            assert (await response.json())["error"] == "invalid_request"
    assert token not in hub.output
