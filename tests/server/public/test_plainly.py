"""Truth: HTTP, and the sockets' promises, as a client sees them."""

import asyncio
import json

import pytest

from skyscan_lab.client.errors import ServerUnreachable, UnexpectedAnswer
from skyscan_lab.client.skyscan import SkyScanClient

pytestmark = pytest.mark.system

LONG = {"rotor_id": 1, "az_start": 0, "az_end": 300, "el_start": 30, "el_end": 40}


@pytest.mark.parametrize("where", ["sessions", "{id}", "{id}/detail", "{id}/data", "{id}/export"])
async def test_head_is_get_without_its_body(hub, session_id, where):
    url = f"{hub.url}/api/skyscan/{where.format(id=session_id)}"
    async with hub.session.get(url) as got, hub.session.head(url) as head:
        assert (head.status, await head.read()) == (200, b"")
        assert head.content_type == got.content_type
    async with hub.session.head(f"{hub.url}/api/skyscan/999999") as head:
        assert head.status == 404
    async with hub.session.head(f"{hub.url}/api/skyscan/start") as head:
        assert head.status == 405


async def test_notes_are_changed_and_taken_away(ask, session_id):
    path = f"/api/skyscan/{session_id}"
    assert (await ask("GET", path))["notes"] is None
    changed = await ask("PATCH", path, json={"notes": "clouds ☁"})
    assert changed["notes"] == "clouds ☁"
    assert changed == await ask("GET", path)
    assert (await ask("PATCH", path, json={"notes": None}))["notes"] is None
    await ask("PATCH", "/api/skyscan/999999", 404, json={"notes": "x"})


async def test_of_two_who_change_notes_at_once_one_has_the_last_word(ask, session_id):
    path = f"/api/skyscan/{session_id}"
    before = await ask("GET", path)
    words = [f"words {number}" for number in range(8)]
    answers = await asyncio.gather(*(ask("PATCH", path, json={"notes": one}) for one in words))
    assert [answer["notes"] for answer in answers] == words
    after = await ask("GET", path)
    assert after["notes"] in words
    assert after | {"notes": None} == before


async def test_the_socket_of_a_rotor_says_where_it_is_and_follows_it(hub, ask):
    async with hub.session.ws_connect(f"{hub.url}/ws/rotor/1") as socket, asyncio.timeout(30):
        first = await socket.receive_json()
        assert first.keys() == {"azimuth", "elevation", "rotor_name", "timestamp"}
        target = {"azimuth": (first["azimuth"] + 40) % 360, "elevation": 50}
        await ask("POST", "/api/rotors/1/move", json=target)
        async for message in socket:
            where = json.loads(message.data)
            if abs(where["azimuth"] - target["azimuth"]) < 0.5:
                break
    assert abs(where["elevation"] - 50) < 0.5
    settled = await ask("GET", "/api/rotors/1/position")
    assert settled["azimuth"] == pytest.approx(where["azimuth"], abs=0.5)


async def test_after_the_last_record_is_after_the_last(hub, session_id):
    url = f"{hub.url}/ws/skyscan/{session_id}"
    async with hub.session.ws_connect(f"{url}?after=0") as socket:
        told = [json.loads(message.data) async for message in socket]
    async with hub.session.ws_connect(f"{url}?after=999999") as socket:
        late = [json.loads(message.data) async for message in socket]
    assert [message["number"] for message in late] == [told[-1]["number"]]
    assert late[0]["status"] == "completed"


async def test_what_is_being_cancelled_is_cancelled_to_who_wants_it_to_go_on(ask, until):
    number = (await ask("POST", "/api/skyscan/start", json=LONG))["id"]
    await until(number, "running")
    await ask("POST", f"/api/skyscan/{number}/pause")
    await until(number, "paused")
    await ask("POST", f"/api/skyscan/{number}/cancel")
    said = await ask("POST", f"/api/skyscan/{number}/resume", 400)
    assert said == {"detail": "Cannot resume scan in 'cancelled' state (must be paused)"}
    await until(number, "cancelled")


async def test_the_client_lists_and_counts_as_the_hub_does(hub, ask, session_id):
    listed = await ask("GET", "/api/skyscan/sessions")
    made = (await ask("GET", f"/api/skyscan/{session_id}/detail"))["created_at"]
    async with SkyScanClient(hub.url, token=hub.token) as client:
        assert await client.count_sessions() == len(listed)
        assert await client.count_sessions(status="completed", rotor=999_999) == 0
        since = await client.sessions(created_after=made)
        before = await client.sessions(created_before=made)
        assert session_id in [session.id for session in since]
        assert len(since) + len(before) == len(listed)
        assert await client.count_sessions(created_before=made) == len(before)


async def test_the_other_port_is_told_from_the_right_one(runtime):
    async with SkyScanClient(runtime.gateway_url, token=runtime.token) as client:
        with pytest.raises(UnexpectedAnswer, match="a skyscan server's public API"):
            await client.sessions()


async def test_a_machine_that_nobody_knows(hub):
    async with SkyScanClient("http://no-such-machine.invalid:5001", patience_s=0) as client:
        with pytest.raises(ServerUnreachable) as caught:
            await client.sessions()
    assert "no machine of the name no-such-machine.invalid is known" in str(caught.value)
    assert "Errno" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "   "}, 'name = "   ": must be'),
        ({"name": "x", "host": "a b"}, 'host = "a b": must be a string that matches'),
    ],
)
async def test_a_rotor_has_a_name_and_a_host(ask, fields, words):
    said = await ask("POST", "/api/rotors", 422, json=fields)
    assert said["detail"].startswith(words)


async def test_blanks_around_a_name_are_no_part_of_it(ask, rotor):
    async with rotor(name="  Mast ", driver="simulated") as number:
        assert (await ask("GET", f"/api/rotors/{number}"))["name"] == "Mast"
        await ask("POST", "/api/rotors", 409, json={"name": "Mast  "})
