"""Truth: what was really sent and answered; and that no secret is among it."""

from __future__ import annotations

import re

import pytest
from structlog.testing import capture_logs


async def test_each_request_has_an_id_of_its_own(client):
    seen = set()
    for _ in range(3):
        async with client.get("/aims") as answer:
            seen.add(answer.headers["X-Request-Id"])
    assert len(seen) == 3
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]+", one) for one in seen)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-DEF_1.2", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a;b", False),
        ("é", False),
        ("", False),
    ],
)
async def test_an_id_from_outside_is_kept_if_it_is_short_and_plain(client, given, kept):
    for path in ("/aims", "/nothing", "/download/whole"):
        async with client.get(path, headers={"X-Request-Id": given}) as answer:
            assert (answer.headers["X-Request-Id"] == given) is kept


async def test_a_request_is_logged_by_its_template_and_without_secrets(client, site):
    token = site.token()
    with capture_logs() as events:
        async with client.get("/aims/12"):
            pass
        async with client.get(f"/aims?limit=3&token={token}"):
            pass
        async with client.post("/aims", json={"azimuth": 1, "name": "a secret"}):
            pass
        async with client.get(f"/nothing?token={token}"):
            pass
        async with client.ws_connect(f"/ws/rooms/1?token={token}") as socket:
            await socket.send_json({"kind": "stop"})
            await socket.receive(5)
        async with client.get("/aims"):
            pass
    logged = [(one["event"], one["method"], one["path"], one["status"]) for one in events]
    assert logged == [
        ("request", "GET", "/aims/{aim_id}", 200),
        ("request", "GET", "/aims", 422),
        ("request", "POST", "/aims", 201),
        ("request", "GET", "(no route)", 404),
        ("socket", "GET", "/ws/rooms/{room_id}", 101),
        ("request", "GET", "/aims", 200),
    ]
    assert events[0]["subject"] == "astronomer"
    assert events[3]["subject"] is None
    assert all(one["ms"] >= 0 for one in events)
    assert token not in str(events)
    assert "secret" not in str(events)


async def test_what_is_asked_all_the_time_is_logged_quietly(client):
    with capture_logs() as events:
        for path in ("/healthz", "/readyz", "/metrics"):
            async with client.get(path) as answer:
                assert answer.status == 200
    assert [one["log_level"] for one in events] == ["debug"] * 3


async def figures(client):
    async with client.get("/metrics") as answer:
        text = await answer.text()
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


async def test_requests_are_counted_by_template_and_status(client, site):
    for path in ("/aims/1", "/aims/2", "/aims/x", "/nothing", "/nothing/else"):
        async with client.get(path):
            pass
    async with client.ws_connect("/ws/rooms/1"):
        found = await figures(client)
    counted = {
        name.removeprefix("skyscan_http_requests_total"): value
        for name, value in found.items()
        if name.startswith("skyscan_http_requests_total")
    }
    assert counted == {
        '{method="GET",path="/aims/{aim_id}",status="200"}': 2.0,
        '{method="GET",path="/aims/{aim_id}",status="422"}': 1.0,
        '{method="-",path="(no route)",status="404"}': 2.0,
    }
    seconds = 'skyscan_http_request_seconds_count{method="GET",path="/aims/{aim_id}"}'
    assert found[seconds] == 3.0
    assert found['skyscan_open_sockets{path="/ws/rooms/{room_id}"}'] == 1.0
    assert found['skyscan_open_sockets{path="/ws/lines/{room_id}"}'] == 0.0
    assert (await figures(client))['skyscan_open_sockets{path="/ws/rooms/{room_id}"}'] <= 1.0


async def test_there_is_room_for_the_figures_of_others(client, site):
    site.metrics.gauge("skyscan_nodes", "Nodes connected.", lambda: 3)
    site.metrics.counter("skyscan_points", "Points stored.", ["node"]).labels("roof").inc(7)
    found = await figures(client)
    assert found["skyscan_nodes"] == 3.0
    assert found['skyscan_points_total{node="roof"}'] == 7.0


async def test_figures_come_in_the_form_that_is_asked_for(client):
    async with client.get("/metrics", headers={"Accept": "text/plain"}) as answer:
        assert answer.content_type == "text/plain"
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with client.get("/metrics", headers=accept) as answer:
        assert answer.content_type == "application/openmetrics-text"
        assert (await answer.text()).endswith("# EOF\n")
