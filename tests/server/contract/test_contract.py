"""Truth: the published specification's tables, transcribed in sky_scan_api.toml."""

import asyncio
import json
import re
import tomllib
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from skyscan_server.node.credentials import enrol
from skyscan_server.node.tokens import Tokens
from tests.server.gateway.hub import PROBED, Node

CONTRACT = tomllib.loads((Path(__file__).parent / "sky_scan_api.toml").read_text())
SMALL = {"rotor_id": 1, "az_start": 10, "az_end": 16, "el_start": 30, "el_end": 34}

pytestmark = pytest.mark.system


def is_time(value):
    """Whole seconds, no suffix: 2026-02-14T02:00:15."""
    return (
        isinstance(value, str)
        and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", value) is not None
        and datetime.fromisoformat(value).tzinfo is None
    )


def is_of(kind, value):
    kinds = {
        "int": lambda: type(value) is int,
        "float": lambda: type(value) is float,
        "string": lambda: isinstance(value, str),
        "time": lambda: is_time(value),
        "status": lambda: value in CONTRACT["statuses"],
        "null": lambda: value is None,
        "point": lambda: isinstance(value, dict) and not wrong_fields("point", value),
    }
    return any(kinds[one]() for one in kind.split(" or "))


def wrong_fields(table, given):
    """Fields that are missing, that nobody asked for, or that are of another type."""
    fields = CONTRACT[table]
    missing = dict.fromkeys(fields.keys() - given.keys(), "missing")
    added = {name: given[name] for name in given.keys() - fields.keys()}
    wrong = {n: given[n] for n in fields.keys() & given.keys() if not is_of(fields[n], given[n])}
    return missing | added | wrong


async def call(hub, name, session_id=None, expect=200, **arguments):
    method, path = CONTRACT["routes"][name].split()
    path = path.replace("{session_id}", str(session_id))
    async with hub.session.request(method, hub.url + path, **arguments) as response:
        body = await response.json()
        assert response.status == expect, (name, response.status, body)
        return body


def detail_of(route, status, current=""):
    return CONTRACT["errors"][route][str(status)].replace("<current_status>", current)


async def start(hub, **fields):
    return await call(hub, "start", json=SMALL | fields)


async def until(hub, session_id, *statuses):
    async with asyncio.timeout(60):
        while True:
            session = await call(hub, "get", session_id)
            if session["status"] in statuses:
                return session
            await asyncio.sleep(0.05)


def test_the_defaults_of_the_request_are_the_specification_s():
    from skyscan_lab.protocol.skyscan import ScanRequest

    for name, field in CONTRACT["request"].items():
        ours = ScanRequest.model_fields[name]
        assert ours.annotation is {"int": int, "float": float}[field["type"]]
        assert ours.is_required() is ("default" not in field)
        if "default" in field:
            assert ours.default == field["default"]


async def test_start_answers_the_session_as_the_specification_prints_it(hub):
    session = await call(hub, "start", json={"rotor_id": 1})
    assert not wrong_fields("session", session)
    assert {name: session[name] for name in CONTRACT["started"]} == CONTRACT["started"]
    assert session["started_at"] is session["finished_at"] is session["notes"] is None
    assert await call(hub, "cancel", session["id"]) == {
        "status": CONTRACT["replies"]["cancel"],
        "session_id": session["id"],
    }
    await until(hub, session["id"], "cancelled")


async def test_a_scan_from_start_to_end(hub):
    session = await start(hub)
    done = await until(hub, session["id"], "completed")
    assert not wrong_fields("session", done)
    assert done["completed_points"] == done["total_points"] == 4 * 3
    assert done["progress_pct"] == 100.0
    assert is_time(done["started_at"])
    assert done["started_at"] <= done["finished_at"]
    points = await call(hub, "data", session["id"])
    assert [wrong_fields("point", point) for point in points] == [{}] * 12
    assert [(round(p["azimuth"]), round(p["elevation"])) for p in points] == [
        (azimuth, elevation) for elevation in (30, 32, 34) for azimuth in (10, 12, 14, 16)
    ]
    assert {point["rssi_reads"] for point in points} == {10}
    measured = [point["measured_at"] for point in points]
    assert measured == sorted(measured)


