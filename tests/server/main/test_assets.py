"""Truth: the bytes that a node has sent, as people get them back."""

import asyncio
import hashlib

import aiohttp

from skyscan_lab.client.runtime import read_runtime
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.scopes import GRANTS, Scope
from skyscan_server.main.issuing import BUILT_IN, issuer_of

DATA = bytes(range(256)) * 40


async def test_the_files_of_a_session_are_listed_and_read(served, tmp_path):
    issuer = issuer_of(load_signing_key(tmp_path / "data"))
    owner = {"Authorization": f"Bearer {read_runtime(tmp_path / 'data').token}"}
    node = issuer.mint("a node", {Scope.NODE}, installation=BUILT_IN).token
    sending = {"Authorization": f"Bearer {node}"}
    requester = issuer.mint("a person", GRANTS["requester"]).token
    reading = {"Authorization": f"Bearer {requester}"}
    async with aiohttp.ClientSession(served.url, headers=reading) as client:
        status = 503
        while status in (404, 503):  # the node has just started
            async with client.post("/api/skyscan/start", json={"rotor_id": 1}) as answer:
                status, session = answer.status, await answer.json()
            await asyncio.sleep(0.05)
        number = session["id"]
        listing = f"/api/skyscan/{number}/assets"
        async with client.get(listing) as answer:
            assert (answer.status, await answer.json()) == (200, [])
        said = {
            "label": "Wasserfall über 10°",
            "media_type": "image/png",
            "size": len(DATA),
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "session_id": number,
        }
        async with aiohttp.ClientSession(served.gateway_url, headers=sending) as gateway:
            async with gateway.post("/v1/nodes/1/assets", json=said) as answer:
                asset = (await answer.json())["id"]
            async with client.get(f"/api/assets/{asset}") as answer:
                assert answer.status == 409
            path = f"/v1/nodes/1/assets/{asset}"
            binary = {"Content-Type": "application/octet-stream"}
            async with gateway.put(path, data=DATA, headers=binary) as answer:
                assert answer.status == 200
        async with client.get(listing) as answer:
            # As UTF-8, for people who look at it.
            assert "Wasserfall über 10°".encode() in await answer.read()
            (found,) = await answer.json()
        assert {name: found[name] for name in said} == said
        async with client.get(f"/api/assets/{asset}") as answer:
            assert await answer.read() == DATA
            assert answer.headers["Content-Type"] == "image/png"
            assert answer.headers["Content-Disposition"] == "attachment"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
        async with client.get(f"/api/assets/{asset}", headers={"Range": "bytes=256-511"}) as part:
            assert (part.status, await part.read()) == (206, DATA[256:512])
        for missing in ("/api/skyscan/4711/assets", f"/api/assets/{'0' * 32}"):
            async with client.get(missing) as answer:
                assert answer.status == 404
        async with client.post(f"/api/skyscan/{number}/cancel", headers=owner) as answer:
            assert answer.status == 200
