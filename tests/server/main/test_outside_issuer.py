"""Truth: who is let in by a hub that takes the tokens of an issuer elsewhere."""

from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from skyscan_lab.client.lab import running_lab
from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.scopes import Scope
from skyscan_server.main.issuing import issuer_of, person_token
from skyscan_server.main.serving import serving
from skyscan_server.settings import load_settings

OUTSIDE = "https://login.example"


@asynccontextmanager
async def keys_at_an_address(key):
    async def answer(request):
        return web.json_response(key.jwks())

    app = web.Application()
    app.router.add_get("/jwks", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    await runner.cleanup()


@pytest.fixture
async def outside(tmp_path):
    """Who issues the tokens, and the hub that takes them."""
    key = load_signing_key(tmp_path / "outside")
    async with keys_at_an_address(key) as address:
        settings = load_settings(
            tmp_path / "data",
            port=0,
            gateway_port=0,
            outside_issuer={"issuer": OUTSIDE, "jwks_url": address},
        )
        async with serving(settings, with_node=False) as hub:
            yield Issuer(key, OUTSIDE, "skyscan-lab"), hub, settings.data


async def status(hub, token):
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{hub.url}/api/rotors") as response,
    ):
        return response.status


async def test_the_lab_on_this_machine_comes_in_with_its_own_token(outside, monkeypatch):
    _, hub, data = outside
    monkeypatch.delenv("SKYSCAN_TOKEN", raising=False)
    monkeypatch.setenv("SKYSCAN_HOME", str(data))
    assert (await running_lab()).url == hub.url
    async with SkyScanClient() as client:
        assert await client.rotors() == []


async def test_people_come_in_with_tokens_of_their_issuer_and_with_none_of_ours(outside):
    issuer, hub, data = outside
    assert await status(hub, issuer.mint("ada", {Scope.ROTORS_READ}).token) == 200
    assert await status(hub, person_token(data, "owner", timedelta(hours=1))) == 401
    ours = issuer_of(load_signing_key(data))
    assert await status(hub, ours.mint("lab", set(Scope) - {Scope.NODE}).token) == 401
    assert await status(hub, "é") == 401
