"""Truth: what the annotations of a handler say, and HTTP as other clients speak it."""

from __future__ import annotations

import io

import pytest
from aiohttp import web
from pydantic import BaseModel

from skyscan_server.auth.scopes import Scope
from skyscan_server.web.operations import Call, Channel, Operation
from skyscan_server.web.sockets import Socket
from tests.server.web.sample import Aim


class Words(BaseModel):
    words: str


async def plain(call: Call[None, None]) -> Words: ...
async def silent(call: Call[Words | None, Words]) -> None: ...
async def makes_its_own(call: Call[None, None]) -> Words | web.Response: ...
async def untyped(call): ...
async def without_answer(call: Call[None, None]): ...
async def other_query(call: Call[None, int]) -> None: ...
async def other_parameter(call: Aim) -> None: ...
async def socket(call: Call[None, None], socket: Socket[Words | Aim, None]) -> None: ...
async def socket_with_body(call: Call[Words, None], socket: Socket[None, Words]) -> None: ...


def operation(handler, **changes):
    given = {"method": "GET", "path": "/x", "summary": "", "scope": Scope.ADMIN, **changes}
    return Operation(handler=handler, **given)


def test_the_annotations_are_read():
    signature = operation(silent).signature
    assert signature.body is not None
    assert not signature.body_needed
    assert signature.query is Words
    assert signature.answer is None
    assert operation(silent).status == 204
    assert operation(plain).status == 200
    assert operation(plain).name == "plain"
    both = operation(makes_its_own, produces=("text/csv",)).signature
    assert both.streams
    assert both.answer is not None
    channel = Channel(path="/x", handler=socket, summary="", public=True).signature
    assert channel.kinds_received == (Words, Aim)
    assert channel.sends is None


@pytest.mark.parametrize(
    ("handler", "changes", "words"),
    [
        (plain, {"scope": None}, "GET /x: must have a scope, or be public=True"),
        (plain, {"public": True}, "and not both"),
        (plain, {"path": "x"}, "path 'x': must begin with /"),
        (plain, {"path": "/{x:path}"}, "must begin with / and have"),
        (makes_its_own, {}, "GET /x: produces: must be given"),
        (plain, {"produces": ("text/csv",)}, "GET /x: produces"),
        (untyped, {}, "untyped: must take 1 parameters and say what it returns"),
        (without_answer, {}, "without_answer: must take"),
        (other_query, {}, "other_query: query <class 'int'>: must be a pydantic model"),
        (other_parameter, {}, "other_parameter: .*: must be Call"),
        (socket, {}, "socket: must take 1 parameters"),
    ],
)
def test_a_wrong_declaration_is_refused_where_it_is_written(handler, changes, words):
    with pytest.raises((TypeError, ValueError), match=words):
        operation(handler, **changes)


def test_a_socket_takes_no_body():
    with pytest.raises(TypeError, match=r"socket /x: must take Call\[None"):
        Channel(path="/x", handler=socket_with_body, summary="", public=True)


async def test_a_body_becomes_a_model_and_a_model_becomes_an_answer(client):
    async with client.post("/aims", json={"azimuth": 1, "at": "2026-02-14T12:00:00Z"}) as answer:
        assert answer.status == 201
        assert answer.headers["Location"] == "/aims/7"
        assert answer.content_type == "application/json"
        made = await answer.json()
    assert made["id"] == 7
    assert made["azimuth"] == 1.0
    assert made["at"] == "2026-02-14T12:00:00"


async def test_a_query_becomes_a_model(client):
    async with client.get("/aims?limit=1&kind=now&kind=later") as answer:
        assert [one["kind"] for one in await answer.json()] == ["later"]
    async with client.get("/aims") as answer:
        assert len(await answer.json()) == 2


async def test_a_handler_may_answer_by_itself(client):
    async with client.get("/aims/3") as answer:
        assert (await answer.json())["id"] == 3
    async with client.get("/aims/3", headers={"If-None-Match": '"1"'}) as answer:
        assert answer.status == 304
    async with client.get("/download/whole") as answer:
        assert await answer.text() == "az,el\n"
        assert answer.headers["X-Request-Id"]


async def test_nothing_is_answered_with_204(client, site):
    async with client.delete("/aims/3/files/map-1.png") as answer:
        assert answer.status == 204
        assert await answer.read() == b""
    assert site.handlers.ended == ["forgot 3 map-1.png"]


async def test_a_stream_comes_in_beyond_the_bounds_of_json(client):
    async with client.put("/upload", data=io.BytesIO(b"x" * 3_000_000)) as answer:
        assert (await answer.json())["words"] == "3000000"


@pytest.mark.parametrize(
    "path",
    [
        "/aims/x",
        "/aims/-1",
        "/aims/+1",
        "/aims/1_0",
        "/aims/1.0",
        "/aims/%201",
        "/aims/٣",
        "/aims/9223372036854775808",
        "/aims/99999999999999999999999999",
    ],
)
async def test_a_path_that_is_no_integer_of_63_bits_is_refused(client, path):
    async with client.get(path) as answer:
        assert answer.status == 422
        words = (await answer.json())["detail"]
    assert words.startswith('aim_id = "')
    assert words.endswith(": must be an integer within [0, 9223372036854775807]")


async def test_the_largest_integer_is_taken(client):
    async with client.get("/aims/9223372036854775807") as answer:
        assert (await answer.json())["id"] == 2**63 - 1


@pytest.mark.parametrize("name", [".hidden", "-rf", "..", "a%2Fb", "a%5Cb", "a%00b", "x" * 201])
async def test_a_name_is_never_a_path(client, name):
    async with client.delete(f"/aims/3/files/{name}") as answer:
        assert answer.status in (404, 405, 422)


async def test_the_name_of_another_route_is_no_bad_integer(client, site):
    """``GET /aims/forget`` fits ``/aims/{aim_id}``, and is no integer of somebody's."""
    async with client.get("/aims/forget") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        assert await answer.json() == {"detail": "GET /aims/forget: must be POST"}
    async with client.put("/aims/forget") as answer:
        assert answer.headers["Allow"] == "POST"
    async with client.post("/aims/forget") as answer:
        assert answer.status == 204
    assert site.handlers.ended == ["forgot all, said astronomer"]
