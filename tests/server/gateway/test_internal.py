"""Routes for the hub's own services.

Truth: what the node and the rules say directly, and tiles evaluated in this process.
"""

import asyncio
import json
import os
import signal

import numpy as np
import pytest

from skyscan_lab.protocol.node_link import Chunk, Claim, Failed, Granted, Result, Rpc, RpcCancel
from skyscan_lab.protocol.rpc import RpcFailure
from skyscan_lab.recording import session_of
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.errors import Unavailable
from skyscan_server.domain.sessions import read_recording
from skyscan_server.gateway.gridding import sky_grid
from skyscan_server.gateway.internal import RPC_FAILURE
from skyscan_server.gateway.tile_renderer import TileRenderer
from skyscan_server.gateway.tiles import Tile, tile_values
from tests.server.gateway.hub import WHERE, point, running
from tests.server.gateway.test_tiles import read_png

ASK = {"call": {"method": "position", "rotor": "roof"}}


async def call(hub, node_id, body=ASK):
    headers = hub.bearer(scope=Scope.INTERNAL)
    async with hub.client.post(
        f"/internal/nodes/{node_id}/rpc", json=body, headers=headers
    ) as response:
        return response.status, await response.text(), response.headers


async def test_answer_of_the_node_is_handed_back(hub):
    async with hub.node() as node:
        calling = asyncio.create_task(call(hub, node.welcome.node_id, ASK | {"timeout_s": 2}))
        rpc = await node.answer(WHERE)
        assert rpc.timeout_s == 2
        status, text, headers = await calling
    assert status == 200
    assert json.loads(text)["azimuth_deg"] == WHERE["azimuth_deg"]
    assert RPC_FAILURE not in headers


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (RpcFailure.REFUSED, 502),
        (RpcFailure.OUT_OF_LIMITS, 400),
        (RpcFailure.STALE_EPOCH, 409),
        (RpcFailure.UNREACHABLE, 503),
        (RpcFailure.UNKNOWN_ROTOR, 404),
    ],
)
async def test_failure_has_its_status_and_its_name(hub, failure, status):
    async with hub.node() as node:
        calling = asyncio.create_task(call(hub, node.welcome.node_id))
        rpc = await node.hear(Rpc)
        await node.say(Failed(request_id=rpc.request_id, failure=failure, words="no"))
        answered, text, headers = await calling
    assert (answered, json.loads(text), headers[RPC_FAILURE]) == (status, {"detail": "no"}, failure)


async def test_unknown_offline_and_slow_are_told_apart(hub):
    status, _, headers = await call(hub, 4711)
    assert (status, headers[RPC_FAILURE]) == (404, "unknown_node")
    async with hub.node() as node:
        status, _, headers = await call(hub, node.welcome.node_id, ASK | {"timeout_s": 0.05})
        assert (status, headers[RPC_FAILURE]) == (503, "slow")
    while headers[RPC_FAILURE] != "offline":
        status, _, headers = await call(hub, node.welcome.node_id, ASK | {"timeout_s": 0.05})
    assert status == 503


async def test_parts_come_as_lines_while_the_call_goes_on(hub):
    async with hub.node() as node:
        url = f"/internal/nodes/{node.welcome.node_id}/rpc"
        asking = asyncio.create_task(
            hub.client.post(
                url, json=ASK | {"stream": True}, headers=hub.bearer(scope=Scope.INTERNAL)
            )
        )
        rpc = await node.hear(Rpc)
        async with await asking as response:
            assert response.content_type == "application/x-ndjson"
            for part in range(3):
                await node.say(Chunk(request_id=rpc.request_id, value={"part": part}))
                line = json.loads(await response.content.readline())
                assert line == {"kind": "chunk", "value": {"part": part}}
            await node.say(Result(request_id=rpc.request_id, value=WHERE))
            line = json.loads(await response.content.readline())
            assert line["kind"] == "result"
            assert await response.content.read() == b""


async def test_failure_of_a_stream_is_its_last_line(hub):
    async with hub.node() as node:
        body = ASK | {"stream": True}
        calling = asyncio.create_task(call(hub, node.welcome.node_id, body))
        rpc = await node.hear(Rpc)
        await node.say(Chunk(request_id=rpc.request_id, value={}))
        await node.say(
            Failed(request_id=rpc.request_id, failure=RpcFailure.UNREACHABLE, words="unplugged")
        )
        status, text, _ = await calling
    assert status == 200
    assert [json.loads(line) for line in text.splitlines()] == [
        {"kind": "chunk", "value": {}},
        {"kind": "error", "failure": "unreachable", "words": "unplugged"},
    ]


async def test_stream_of_an_unknown_node_is_refused_as_any_call(hub):
    status, _, headers = await call(hub, 4711, ASK | {"stream": True})
    assert (status, headers[RPC_FAILURE]) == (404, "unknown_node")


@pytest.mark.parametrize("stream", [False, True])
async def test_caller_that_leaves_has_the_call_cancelled(hub, stream):
    async with hub.node() as node:
        body = ASK | {"stream": stream, "timeout_s": 60}
        calling = asyncio.create_task(call(hub, node.welcome.node_id, body))
        rpc = await node.hear(Rpc)
        calling.cancel()
        assert (await node.hear(RpcCancel)).request_id == rpc.request_id


@pytest.mark.parametrize(
    "body",
    [{}, {"call": {"method": "dance"}}, ASK | {"timeout_s": 0}, ASK | {"timeout_s": 1e9}],
)
async def test_calls_that_are_none_are_refused(hub, body):
    status, text, _ = await call(hub, 1, body)
    assert status == 422, text