async def test_sessions_are_listed_the_most_recent_first(hub):
    first = await start(hub)
    await until(hub, first["id"], "completed")
    second = await start(hub)
    await until(hub, second["id"], "completed")
    listed = await call(hub, "list")
    assert [wrong_fields("session", session) for session in listed] == [{}] * len(listed)
    numbers = [session["id"] for session in listed]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[:2] == [second["id"], first["id"]]


async def test_pause_holds_the_scan_and_resume_picks_it_up(hub):
    # A grid that takes long enough to be paused in its middle.
    session = await start(hub, az_end=350, rssi_iterations=20)
    number = session["id"]
    await until(hub, number, "running")
    reply = await call(hub, "pause", number)
    assert reply == {"status": CONTRACT["replies"]["pause"], "session_id": number}
    held = await until(hub, number, "paused")
    assert held["completed_points"] < held["total_points"]
    points = await call(hub, "data", number)
    await asyncio.sleep(0.3)
    assert await call(hub, "data", number) == points
    reply = await call(hub, "resume", number)
    assert reply == {"status": CONTRACT["replies"]["resume"], "session_id": number}
    done = await until(hub, number, "completed")
    assert len(await call(hub, "data", number)) == done["total_points"]


async def test_cancel_keeps_what_is_measured(hub):
    session = await start(hub, az_end=350, rssi_iterations=20)
    number = session["id"]
    async with hub.session.ws_connect(f"{hub.url}/ws/skyscan/{number}") as socket:
        async for message in socket:
            if json.loads(message.data)["completed"] >= 3:
                break
    await call(hub, "cancel", number)
    ended = await until(hub, number, "cancelled")
    points = await call(hub, "data", number)
    assert 3 <= len(points) == ended["completed_points"] < ended["total_points"]
    assert ended["progress_pct"] < 100.0
    assert is_time(ended["finished_at"])


@pytest.mark.parametrize("name", ["get", "data", "pause", "resume", "cancel"])
async def test_a_session_that_is_not_there(hub, name):
    body = await call(hub, name, 999_999, expect=404)
    assert body == {"detail": detail_of(name, 404)}


async def test_a_rotor_that_is_not_there(hub):
    body = await call(hub, "start", expect=404, json={"rotor_id": 999_999})
    assert body == {"detail": detail_of("start", 404)}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("pause", "completed"),
        ("resume", "completed"),
        ("cancel", "completed"),
        ("pause", "cancelled"),
        ("resume", "cancelled"),
        ("cancel", "cancelled"),
        ("resume", "running"),
        ("pause", "paused"),
    ],
)
async def test_what_cannot_be_done_in_a_status(hub, name, status):
    session = await start(hub, az_end=12 if status == "completed" else 350, rssi_iterations=20)
    number = session["id"]
    if status == "completed":
        await until(hub, number, "completed")
    elif status == "cancelled":
        await call(hub, "cancel", number)
        await until(hub, number, "cancelled")
    else:
        await until(hub, number, "running")
        if status == "paused":
            await call(hub, "pause", number)
            await until(hub, number, "paused")
    try:
        body = await call(hub, name, number, expect=400)
        assert body == {"detail": detail_of(name, 400, status)}
    finally:
        if status in ("running", "paused"):
            await call(hub, "cancel", number)
            await until(hub, number, "cancelled")


@pytest.fixture
async def pending(hub, runtime):
    """A session that stays pending: its node answers, and begins nothing."""
    node_url = f"{hub.url}/api/nodes"
    async with hub.session.post(f"{node_url}/enrolments", json={"installation": "idle"}) as answer:
        code = (await answer.json())["code"]
    async with aiohttp.ClientSession(runtime.gateway_url) as http:
        credentials = await enrol(http, runtime.gateway_url, code)
        token = await Tokens(http, runtime.gateway_url, credentials).token()
        headers = {"Authorization": f"Bearer {token}"}
        async with http.ws_connect("/v1/ws/node", headers=headers) as socket:
            node = await Node(socket).hello()
            async with hub.session.get(f"{hub.url}/api/rotors") as answer:
                rotor = (await answer.json())[-1]["id"]
            starting = asyncio.create_task(start(hub, rotor_id=rotor))
            await node.answer(PROBED, method="probe")
            yield (await starting)["id"]
        async with hub.session.delete(f"{node_url}/{node.welcome.node_id}") as answer:
            assert answer.status == 204


