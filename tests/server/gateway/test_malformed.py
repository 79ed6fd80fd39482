"""Whatever a node sends: its own connection may be closed in words, and nothing else happens.

Truth: the hub goes on serving another node, and logs no error of its own.
"""

import asyncio
import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
from aiohttp import WSMsgType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyscan_lab.protocol.node_link import Hello
from skyscan_lab.protocol.rpc import Done
from skyscan_server.store.database import open_database
from tests.server.gateway.hub import (
    NOON,
    ROOF,
    Closed,
    Hub,
    Options,
    ended,
    point,
    records_json,
    running,
)

MESSAGES = (
    Hello(graph=ROOF).model_dump(mode="json"),
    {"kind": "claim", "session_id": 1},
    records_json(1, 1, running(), point(0), ended()),
    {"kind": "trouble", "session_id": 1, "words": "no", "lost": True},
    {
        "kind": "snapshot",
        "rotor": "roof",
        "azimuth_deg": 1.0,
        "elevation_deg": 2.0,
        "time": NOON.isoformat(),
    },
    {"kind": "result", "request_id": 1, "value": {}},
    {"kind": "chunk", "request_id": 1, "value": {}},
    {"kind": "error", "request_id": 1, "failure": "slow", "words": "no"},
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\x00", "hello", "running", NOON.isoformat(), "roof"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def nearly_messages(draw):
    """A message with one of its parts, at any depth, replaced or taken away."""
    message = json.loads(json.dumps(draw(st.sampled_from(MESSAGES))))
    part = message
    while True:
        keys = list(part) if isinstance(part, dict) else range(len(part))
        key = draw(st.sampled_from(list(keys)))
        if isinstance(part[key], dict | list) and part[key] and draw(st.booleans()):
            part = part[key]
            continue
        if draw(st.booleans()) and isinstance(part, dict):
            del part[key]
        else:
            part[key] = draw(VALUES)
        return json.dumps(message)


FRAMES = st.one_of(
    st.text(max_size=50).map(str.encode),
    st.binary(max_size=50),
    VALUES.map(lambda value: json.dumps(value).encode()),
    nearly_messages().map(str.encode),
    st.sampled_from(MESSAGES).map(lambda message: json.dumps(message).encode()),
)


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), FRAMES), min_size=1, max_size=20))
def test_no_frame_harms_the_hub(said):
    asyncio.run(_say_all(said))


async def _say_all(said):
    with tempfile.TemporaryDirectory() as folder, structlog.testing.capture_logs() as logs:
        url = f"sqlite:///{folder}/hub.sqlite"
        async with (
            open_database(url) as database,
            Hub(database, Path(folder), Options()).serve() as hub,
            hub.node("healthy") as healthy,
        ):
            for welcomed, binary, frame in said:
                async with hub.connect("sick") as sick:
                    if welcomed:
                        await sick.hello()
                    kind = WSMsgType.BINARY if binary else WSMsgType.TEXT
                    await sick.socket._writer.send_frame(frame, kind)
                    await _still_there_or_closed_in_words(sick)
            assert await healthy.stopped(hub) == Done()
    assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []


async def _still_there_or_closed_in_words(node):
    """See that a node is either answered or told why not."""
    await node.socket.ping()
    try:
        while True:
            await node.hear(within_s=0.02)
    except TimeoutError:
        return
    except Closed as error:
        closed = error
    # 1007: aiohttp's own, for text that is no UTF-8.
    assert 4400 <= closed.code < 4500 or closed.code == 1007
    assert closed.words or closed.code == 1007


@pytest.mark.parametrize("size", [4 * 2**20 + 1, 20 * 2**20])
async def test_message_that_is_too_large_ends_the_connection(hub, size):
    """It is not even read: what the node sees may be the code, or no connection any more."""
    async with hub.node() as node:
        with suppress(ConnectionError):
            await node.socket.send_str(json.dumps({"kind": "x" * size}))
        assert (await node.closed())[0] in (1006, 1009)
    async with hub.node() as node:
        assert await node.stopped(hub) == Done()


async def test_deep_nesting_is_refused(hub):
    async with hub.node() as node:
        await node.socket.send_str('{"kind": "result", "request_id": 1, "value": ' + "[" * 100_000)
        assert (await node.closed())[0] == 4422
    async with hub.node() as node:
        assert await node.stopped(hub) == Done()
