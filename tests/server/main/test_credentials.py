"""Truth: RFC 6749, 7636 and 7009 as a program has them that knows nothing of ours, at a real hub;
and what was ended lets nobody in, and leaves no socket open."""

import asyncio
import base64
import hashlib
import json
import secrets
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.server.main.test_second_node import until, working
from tests.server.processes import HubProcess, Process, reach

pytestmark = pytest.mark.system

BACK = "http://127.0.0.1:9/back"


@pytest.fixture
def process(tmp_path):
    process = HubProcess(tmp_path / "data")
    yield process
    if process.alive:
        process.kill()


@pytest.fixture
async def hub(process):
    """A hub, and a session of its owner."""
    async with reach(await asyncio.to_thread(process.wait_until_ready)) as hub:
        yield hub


async def answer_of(calling, status=200):
    async with calling as answer:
        text = await answer.text()
        assert answer.status == status, text
        return json.loads(text) if text else None


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


async def token_of(program, hub, **form):
    return await answer_of(program.post(f"{hub.url}/oauth/token", data=form))


async def logged_in(program, hub, client_id):
    """Have the owner agree to a client, and exchange the code: RFC 7636, section 4."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": BACK,
        "state": "xyz",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    async with program.get(f"{hub.url}/oauth/authorize", params=query) as page:
        assert page.status == 200
        assert client_id in await page.text()
    agreed = {**query, "token": hub.token}
    async with program.post(
        f"{hub.url}/oauth/authorize", data=agreed, allow_redirects=False
    ) as answer:
        assert answer.status == 303, await answer.text()
        back = urlsplit(answer.headers["Location"])
    given = {name: values[0] for name, values in parse_qs(back.query).items()}
    assert given["state"] == "xyz"
    return await token_of(
        program,
        hub,
        grant_type="authorization_code",
        code=given["code"],
        redirect_uri=BACK,
        client_id=client_id,
        code_verifier=verifier,
    )


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def status_of(program, url, token):
    async with program.get(url, headers=bearer(token)) as answer:
        return answer.status


async def closed(socket):
    async with asyncio.timeout(30):
        async for _ in socket:
            pass
    return socket.close_code


async def test_from_a_registration_to_a_refreshed_token_and_to_its_end(hub):
    wanted = {"name": "dashboard", "redirect_uris": [BACK]}
    client = await answer_of(hub.session.post(f"{hub.url}/api/clients", json=wanted), 201)
    assert client["client_secret"] is None
    name = client["client_id"]
    sessions = f"{hub.url}/api/skyscan/sessions"
    async with aiohttp.ClientSession() as program:
        known = f"{hub.url}/.well-known/oauth-authorization-server"
        metadata = await answer_of(program.get(known))
        assert metadata["token_endpoint"] == f"{hub.url}/oauth/token"
        assert metadata["authorization_endpoint"] == f"{hub.url}/oauth/authorize"
        first = await logged_in(program, hub, name)
        assert claims_of(first["access_token"])["iss"] == metadata["issuer"]
        assert await status_of(program, sessions, first["access_token"]) == 200
        assert await status_of(program, f"{hub.url}/api/clients", first["access_token"]) == 403
        refreshing = {"grant_type": "refresh_token", "client_id": name}
        second = await token_of(program, hub, **refreshing, refresh_token=first["refresh_token"])
        assert await status_of(program, sessions, second["access_token"]) == 200
        headers = bearer(second["access_token"])
        async with program.ws_connect(f"{hub.url}/ws/rotor/1", headers=headers) as socket:
            await answer_of(hub.session.delete(f"{hub.url}/api/clients/{name}"), 204)
            assert await closed(socket) == 4401
        assert await status_of(program, sessions, second["access_token"]) == 401
        form = {**refreshing, "refresh_token": second["refresh_token"]}
        async with program.post(f"{hub.url}/oauth/token", data=form) as answer:
            assert (answer.status, (await answer.json())["error"]) == (401, "invalid_client")
    known = await answer_of(hub.session.get(f"{hub.url}/api/clients"))
    assert [client["client_id"] for client in known] == []
    await answer_of(hub.session.delete(f"{hub.url}/api/clients/{name}"), 404)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"redirect_uris": ["http://example.org/back"]}, "https://HOST"),
        ({}, "given for authorization_code"),
        ({"grants": ["client_credentials"], "redirect_uris": [BACK]}, "for it only"),
        ({"scopes": ["node"], "grants": ["client_credentials"]}, "/api/nodes/enrolments"),
        ({"scopes": ["everything"]}, "scopes"),
    ],
)
async def test_what_would_be_no_client_is_refused(served_client, wanted, words):
    body = {"name": "x", **wanted}
    refused = await answer_of(served_client.post("/api/clients", json=body), 422)
    assert words in refused["detail"]
    assert await answer_of(served_client.get("/api/clients")) == []


@pytest.fixture
async def served_client(served, tmp_path):
    token = json.loads((tmp_path / "data" / "runtime.json").read_text())["token"]
    async with aiohttp.ClientSession(served.url, headers=bearer(token)) as client:
        yield client


async def test_a_token_is_ended_by_its_id(hub, process):
    asking = Process("token", "--data", process.data, log=process.data / "token")
    assert asking._process.wait(30) == 0
    token = asking.output.strip()
    sessions = f"{hub.url}/api/skyscan/sessions"
    async with aiohttp.ClientSession() as program:
        assert await status_of(program, sessions, token) == 200
        body = {"id": claims_of(token)["jti"]}
        await answer_of(hub.session.post(f"{hub.url}/api/revocations", json=body), 204)
        assert await status_of(program, sessions, token) == 401
        assert await status_of(program, sessions, hub.token) == 200


async def test_services_come_in_at_the_internal_listener(hub, process):
    """With a token of the command, and with one of a client that is registered."""
    asking = Process(
        "token", "--data", process.data, "--grant", "internal", log=process.data / "token"
    )
    assert asking._process.wait(30) == 0
    wanted = {"name": "tiles", "scopes": ["internal"], "grants": ["client_credentials"]}
    client = await answer_of(hub.session.post(f"{hub.url}/api/clients", json=wanted), 201)
    credentials = {name: client[name] for name in ("client_id", "client_secret")}
    connector = aiohttp.UnixConnector(path=str(process.data / "internal.sock"))
    async with (
        aiohttp.ClientSession() as program,
        aiohttp.ClientSession("http://internal", connector=connector) as inside,
    ):
        got = await token_of(program, hub, grant_type="client_credentials", **credentials)
        call = {"call": {"method": "position", "rotor": "simulated"}}
        path = "/internal/nodes/1/rpc"
        for token in (asking.output.strip(), got["access_token"]):
            answered = await answer_of(inside.post(path, json=call, headers=bearer(token)))
            assert answered["elevation_deg"] == pytest.approx(0, abs=90)
            sessions = f"{hub.url}/api/skyscan/sessions"
            assert await status_of(program, sessions, token) == 403
        async with inside.post(path, json=call, headers=bearer(hub.token)) as answer:
            assert answer.status == 403
        await answer_of(hub.session.delete(f"{hub.url}/api/clients/{client['client_id']}"), 204)
        await asyncio.sleep(1.1)  # what is revoked is looked up once a second
        async with inside.post(path, json=call, headers=bearer(got["access_token"])) as answer:
            assert answer.status == 401


async def test_a_node_is_removed_with_its_credentials_rotors_and_open_sessions(hub, tmp_path):
    runtime = json.loads((tmp_path / "data" / "runtime.json").read_text())

    class Gateway:
        gateway_url = runtime["gateway_url"]

    invited = {"installation": "roof"}
    code = await answer_of(hub.session.post(f"{hub.url}/api/nodes/enrolments", json=invited), 201)
    async with working(Gateway, tmp_path / "node", code["code"], name="Roof"):
        nodes = await answer_of(hub.session.get(f"{hub.url}/api/nodes"))
        (roof,) = [node for node in nodes if node["installation"] == "roof"]
        assert roof["name"] == "Roof"
        rotors = await answer_of(hub.session.get(f"{hub.url}/api/rotors"))
        (rotor,) = [rotor for rotor in rotors if rotor["node"] == "Roof"]
        status = 503
        while status == 503:  # the first use of a simulated station takes a busy machine seconds
            body = {"rotor_id": rotor["id"]}
            async with hub.session.post(f"{hub.url}/api/skyscan/start", json=body) as answer:
                status, session = answer.status, await answer.json()
        async with aiohttp.ClientSession(hub.url, headers=bearer(hub.token)) as client:
            await until(client, session["id"], lambda now: now["completed_points"] > 5)
            await answer_of(hub.session.delete(f"{hub.url}/api/nodes/{roof['id']}"), 204)
            ended = await until(client, session["id"], lambda now: now["status"] == "cancelled")
        assert ended["words"] == "the node of this session was removed"
        data = await answer_of(hub.session.get(f"{hub.url}/api/skyscan/{session['id']}/data"))
        assert len(data) == ended["completed_points"] > 5
        nodes = await answer_of(hub.session.get(f"{hub.url}/api/nodes"))
        assert [node["installation"] for node in nodes] == ["lab"]
        assert len(await answer_of(hub.session.get(f"{hub.url}/api/rotors"))) == 1
    form = json.loads((tmp_path / "node" / "credentials.json").read_text())
    async with aiohttp.ClientSession() as program:
        asked = {
            "grant_type": "client_credentials",
            "client_id": form["client_id"],
            "client_secret": form["client_secret"],
        }
        async with program.post(f"{hub.url}/oauth/token", data=asked) as answer:
            assert answer.status == 401
    # The built-in one stays, and the installation may have another node.
    (lab,) = nodes
    await answer_of(hub.session.delete(f"{hub.url}/api/nodes/{lab['id']}"), 409)
    code = await answer_of(hub.session.post(f"{hub.url}/api/nodes/enrolments", json=invited), 201)
    async with working(Gateway, tmp_path / "another", code["code"]):
        rotors = await answer_of(hub.session.get(f"{hub.url}/api/rotors"))
        assert len(rotors) == 2