async def test_a_pending_session_can_be_cancelled_and_nothing_else(hub, pending):
    assert (await call(hub, "get", pending))["status"] == "pending"
    for name in ("pause", "resume"):
        body = await call(hub, name, pending, expect=400)
        assert body == {"detail": detail_of(name, 400, "pending")}
    assert (await call(hub, "get", pending))["status"] == "pending"
    assert await call(hub, "data", pending) == []
    assert await call(hub, "cancel", pending) == {
        "status": CONTRACT["replies"]["cancel"],
        "session_id": pending,
    }
    ended = await until(hub, pending, "cancelled")
    assert not wrong_fields("session", ended)
    assert (ended["completed_points"], ended["started_at"]) == (0, None)
    body = await call(hub, "cancel", pending, expect=400)
    assert body == {"detail": detail_of("cancel", 400, "cancelled")}


async def test_the_socket_tells_each_point_and_each_status(hub):
    session = await start(hub)
    number, messages = session["id"], []
    async with hub.session.ws_connect(f"{hub.url}/ws/skyscan/{number}") as socket:
        async for message in socket:
            assert message.type is aiohttp.WSMsgType.TEXT
            messages.append(json.loads(message.data))
    assert [wrong_fields("message", message) for message in messages] == [{}] * len(messages)
    assert {message["session_id"] for message in messages} == {number}
    assert {message["total"] for message in messages} == {12}
    assert messages[-1]["status"] == "completed"
    assert messages[-1]["point"] is None
    assert messages[-1]["progress_pct"] == 100.0
    assert all(message["progress_pct"] < 100.0 for message in messages[:-1])
    completed = [message["completed"] for message in messages]
    assert completed == sorted(completed)
    # From wherever it was when we came, every point is there once, as /data has it.
    points = [message["point"] for message in messages if message["point"] is not None]
    assert points == (await call(hub, "data", number))[messages[0]["completed"] :]
    assert len(points) == 12 - messages[0]["completed"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"rotor_id": None}, "rotor_id"),
        ({"rotor_id": "one"}, "rotor_id"),
        ({"el_start": 95}, "el_start"),
        ({"el_start": 50, "el_end": 20}, "el_end"),
        ({"az_start": 0, "az_end": 400}, "az_start, az_end"),
        ({"step_deg": 0}, "step_deg"),
        ({"rssi_iterations": 0}, "rssi_iterations"),
    ],
)
async def test_a_request_that_cannot_be_used_says_which_field(hub, fields, named):
    body = await call(hub, "start", expect=422, json=SMALL | fields)
    assert list(body) == ["detail"]
    assert body["detail"].startswith(f"{named} = ")
    assert "must be" in body["detail"]


async def test_a_second_scan_on_a_busy_rotor_is_refused(hub):
    session = await start(hub, az_end=350, rssi_iterations=20)
    body = await call(hub, "start", expect=409, json=SMALL)
    assert f"scan {session['id']}" in body["detail"]
    await call(hub, "cancel", session["id"])
    await until(hub, session["id"], "cancelled")


async def test_a_rotor_without_a_server_is_503_and_leaves_nothing_behind(hub, unused_tcp_port):
    rotor = {"name": "Nobody there", "port": unused_tcp_port}
    async with hub.session.post(f"{hub.url}/api/rotors", json=rotor) as response:
        number = (await response.json())["id"]
    before = await call(hub, "list")
    body = await call(hub, "start", expect=503, json=SMALL | {"rotor_id": number})
    assert body == {"detail": detail_of("start", 503)}
    assert await call(hub, "list") == before
    async with hub.session.delete(f"{hub.url}/api/rotors/{number}") as response:
        assert response.status == 204
