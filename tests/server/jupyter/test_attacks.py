"""Truth: what a hub and a bystander's server were asked, and the token, sought in all that came."""

import asyncio
import json

import pytest

from tests.server.jupyter.servers import HUB_TOKEN, FakeHub

pytestmark = pytest.mark.system

ELSEWHERE = "https://elsewhere.example"


@pytest.fixture
async def bystander(tmp_path):
    """A server on this machine that nobody may be led to."""
    async with FakeHub().running(tmp_path) as running:
        yield running


async def status_of(session, method, url, **arguments):
    async with session.request(method, url, **arguments) as answer:
        await answer.read()
        return answer.status


async def upgrade(session, url, **headers):
    """Status of the answer to an upgrade."""
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", **key, **headers}
    async with session.get(url, headers=asked) as answer:
        return answer.status


async def raw(jupyter, target, method="GET", headers=()):
    """Status of the answer to a request line that no client would send."""
    port = int(jupyter.origin.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
    lines += [f"Authorization: token {jupyter.token}", *headers]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def test_whom_jupyter_does_not_know_the_hub_does_not_see(jupyter, hub, stranger, method):
    assert await status_of(stranger, method, jupyter.hub("/api/rotors")) == 403
    assert hub.asked == []


async def test_whom_jupyter_does_not_know_opens_no_socket(jupyter, hub, stranger):
    assert await upgrade(stranger, jupyter.hub("/ws/echo")) == 403
    assert hub.asked == []


async def test_the_hub_s_own_token_opens_nothing_here(jupyter, hub, stranger):
    bearer = {"Authorization": f"Bearer {HUB_TOKEN}"}
    assert await status_of(stranger, "GET", jupyter.hub("/x"), headers=bearer) == 403
    assert hub.asked == []


async def test_a_browser_reads_and_opens_sockets_by_its_cookie(jupyter, hub, browser):
    origin = {"Origin": jupyter.origin, "Referer": f"{jupyter.url}lab"}
    assert await status_of(browser, "GET", jupyter.hub("/api/rotors"), headers=origin) == 200
    assert await upgrade(browser, jupyter.hub("/ws/echo"), **origin) == 101


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_changes_something_needs_jupyter_s_proof_of_its_own_page(
    jupyter, hub, browser, cookies, method
):
    url, origin = jupyter.hub("/api/rotors"), {"Origin": jupyter.origin}
    assert await status_of(browser, method, url, headers=origin) == 403
    assert hub.asked == []
    proof = {**origin, "X-XSRFToken": cookies["_xsrf"]}
    assert await status_of(browser, method, url, headers=proof) == 200


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "http://127.0.0.1:1"])
async def test_a_page_from_elsewhere_gets_nothing_by_its_reader_s_cookie(
    jupyter, hub, browser, cookies, origin
):
    headers = {"Origin": origin, "X-XSRFToken": cookies["_xsrf"]}
    for method in ("GET", "POST", "DELETE"):
        assert await status_of(browser, method, jupyter.hub("/x"), headers=headers) in {403, 404}
    assert await upgrade(browser, jupyter.hub("/ws/echo"), **headers) == 403
    assert hub.asked == []


@pytest.mark.parametrize(
    ("forbidden", "refused"),
    [
        ("read skyscan", {"GET", "HEAD"}),
        ("write skyscan", {"POST", "PUT", "PATCH", "DELETE"}),
        ("execute skyscan", {"socket"}),
    ],
)
async def test_jupyter_s_authorizer_is_asked(jupyter, hub, script, forbidden, refused):
    headers = {"X-Forbid": forbidden}
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        status = await status_of(script, method, jupyter.hub("/x"), headers=headers)
        assert status == (403 if method in refused else 200), method
    status = await upgrade(script, jupyter.hub("/ws/echo"), **headers)
    assert status == (403 if "socket" in refused else 101)


async def test_the_hub_sees_no_secret_of_jupyter_and_no_trace_of_the_browser(
    jupyter, hub, browser, cookies
):
    secrets = {
        "Origin": jupyter.origin,
        "Referer": f"{jupyter.url}lab?token={jupyter.token}",
        "X-XSRFToken": cookies["_xsrf"],
        "X-Forwarded-For": "10.0.0.1",
        "X-Real-IP": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "Remote-User": "ada",
        "X-Auth-Token": "of a proxy",
        "Sec-Fetch-Site": "same-origin",
        "TE": "trailers",
    }
    url = jupyter.hub(f"/x?a=1&token={jupyter.token}&%74oken=2&b=2&_xsrf={cookies['_xsrf']}")
    async with browser.post(url, headers=secrets, data=b"{}") as answer:
        said = await answer.json()
    assert said["path"] == "/x?a=1&b=2"
    seen = {name.lower(): value for name, value in said["headers"]}
    assert seen.pop("authorization") == f"Bearer {HUB_TOKEN}"
    assert seen.pop("host") == f"127.0.0.1:{hub.port}"
    assert seen.keys() <= {
        *("accept", "accept-encoding", "content-type", "content-length", "user-agent"),
    }


