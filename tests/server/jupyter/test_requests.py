"""Truth: what the hub was asked, by its own account, and what arrives at the browser's end."""

import asyncio
import hashlib
import io
import json
import re
from pathlib import Path

import aiohttp
import pytest

from tests.server.jupyter.servers import FakeHub

pytestmark = pytest.mark.system

MIB = 2**20


async def ask(session, method, url, **arguments):
    async with session.request(method, url, **arguments) as answer:
        return answer, await answer.read()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_method_path_query_and_body_arrive_as_sent(jupyter, hub, script, method):
    body = None if method == "GET" else '{"az": 12.5}'
    path = "/api/rotors/1/a%20b;c=d/%C3%A9?x=1&y=%2F%3f+&x=2&flag"
    _, said = await ask(
        script, method, jupyter.hub(path), data=body, headers={"Content-Type": "text/x"}
    )
    said = json.loads(said)
    assert said["method"] == method
    assert said["path"] == path
    assert said["body"] == (body or "")
    assert dict(said["headers"])["Content-Type"] == "text/x"


async def test_nothing_is_said_that_the_browser_did_not_say(jupyter, hub, script):
    unsaid = {"Accept", "Accept-Encoding", "Content-Type", "User-Agent"}
    for method, body in (("GET", None), ("POST", b"{}")):
        _, said = await ask(script, method, jupyter.hub("/x"), data=body, skip_auto_headers=unsaid)
        names = {name for name, _ in json.loads(said)["headers"]}
        assert names - {"Content-Length"} == {"Host", "Authorization"}


async def test_the_root_is_the_hub_s(jupyter, hub, script):
    _, said = await ask(script, "GET", jupyter.hub("/"))
    assert json.loads(said)["path"] == "/"


async def test_head_has_the_head_alone(jupyter, hub, script):
    answer, body = await ask(script, "HEAD", jupyter.hub("/etag"))
    assert (answer.status, body) == (200, b"")
    assert answer.headers["ETag"] == '"3"'
    assert answer.headers["Content-Length"] == "5"


async def test_what_the_browser_has_is_not_sent_again(jupyter, hub, script):
    answer, body = await ask(script, "GET", jupyter.hub("/etag"), headers={"If-None-Match": '"3"'})
    assert (answer.status, body) == (304, b"")


@pytest.mark.parametrize("status", [200, 202, 400, 403, 404, 409, 422, 500, 503])
async def test_status_and_body_are_the_hub_s(jupyter, hub, script, status):
    answer, body = await ask(script, "GET", jupyter.hub(f"/status?code={status}&text=why"))
    assert (answer.status, body) == (status, b"why")


async def test_no_content_is_none(jupyter, hub, script):
    answer, body = await ask(script, "POST", jupyter.hub("/status?code=204"))
    assert (answer.status, body) == (204, b"")


async def test_headers_of_an_answer_pass_but_those_of_one_connection_and_of_an_origin(
    jupyter, hub, script
):
    said = {
        "X-Total-Count": "31",
        "Content-Disposition": 'attachment; filename="4.nc"',
        "Vary": "Origin",
        "Connection": "X-Hop",
        "X-Hop": "by hop",
        "Set-Cookie": "jupyter=mine",
        "Access-Control-Allow-Origin": "https://elsewhere.example",
        "Clear-Site-Data": '"*"',
        "Service-Worker-Allowed": "/",
        "Strict-Transport-Security": "max-age=1",
        "Content-Security-Policy": "default-src 'none'",
    }
    answer, _ = await ask(
        script, "GET", jupyter.hub("/headers").update_query(set=json.dumps([*said.items()]))
    )
    arrived = {name for name in said if said[name] in answer.headers.getall(name, [])}
    passed = {"X-Total-Count", "Content-Disposition", "Vary", "Content-Security-Policy"}
    assert arrived == passed
    assert "jupyter" not in answer.cookies


@pytest.mark.parametrize("own", [[], [["Content-Security-Policy", "default-src 'self'"]]])
async def test_a_page_of_the_hub_runs_nothing_as_jupyter(jupyter, hub, script, own):
    url = jupyter.hub("/headers").update_query(set=json.dumps(own))
    answer, _ = await ask(script, "GET", url)
    policies = answer.headers.getall("Content-Security-Policy")
    assert policies == [*(value for _, value in own), "sandbox; frame-ancestors 'self'"]


@pytest.mark.parametrize(
    ("to", "seen"),
    [
        ("/api/rotors?limit=1#2", "{root}api/rotors?limit=1#2"),
        ("http://127.0.0.1:{port}/docs", "{root}docs"),
        ("below", "{root}below"),
    ],
)
async def test_a_redirect_within_the_hub_stays_below_jupyter(jupyter, hub, script, to, seen):
    url = jupyter.hub("/redirect").update_query(to=to.format(port=hub.port))
    answer, _ = await ask(script, "GET", url, allow_redirects=False)
    root = jupyter.hub("/").raw_path
    assert (answer.status, answer.headers["Location"]) == (307, seen.format(root=root))


@pytest.mark.parametrize(
    "to",
    [
        *("https://elsewhere.example/", "//elsewhere.example/", "http://127.0.0.1:9/"),
        *("file:///x", "http://[", "javascript:alert(1)"),
    ],
)
async def test_a_redirect_away_from_the_hub_is_none(jupyter, hub, script, to):
    url = jupyter.hub("/redirect").update_query(to=to)
    answer, body = await ask(script, "GET", url, allow_redirects=False)
    assert answer.status == 502
    assert "Location" not in answer.headers
    assert "another server" in json.loads(body)["detail"]