@pytest.mark.parametrize("scope", [Scope.NODE, Scope.ADMIN])
async def test_nobody_else_gets_in(hub, scope):
    for method, path in (
        ("POST", "/internal/nodes/1/rpc"),
        ("GET", "/internal/sessions/1/tiles/0/0/0.png"),
        ("GET", "/internal/sessions/1/tiles/0/0/0.f32"),
    ):
        async with hub.client.request(method, path, headers=hub.bearer(scope=scope)) as response:
            assert response.status == 403


async def measured(hub, points):
    """A session of 4 × 3 points, some of them measured."""
    async with hub.node() as node:
        row = await hub.scan(node)
        await node.say(Claim(session_id=row.id))
        await node.hear(Granted)
    await add(hub, row.id, 1, running(), *(point(n, mean=-90.0 - n) for n in range(points)))
    return row.id


async def add(hub, session_id, first, *records):
    await hub.ingest.store(session_id, first, records)


async def tile(hub, session_id, name, status=200, known=None):
    headers = hub.bearer(scope=Scope.INTERNAL)
    if known is not None:
        headers["If-None-Match"] = known
    path = f"/internal/sessions/{session_id}/tiles/{name}"
    async with hub.client.get(path, headers=headers) as response:
        data = await response.read()
        assert response.status == status, data
        return data, response.headers


async def test_tiles_are_those_of_the_session(hub):
    """One process renders all of this test: starting it takes most of the time."""
    session_id = await measured(hub, 5)
    recording = read_recording(await hub.sessions.recording(session_id))
    grid = sky_grid(session_of(recording), 10.0)

    raw, headers = await tile(hub, session_id, "2/0/1.f32")
    values = np.frombuffer(raw, dtype="<f4").reshape(256, 256)
    np.testing.assert_array_equal(values, tile_values(grid, Tile(2, 0, 1)))
    assert np.isfinite(values).any()

    picture, picture_headers = await tile(hub, session_id, "2/0/1.png")
    assert picture_headers["Content-Type"] == "image/png"
    np.testing.assert_array_equal(read_png(picture)[..., 3] == 255, np.isfinite(values))

    # The same as long as nothing has been added, and another afterwards.
    empty, _ = await tile(hub, session_id, "2/0/1.f32", status=304, known=headers["ETag"])
    assert empty == b""
    tags = {headers["ETag"], picture_headers["ETag"]}
    for other in ("2/0/1.png?low=-95&high=-85", "2/1/1.png", "2/0/1.png?low=-95&high=-80"):
        other_picture, other_headers = await tile(hub, session_id, other)
        assert other_headers["ETag"] not in tags
        tags.add(other_headers["ETag"])
        assert other_picture != picture
    await add(hub, session_id, 7, point(5, mean=-20.0))
    raw, new_headers = await tile(hub, session_id, "2/0/1.f32", known=headers["ETag"])
    assert new_headers["ETag"] != headers["ETag"]
    assert (np.frombuffer(raw, dtype="<f4") == -20).any()

    # A process that dies is replaced.
    [worker] = hub.renderer._pool._processes
    os.kill(worker, signal.SIGKILL)
    await tile(hub, session_id, "2/0/1.f32")
    [replaced] = hub.renderer._pool._processes
    assert replaced != worker


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("0/2/0.png", 404),
        ("9/0/0.png", 404),
        ("0/0/1.f32", 404),
        ("0/0/-1.png", 422),
        ("0/0/x.f32", 422),
        ("0/0/0.png?low=1", 422),
        ("0/0/0.png?low=2&high=1", 422),
        ("0/0/0.png?low=nan&high=1", 422),
        ("0/0/0.gif", 404),
    ],
)
async def test_tiles_that_are_none(hub, name, status):
    session_id = await measured(hub, 1)
    await tile(hub, session_id, name, status=status)
    assert hub.renderer._pool is None


async def test_tile_of_no_session(hub):
    await tile(hub, 4711, "0/0/0.png", status=404)


async def test_maps_are_made_once_and_only_some_are_kept(hub):
    renderer, made = TileRenderer(hub.sessions), []

    async def make(session_id):
        made.append(session_id)
        await asyncio.sleep(0)
        return session_id

    renderer._make_map = make
    async with renderer:
        assert await asyncio.gather(*(renderer._map(1, 5) for _ in range(10))) == [1] * 10
        for session_id in range(20):
            await renderer._map(session_id, 5)
        assert made == [1, 0, *range(2, 20)]
        assert len(renderer._maps) <= 8
        await renderer._map(19, 5)
        assert len(made) == 20


async def test_tiles_beyond_the_bound_are_refused_and_slow_ones_given_up(hub):
    renderer = TileRenderer(hub.sessions, most_waiting=2, timeout_s=0.1)

    async def never(_session_id):
        await asyncio.sleep(60)

    renderer._make_map = never
    async with renderer:
        outcome = await asyncio.gather(
            *(renderer.raw(1, 1, Tile(0, 0, 0)) for _ in range(3)), return_exceptions=True
        )
    assert all(isinstance(one, Unavailable) for one in outcome)
    words = sorted(map(str, outcome))
    assert words == [
        "2 tiles wait to be rendered already",
        "the tile was not rendered in 0.1 s",
        "the tile was not rendered in 0.1 s",
    ]
