"""Truth: how often a server of the test's own was asked, and what it then did."""

import asyncio

import pytest
from aiohttp import web

from skyscan_lab.client import (
    ApiError,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    Refused,
    ServerUnreachable,
    Unavailable,
    UnexpectedAnswer,
    Upstream,
)
from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_lab.errors import FileError, InvalidInput, InvalidTransition
from skyscan_lab.grid import ScanGrid
from skyscan_lab.io import save_session
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.session import session_from_points
from tests.client.small_server import (
    SmallServer,
    lose_answer,
    lose_request,
    never_answer,
    say,
    say_as_a_proxy,
)

GRID = ScanGrid(az=(350, 10), el=(20, 30), step=5, order="serpentine", fast_axis="elevation")
START = ("POST", "/api/skyscan/start")
PASSING = {
    "cut": lose_request,
    "answer lost": lose_answer,
    "proxy 502": say_as_a_proxy(502),
    "proxy 504": say_as_a_proxy(504),
    "503": say(503, "the server is shutting down"),
}


async def test_a_scan_is_started_as_the_grid_says(server, client):
    session = await client.start(GRID, 1, reads=3, title="Roof", notes="windy", clip=True)
    assert session.id == 1
    assert session.status is ScanStatus.PENDING
    asked = server.scans[1].request
    assert asked.grid == GRID
    assert (asked.rotor_id, asked.rssi_iterations, asked.clip) == (1, 3, True)
    assert (asked.title, asked.notes) == ("Roof", "windy")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"reads": 0}, "reads = 0: must be greater than or equal to 1"),
        ({"rotor": "roof"}, "rotor = 'roof'"),
        ({"title": "x" * 201}, "title"),
    ],
)
async def test_what_cannot_be_asked_for_is_not_sent(server, client, wrong, words):
    with pytest.raises(InvalidInput, match=words):
        await client.start(GRID, **{"rotor": 1, **wrong})
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (404, NotFound),
        (409, Conflict),
        (418, ApiError),
        (422, InvalidRequest),
        (500, ApiError),
        (502, Upstream),
        (503, Unavailable),
        (504, ApiError),
    ],
)
async def test_a_refused_start_is_an_answer(server, client, status, kind):
    server.faults[START].append(say(status, "Cannot connect to rotctld"))
    with pytest.raises(kind, match=r"^Cannot connect to rotctld$") as caught:
        await client.start(GRID, 1)
    assert caught.value.status == status
    assert server.count(*START) == 1


@pytest.mark.parametrize(
    "fault", [lose_request, lose_answer, never_answer, say_as_a_proxy(502), say_as_a_proxy(504)]
)
async def test_a_start_without_an_answer_is_not_repeated(server, client, monkeypatch, fault):
    monkeypatch.setattr("skyscan_lab.client.scans._START_S", 0.3)
    server.faults[START].append(fault)
    with pytest.raises(OutcomeUnknown, match=r"client.sessions\(limit=1\) shows"):
        await client.start(GRID, 1)
    assert server.count(*START) == 1


async def test_a_start_that_was_not_even_sent_is_repeated(server, client):
    await client.sessions()  # it has been there
    await server.stop()
    starting = asyncio.create_task(client.start(GRID, 1))
    await asyncio.sleep(0.3)
    await server.start()
    assert (await starting).id == 1
    assert server.count(*START) == 1


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_reading_is_repeated(server, client, fault):
    server.add().run_to_the_end()
    for call, path in (
        (client.sessions(), "/api/skyscan/sessions"),
        (client.detail(1), "/api/skyscan/1/detail"),
        (client.data(1), "/api/skyscan/1/data"),
        (client.rotors(), "/api/rotors"),
    ):
        server.faults["GET", path].extend([fault, fault])
        assert await call
        assert server.count("GET", path) == 3


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("pause", ScanStatus.RUNNING, ScanStatus.PAUSED),
        ("resume", ScanStatus.PAUSED, ScanStatus.RUNNING),
        ("cancel", ScanStatus.RUNNING, ScanStatus.CANCELLED),
        ("cancel", ScanStatus.PAUSED, ScanStatus.CANCELLED),
    ],
)
async def test_orders_are_repeated_to_the_same_end(server, client, fault, verb, before, after):
    scan = server.add()
    scan.become(before)
    path = f"/api/skyscan/1/{verb}"
    server.faults["POST", path].append(fault)
    reply = await getattr(client, verb)(1)
    assert (reply.session_id, scan.status) == (1, after)
    assert reply.status == {"pause": "pausing", "resume": "resuming", "cancel": "cancelling"}[verb]
    assert server.count("POST", path) == 2
    assert len(scan.messages) == 3, "it has had its effect once"


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
async def test_a_refused_order_is_an_answer(server, client, verb):
    server.add().run_to_the_end()
    with pytest.raises(Refused, match=rf"^Cannot {verb} scan in 'completed' state"):
        await getattr(client, verb)(1)
    assert server.count("POST", f"/api/skyscan/1/{verb}") == 1


