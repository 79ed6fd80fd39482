"""Truth: the table in skyscan_server.domain.errors, and that nothing inside is told outside."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from structlog.testing import capture_logs

from skyscan_server.domain import errors
from skyscan_server.store.errors import StoreAway, StoreFull
from skyscan_server.web.failures import CLIENT_LEFT
from skyscan_server.web.refusals import words_of
from tests.server.web.sample import eventually


@pytest.mark.parametrize(
    ("why", "status", "words"),
    [
        ("gone", 404, "Scan session not found"),
        ("state", 400, "Cannot pause scan in 'completed' state (must be running)"),
        ("value", 422, "step_deg = 0: must be within [1e-6, 180]"),
        ("scope", 403, "not for requesters"),
        ("busy", 409, "rotor 1 is scanning session 4"),
        ("rotctld", 502, "rotctld answered RPRT -6"),
        ("offline", 503, "Cannot connect to rotctld"),
        ("input", 422, "az = 400: must be within [0, 360]"),
        ("teapot", 451, "Unavailable For Legal Reasons"),
    ],
)
async def test_what_is_raised_on_purpose_is_answered_in_its_words(client, why, status, words):
    async with client.post(f"/fail/{why}") as answer:
        assert answer.status == status
        assert answer.content_type == "application/json"
        assert await answer.json() == {"detail": words}


def test_every_refusal_of_the_domain_has_a_status():
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.DomainError)
        and kind is not errors.DomainError
    ]
    assert len(kinds) == 7
    for kind in kinds:
        error = kind("a", 1, "b") if kind is errors.Invalid else kind("a")
        assert words_of(error) is not None, kind


@pytest.mark.parametrize("kind", [StoreFull, StoreAway])
def test_a_store_that_takes_nothing_is_not_available_and_no_bug(kind):
    assert words_of(kind("the database is full")) == (503, "the database is full")


@pytest.mark.parametrize("why", ["bug", "domain"])
async def test_anything_else_is_answered_without_a_word_of_it(client, why):
    with capture_logs() as events:
        async with client.post(f"/fail/{why}", headers={"X-Request-Id": "abc-1"}) as answer:
            assert answer.status == 500
            assert await answer.json() == {"detail": "internal error, request abc-1"}
    (failed,) = [event for event in events if event["event"] == "request failed"]
    assert failed["exc_info"].__class__.__name__ in ("ZeroDivisionError", "DomainError")


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "no such path: /nothing"),
        ("GET", "/aims/1/2/3", 404, "no such path: /aims/1/2/3"),
        ("PUT", "/aims", 405, "PUT /aims: must be GET or POST"),
        ("POST", "/aims/1", 405, "POST /aims/1: must be GET"),
        ("OPTIONS", "/aims", 405, "OPTIONS /aims: must be GET or POST"),
    ],
)
async def test_what_the_router_refuses_has_the_same_shape(client, method, path, status, words):
    async with client.request(method, path) as answer:
        assert answer.status == status
        assert await answer.json() == {"detail": words}
        assert ("Allow" in answer.headers) is (status == 405)


async def test_what_takes_too_long_is_given_up(client, site):
    async with client.get("/slow") as answer:
        assert answer.status == 503
        assert await answer.json() == {"detail": "not answered within 0.2 s"}
    assert site.handlers.ended == ["slow"]


async def test_an_answer_that_breaks_off_is_seen_to_be_broken(client, caplog):
    with capture_logs() as events:
        async with client.get("/download/broken") as answer:
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
    broken, logged = events
    assert broken["event"] == "answer broken off"
    assert logged["status"] == 500
    assert caplog.records == []
    async with client.get("/download/whole") as answer:
        assert await answer.text() == "az,el\n"


async def test_a_client_that_leaves_is_no_failure(client, site, caplog):
    with capture_logs() as events:
        asking = asyncio.create_task(client.get("/patient"))
        await site.handlers.started.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with client.get("/aims") as answer:
            assert answer.status == 200
    assert all(event["log_level"] not in ("warning", "error") for event in events)


async def speak(site, *lines, body=b""):
    """Send a request as it is written here, with its token."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = [lines[0], f"Host: 127.0.0.1:{site.port}", *lines[1:]]
    head += [f"{name}: {value}" for name, value in site.bearer().items()]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    return reader, writer


async def test_a_body_too_large_is_refused_before_it_comes(client, site):
    reader, writer = await speak(
        site,
        "POST /aims HTTP/1.1",
        "Content-Type: application/json",
        "Content-Length: 100000000",
    )
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_client_that_takes_nothing_of_an_answer_is_cut_off(client, site):
    with capture_logs() as events:
        _, writer = await speak(site, "GET /download/endless HTTP/1.1")
        writer.transport.pause_reading()
        await eventually(lambda: "answer broken off" in [event["event"] for event in events])
        await eventually(lambda: not site.runner.server.connections)
    writer.close()


async def test_a_client_that_leaves_in_mid_sentence_is_no_failure(client, site, caplog):
    with capture_logs() as events:
        _, writer = await speak(
            site,
            "PUT /upload HTTP/1.1",
            "Content-Type: application/octet-stream",
            "Content-Length: 1000",
            body=b"0123456789",
        )
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await eventually(lambda: events)
    (event,) = events
    assert event["status"] == CLIENT_LEFT
    assert event["log_level"] == "info"
    assert caplog.records == []