def memory(pid, what="VmRSS"):
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024


async def test_long_bodies_pass_through_without_being_held(jupyter, hub, script):
    before = memory(jupyter.pid)
    pieces = 1600  # 100 MiB

    async def upload():
        for _ in range(pieces):
            yield bytes(2**16)

    _, said = await ask(script, "POST", jupyter.hub("/count"), data=upload())
    assert json.loads(said) == {"received": pieces * 2**16}
    received = 0
    async with script.get(jupyter.hub(f"/stream?pieces={pieces}")) as answer:
        async for piece in answer.content.iter_any():
            received += len(piece)
    assert received == pieces * 2**16
    assert memory(jupyter.pid, "VmHWM") - before < 30 * MIB


async def test_a_body_with_a_length_keeps_it(jupyter, hub, script):
    body = bytes(3 * MIB)
    _, said = await ask(script, "POST", jupyter.hub("/anything"), data=io.BytesIO(body))
    said = json.loads(said)
    assert dict(said["headers"])["Content-Length"] == str(len(body))
    assert hashlib.sha256(said["body"].encode("latin-1")).digest() == hashlib.sha256(body).digest()


async def test_a_piece_arrives_before_the_next_one_is_made(jupyter, hub, script):
    async with script.get(jupyter.hub("/dribble")) as answer:
        assert await answer.content.read(5) == b"first"
        await ask(script, "GET", jupyter.hub("/go_on"))
        assert await answer.read() == b"second"


async def test_the_hub_waits_for_a_browser_that_does_not_read(jupyter, hub, script):
    async with script.get(jupyter.hub("/stream?pieces=4000")) as answer:
        sent = -1
        while sent != hub.sent:
            sent = hub.sent
            await asyncio.sleep(0.3)
        assert sent < 64 * MIB
        answer.close()


@pytest.mark.parametrize("bytes_", [10, 8 * MIB])
async def test_a_refusal_arrives_though_nobody_read_the_body(jupyter, hub, script, bytes_):
    answer, body = await ask(script, "POST", jupyter.hub("/refuse"), data=io.BytesIO(bytes(bytes_)))
    assert (answer.status, json.loads(body)) == (413, {"detail": "too much"})


async def test_a_hub_that_says_nothing_is_given_up(jupyter, hub, script):
    answer, body = await ask(script, "GET", jupyter.hub("/silent"))
    assert answer.status == 504
    assert "in time" in json.loads(body)["detail"]


@pytest.mark.parametrize("path", ["/half", "/half_chunked"])
async def test_half_an_answer_is_not_taken_for_a_whole_one(jupyter, hub, script, path):
    async with script.get(jupyter.hub(path)) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_without_a_hub_it_says_how_to_start_one(jupyter, script):
    for method in ("GET", "POST"):
        answer, body = await ask(script, method, jupyter.hub("/api/rotors"), data=b"{}")
        assert answer.status == 503
        assert "skyscan lab starts one" in json.loads(body)["detail"]


async def test_a_hub_that_was_killed_is_none_though_its_file_is_there(jupyter, hub, script):
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    hub.leave_file(jupyter.home, pid=process.pid)
    answer, _ = await ask(script, "GET", jupyter.hub("/api/rotors"))
    assert answer.status == 503
    assert hub.asked == []


async def test_a_file_that_others_may_read_is_not_used(jupyter, hub, script):
    (jupyter.home / "runtime.json").chmod(0o644)
    answer, body = await ask(script, "GET", jupyter.hub("/api/rotors"))
    assert answer.status == 503
    assert "chmod 600" in json.loads(body)["detail"]


async def test_a_hub_that_ends_without_a_word_is_away(jupyter, hub, script, unused_tcp_port):
    hub.leave_file(jupyter.home, url=f"http://127.0.0.1:{unused_tcp_port}")
    answer, body = await ask(script, "GET", jupyter.hub("/api/rotors"))
    assert answer.status == 503
    assert "does not listen" in json.loads(body)["detail"]


@pytest.mark.parametrize("url", ["nonsense", "http://[", "file:///x", "//127.0.0.1"])
async def test_an_address_that_is_none_is_said_to_be_none(jupyter, hub, script, url):
    hub.leave_file(jupyter.home, url=url)
    answer, body = await ask(script, "GET", jupyter.hub("/api/rotors"))
    assert answer.status == 503
    assert "is not its address" in json.loads(body)["detail"]


async def test_after_a_restart_at_another_port_the_next_request_arrives(jupyter, script):
    for _ in range(2):
        async with FakeHub().running(jupyter.home) as hub:
            answer, _ = await ask(script, "GET", jupyter.hub("/api/rotors"))
            assert answer.status == 200
            assert hub.asked == [("GET", "/api/rotors")]


async def test_a_hub_that_does_not_take_its_own_token_is_at_fault(jupyter, hub, script):
    answer, body = await ask(script, "GET", jupyter.hub("/status?code=401"))
    assert answer.status == 502  # 401 would say that Jupyter's user must log in
    assert "token" in json.loads(body)["detail"]