async def test_a_lost_answer_does_not_hide_a_refusal(server, client):
    server.add().run_to_the_end()
    server.faults["POST", "/api/skyscan/1/pause"].append(lose_request)
    with pytest.raises(Refused, match="Cannot pause scan in 'completed' state"):
        await client.pause(1)


async def test_sessions_are_listed_as_asked(server, client):
    for rotor in (1, 1, 2):
        server.add(rotor_id=rotor)
    server.scans[1].run_to_the_end()
    assert [s.id for s in await client.sessions()] == [3, 2, 1]
    assert [s.id for s in await client.sessions(limit=1)] == [3]
    assert [s.id for s in await client.sessions(limit=1, offset=1)] == [2]
    assert [s.id for s in await client.sessions(status="completed")] == [1]
    assert [s.id for s in await client.sessions(status=ScanStatus.PENDING, rotor=1)] == [2]


async def test_notes_are_changed_and_taken_away(server, client):
    server.add()
    assert (await client.set_notes(1, "windy")).notes == "windy"
    assert (await client.set_notes(1, None)).notes is None
    with pytest.raises(InvalidInput, match="notes"):
        await client.set_notes(1, "x" * 10_001)


async def test_points_and_detail(server, client):
    server.add().run_to_the_end()
    points = await client.data(1)
    assert [point.azimuth for point in points] == list(range(1, 11))
    detail = await client.detail(1)
    assert (detail.number, detail.units, detail.rotor_name) == (12, "dBm", "Roof")


async def test_a_session_arrives_as_it_is(server, client, tmp_path):
    ds = session_from_points([1, 2], [20, 20], [-92.25, -91.5], units="dBm")
    server.export = save_session(ds, tmp_path / "session.nc").read_bytes()
    server.add()
    path = ("GET", "/api/skyscan/1/export")
    server.faults[path].extend([break_off, lose_request, say(503, "store away")])
    received = await client.session(1)
    assert received.identical(ds)
    assert server.count(*path) == 4