async def test_a_socket_shows_the_hub_no_more(jupyter, hub, browser):
    origin = {"Origin": jupyter.origin}
    async with browser.ws_connect(jupyter.hub("/ws/headers?token=x"), headers=origin) as socket:
        seen = {name.lower(): value for name, value in await socket.receive_json(timeout=30)}
    assert hub.asked == [("GET", "/ws/headers")]
    assert seen.pop("authorization") == f"Bearer {HUB_TOKEN}"
    assert seen.pop("host") == f"127.0.0.1:{hub.port}"
    handshake = {"upgrade", "connection", "sec-websocket-version", "sec-websocket-key"}
    assert seen.keys() <= handshake | {"accept", "accept-encoding", "user-agent"}


PATHS = [
    "..",
    ".",
    "../..",
    "api/../x",
    "api/./x",
    "%2e%2e/x",
    "%2E./x",
    "api/.%2e",
    "..%2fx",
    "api%2fx",
    "%2f127.0.0.1:{port}/x",
    "/127.0.0.1:{port}/x",
    "//127.0.0.1:{port}/x",
    "http://127.0.0.1:{port}/x",
    "http:%2f%2f127.0.0.1:{port}/x",
    "api//x",
    "\\127.0.0.1:{port}\\x",
    "%5c%5c127.0.0.1:{port}/x",
    "x%00",
    "x%0d%0aX-Injected:%20y",
    "x%7f",
    "x%zz",
    "x%2",
    "x<y>",
    'x"y',
    "x\xe9",
    "x#y",
]


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_leads_out_of_the_hub_s_root(jupyter, hub, bystander, path):
    target = jupyter.hub("/").raw_path + path.format(port=bystander.port)
    assert await raw(jupyter, target) == 400
    assert hub.asked == []
    assert bystander.asked == []


@pytest.mark.parametrize("path", ["x\\y", "../x", "//127.0.0.1:{port}/"])
async def test_no_socket_leads_out_either(jupyter, hub, bystander, script, path):
    async with script.ws_connect(jupyter.hub("/" + path.format(port=bystander.port))) as socket:
        assert (await socket.receive(timeout=30)).data == 4400
    assert hub.asked == []
    assert bystander.asked == []


@pytest.mark.parametrize("path", ["@127.0.0.1:{port}/x", ":{port}/x", "x@127.0.0.1:{port}"])
async def test_what_looks_like_a_host_is_a_path_of_the_hub(jupyter, hub, bystander, path):
    path = path.format(port=bystander.port)
    assert await raw(jupyter, jupyter.hub("/").raw_path + path) == 200
    assert hub.asked == [("GET", f"/{path}")]
    assert bystander.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "{jupyter}"])
async def test_a_request_line_with_a_host_leads_nowhere(jupyter, hub, bystander, host):
    host = host.format(port=bystander.port, jupyter=jupyter.origin.partition("//")[2])
    assert await raw(jupyter, f"http://{host}{jupyter.hub('/x').raw_path}") == 404
    assert hub.asked == []
    assert bystander.asked == []


@pytest.mark.parametrize("query", ["a=\xe9", "a=\x7f"])
async def test_a_query_that_is_not_printable_is_refused(jupyter, hub, query):
    assert await raw(jupyter, f"{jupyter.hub('/x').raw_path}?{query}") == 400
    assert hub.asked == []


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth", "/OAuth/authorize", "/%6fauth/token"])
async def test_no_browser_is_given_a_token(jupyter, hub, script, path):
    for method in ("GET", "POST"):
        assert await status_of(script, method, jupyter.hub(path)) == 403
    assert hub.asked == []


async def test_two_lengths_of_one_body_are_no_way_to_smuggle(jupyter, hub):
    both = ["Content-Length: 4", "Transfer-Encoding: chunked"]
    assert await raw(jupyter, jupyter.hub("/x").raw_path, "POST", both) == 400
    await asyncio.sleep(0.1)
    assert hub.asked in ([], [("POST", "/x")])


async def test_the_token_is_in_nothing_that_reaches_the_browser(jupyter, hub, script):
    paths = ["/", "/nothing", "/oauth/x", "/..", "/half", "/silent", "/status?code=401"]
    paths += [f"/status?code={code}" for code in (400, 404, 500)]
    paths += [f"/redirect?to=http://127.0.0.1:{hub.port}/x", "/redirect?to=http://else.example/"]
    came = []
    for path in paths:
        async with script.get(jupyter.hub(path), allow_redirects=False) as answer:
            came.append(repr(answer.raw_headers))
            if path != "/" and path != "/nothing":  # where this hub shows what it was sent
                came.append((await answer.content.read(10)).decode())
    hub.leave_file(jupyter.home, url="nonsense")
    async with script.get(jupyter.hub("/x")) as answer:
        came.append(await answer.text())
    assert json.loads(came[-1])["detail"].startswith("the hub cannot be found")
    assert all(HUB_TOKEN not in one for one in came)
    assert HUB_TOKEN not in jupyter.output
