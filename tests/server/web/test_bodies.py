"""Truth: RFC 9110 and RFC 8259, spoken by a client that does as it is told, right or wrong."""

from __future__ import annotations

import asyncio
import gzip
import io
import json

import pytest

GOOD = {"azimuth": 1.0}


async def problem(answer, status):
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/json"
    body = await answer.json()
    assert list(body) == ["detail"]
    return body["detail"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON; charset=UTF-8",
        "application/vnd.skyscan+json",
    ],
)
async def test_json_is_taken_under_each_of_its_names(client, media_type):
    data = json.dumps(GOOD).encode()
    async with client.post("/aims", data=data, headers={"Content-Type": media_type}) as answer:
        assert answer.status == 201


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/xml",
        "text/x+json",
        "json",
    ],
)
async def test_another_media_type_is_refused(client, media_type):
    data = json.dumps(GOOD).encode()
    async with client.post("/aims", data=data, headers={"Content-Type": media_type}) as answer:
        words = await problem(answer, 415)
    assert words == f'Content-Type = "{media_type}": must be "application/json"'


async def test_a_body_without_a_media_type_is_refused(client):
    async with client.post(
        "/aims", data=json.dumps(GOOD), skip_auto_headers=["Content-Type"]
    ) as answer:
        assert 'must be "application/json"' in await problem(answer, 415)


async def test_a_body_must_be_there(client):
    async with client.post("/aims", skip_auto_headers=["Content-Type"]) as answer:
        assert await problem(answer, 422) == "body: must be given"


async def test_a_body_that_is_no_json_is_refused(client):
    headers = {"Content-Type": "application/json"}
    async with client.post("/aims", data=b"{'azimuth': 1}", headers=headers) as answer:
        assert (await problem(answer, 422)).startswith("body: must be JSON: ")


async def test_a_body_larger_than_allowed_is_refused(client):
    body = {"azimuth": 1, "name": "x" * 3000}
    async with client.post("/aims", json=body) as answer:
        assert await problem(answer, 413) == "body: must be at most 2000 bytes"


async def test_so_is_one_that_does_not_say_how_large_it_is(client):
    async def parts():
        for _ in range(30):
            yield b"x" * 100
            await asyncio.sleep(0)

    headers = {"Content-Type": "application/json"}
    async with client.post("/aims", data=parts(), headers=headers) as answer:
        assert await problem(answer, 413) == "body: must be at most 2000 bytes"


async def test_so_is_one_that_grows_when_it_is_unpacked(client):
    data = gzip.compress(json.dumps({"azimuth": 1, "name": "x" * 10_000_000}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with client.post("/aims", data=io.BytesIO(data), headers=headers) as answer:
        assert await problem(answer, 413) == "body: must be at most 2000 bytes"
    async with client.post(
        "/aims", data=gzip.compress(json.dumps(GOOD).encode()), headers=headers
    ) as answer:
        assert answer.status == 201


async def test_a_body_that_is_not_packed_as_it_says_is_refused(client):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with client.post("/aims", data=b"no gzip at all", headers=headers) as answer:
        words = await problem(answer, 422)
    assert words == "body: must be complete, and encoded as its headers say"


async def test_a_form_becomes_a_model(client):
    async with client.post("/grant", data={"grant_type": "client_credentials"}) as answer:
        assert (await answer.json())["words"] == "client_credentials"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "body: must be given"),
        (b"scope=x", "grant_type: must be given"),
        (b"grant_type=a&grant_type=b", 'grant_type = "b": must be given once'),
        (b"grant_type=a&other=b", 'other = "b": must be left out'),
        (b"grant_type", "body: must be a form"),
        (b"grant_type=%ff", "body: must be a form"),
        (b"\xff=a", "body: must be a form"),
        (b"&".join(b"a%d=1" % i for i in range(101)), "body: must be a form of at most 100"),
        (b"grant_type=a%00", 'grant_type = "a\\u0000": must be text without the character NUL'),
    ],
)
async def test_a_form_that_cannot_be_used_is_refused(client, data, words):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with client.post("/grant", data=data, headers=headers) as answer:
        assert words in await problem(answer, 422)


async def test_a_form_is_not_taken_for_json_nor_json_for_a_form(client):
    async with client.post("/grant", json={"grant_type": "x"}) as answer:
        await problem(answer, 415)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=0", 'limit = "0": must be greater than or equal to 1'),
        ("limit=x", 'limit = "x": must be an integer'),
        ("limit=", 'limit = "": must be an integer'),
        ("limit=1.0", 'limit = "1.0": must be an integer'),
        ("limit=1&limit=2", 'limit = "2": must be given once'),
        ("limits=1", 'limits = "1": must be left out, as there is no such field'),
        ("kind=now&kind=never", 'kind.1 = "never": must be "now" or "later"'),
        ("after=9223372036854775808", "after = 9223372036854775808: must be an integer within"),
        ("limit=x&kind=y", 'limit = "x": must be an integer; kind.0 = "y": must be'),
    ],
)
async def test_a_query_that_cannot_be_used_is_refused(client, query, words):
    async with client.get(f"/aims?{query}") as answer:
        assert words in await problem(answer, 422)


async def test_a_route_without_fields_refuses_what_it_would_not_heed(client):
    async with client.get("/aims/1?verbose=yes") as answer:
        words = await problem(answer, 422)
    assert words == 'verbose = "yes": must be left out, as there is no such field'
    async with client.get("/hello?utm=1") as answer:  # public: its callers may add their own
        assert answer.status == 200


async def test_a_client_may_wait_to_be_asked_for_its_body(client):
    async with client.post("/aims", json=GOOD, expect100=True) as answer:
        assert answer.status == 201
    async with client.post("/aims", json=GOOD, headers={"Expect": "200-maybe"}) as answer:
        assert await problem(answer, 417) == "Expect: '200-maybe': must be '100-continue'"