async def break_off(request, answer):
    """Send half of a file, and hang up."""
    whole = await answer()
    response = await begin(request, len(whole.body))
    await response.write(whole.body[: len(whole.body) // 2])
    request.transport.abort()
    raise ConnectionResetError


async def begin(request, length):
    response = web.StreamResponse(headers={"Content-Length": str(length)})
    await response.prepare(request)
    return response


async def test_what_arrives_and_is_no_session(server, client):
    server.export = b"no session"
    server.add()
    with pytest.raises(FileError, match=r"session-1\.nc"):
        await client.session(1)


async def test_a_server_that_never_was_there_is_not_waited_for(unused_tcp_port):
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with asyncio.timeout(10):
        async with SkyScanClient(url, patience_s=600.0) as client:
            with pytest.raises(ServerUnreachable, match="connection refused") as caught:
                await client.rotors()
    assert f"{url} cannot be reached" in str(caught.value)
    assert "start it with 'skyscan serve'" in str(caught.value)


async def test_an_answer_that_never_comes(server):
    server.faults["GET", "/api/rotors"].extend([never_answer] * 9)
    async with SkyScanClient(server.url, timeout_s=0.1, patience_s=0.25) as client:
        with pytest.raises(ServerUnreachable, match="no answer in time"):
            await client.rotors()
    assert 1 < server.count("GET", "/api/rotors") < 9


async def test_no_patience_is_one_try(server):
    # aiohttp itself makes a GET again at once, once.
    server.faults["GET", "/api/rotors"].extend([lose_request] * 2)
    async with SkyScanClient(server.url, patience_s=0) as client:
        with pytest.raises(ServerUnreachable, match="the connection was lost"):
            await client.rotors()
        assert len(await client.rotors()) == 1


async def elsewhere(request, answer):
    raise web.HTTPFound("http://elsewhere.example/login")


async def test_redirects_are_not_followed(server, client):
    server.faults["GET", "/api/rotors"].append(elsewhere)
    with pytest.raises(UnexpectedAnswer, match=r"302 and points to http://elsewhere.example"):
        await client.rotors()


async def a_page(request, answer):
    return web.Response(text="<html>Welcome to nginx!</html>", content_type="text/html")


async def test_another_server_is_recognized(server, client):
    server.faults["GET", "/api/rotors"].append(a_page)
    with pytest.raises(UnexpectedAnswer, match="is this the address of a skyscan server's public"):
        await client.rotors()
    with pytest.raises(NotFound, match="404 Not Found"):
        await client.position(7)


async def test_what_does_not_speak_http():
    async def serve(reader, writer):
        writer.write(b"RPRT -1\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        async with SkyScanClient(f"http://127.0.0.1:{port}", patience_s=0) as client:
            with pytest.raises(UnexpectedAnswer, match="this is not HTTP"):
                await client.rotors()


async def test_a_server_behind_a_path():
    server = SmallServer("/user/ada/skyscan")
    await server.start()
    server.add().run_to_the_end()
    async with SkyScanClient(f"{server.url}/") as client:
        assert [session.id for session in await client.sessions(limit=1)] == [1]
        assert len([update async for update in client.watch(1)]) == 13
    await server.stop()


async def test_no_tls_is_said_at_once(server):
    url = server.url.replace("http:", "https:")
    async with SkyScanClient(url, patience_s=600.0) as client:
        with pytest.raises(ServerUnreachable, match="TLS"):
            await client.rotors()
        with pytest.raises(ServerUnreachable, match="TLS"):
            await anext(client.watch(1))


async def test_a_client_that_is_not_open_says_so(server):
    client = SkyScanClient(server.url)
    with pytest.raises(InvalidTransition, match="async with SkyScanClient"):
        await client.rotors()
    async with client:
        with pytest.raises(InvalidTransition, match="open already"):
            await client.__aenter__()
        assert client.url == server.url
    with pytest.raises(InvalidTransition, match="async with SkyScanClient"):
        client.watch(1)
    async with client:  # once more
        assert await client.rotors()


@pytest.mark.parametrize("wrong", [{"timeout_s": 0}, {"heartbeat_s": -1}, {"patience_s": -1}])
def test_times_that_cannot_be(wrong):
    ((name, _),) = wrong.items()
    with pytest.raises(InvalidInput, match=name):
        SkyScanClient("http://127.0.0.1:5001", **wrong)


async def test_scan_starts_and_follows(server, client):
    seen = []
    async for update in client.scan(GRID, 1, reads=2, title="Roof"):
        if not seen:
            server.scans[1].run_to_the_end()
        seen.append(update)
    assert [update.number for update in seen] == list(range(GRID.size + 3))
    assert seen[-1].status is ScanStatus.COMPLETED


async def test_leaving_scan_early_leaves_it_running(server, client):
    async for update in client.scan(GRID, 1):
        session_id = update.session_id
        break
    server.scans[session_id].become(ScanStatus.RUNNING)
    await asyncio.sleep(0.05)
    assert server.scans[session_id].status is ScanStatus.RUNNING
    assert not any(path.endswith("cancel") for _, path in server.requests)
