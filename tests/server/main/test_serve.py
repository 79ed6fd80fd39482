"""Truth: what a user of ``skyscan serve`` sees and is told."""

import json
import os
import signal
import socket
import stat
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.server.processes import HubProcess, Process, reach

pytestmark = pytest.mark.system


@pytest.fixture
def started(tmp_path):
    """Starts hubs, and ends what is left of them."""
    processes = []

    def start(*options, data=tmp_path / "data", **arguments):
        process = HubProcess(data, *options, **arguments)
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.alive:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_good_order(started, how):
    hub = started()
    hub.wait_until_ready()
    assert hub.end(how) == 0
    assert "Traceback" not in hub.output
    assert not (hub.data / "runtime.json").exists()
    assert not (hub.data / "internal.sock").exists()


def test_what_it_keeps_is_for_its_owner_alone(started, tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "hub.toml").touch()
    hub = started()
    hub.wait_until_ready()
    assert stat.S_IMODE(hub.data.stat().st_mode) == 0o700  # though somebody else had made it
    for name in (
        "runtime.json",
        "signing-key.json",
        "internal.sock",
        "skyscan.sqlite",
        "skyscan.sqlite-wal",
    ):
        mode = stat.S_IMODE((hub.data / name).stat().st_mode)
        assert mode & 0o077 == 0, f"{name}: {mode:o}"
    assert json.loads((hub.data / "runtime.json").read_text())["token"] not in hub.output


def test_it_says_where_it_is_and_leaves_no_old_socket(started):
    hub = started("--internal-port", 0)
    (hub.data / "internal.sock").touch()  # of one that was killed
    hub.wait_until_ready()
    lines = [line for line in hub.output.splitlines() if line.startswith("internal ")]
    assert [line.split()[1].rpartition(":")[0] for line in lines] == ["http://127.0.0.1"]
    assert not (hub.data / "internal.sock").exists()
    # What the migrations do is told in words of ours, once.
    assert "alembic" not in hub.output
    assert "Running upgrade" not in hub.output
    assert hub.output.count("database brought up to date") == 1


def test_a_second_hub_on_the_same_database_is_refused_with_a_way_out(started):
    first = started()
    first.wait_until_ready()
    second = Process("serve", "--data", first.data, log=first.data / "second.log")
    assert second._process.wait(30) == 2
    (line,) = [line for line in second.output.splitlines() if line.startswith("error: ")]
    assert str(first.pid) in line
    assert "PostgreSQL" in line
    assert "Traceback" not in second.output


def test_a_port_that_is_taken_is_named(started, tmp_path):
    first = started()
    port = int(first.wait_until_ready().url.rpartition(":")[2])
    second = started(data=tmp_path / "other", port=port)
    assert second._process.wait(30) == 2
    assert f"127.0.0.1:{port}: " in second.output
    assert "another port" in second.output
    assert "Traceback" not in second.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0", "--open-api"], "open_api"),  # noqa: S104 it must be refused
        (["--database", "mysql://somewhere"], "sqlite:///PATH or postgresql://"),
        (["--database", "postgresql://nobody@127.0.0.1:1/none"], "cannot be opened"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path, options, words):
    process = Process("serve", "--data", tmp_path, *options, log=tmp_path / "log")
    assert process._process.wait(30) == 2
    assert words in process.output
    assert "Traceback" not in process.output


_HEAD = b"Host: 127.0.0.1\r\nAuthorization: Bearer s3cret"
_GZIP = b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4"

MALFORMED = {
    "words": b"hello there\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\n" + _HEAD + b"\r\n\r\n",
    "header": b"GET / HTTP/1.1\r\n" + _HEAD + b"\0\r\n\r\n",
    "too long": b"GET / HTTP/1.1\r\n" + _HEAD + 20_000 * b"x" + b"\r\n\r\n",
    "address": b"GET http://[::1 HTTP/1.1\r\n" + _HEAD + b"\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\n" + _HEAD + b"\r\nContent-Length: few\r\n\r\n",
    "chunk": b"POST / HTTP/1.1\r\n" + _HEAD + b"\r\nTransfer-Encoding: chunked\r\n\r\nfew\r\n",
    "body": b"POST / HTTP/1.1\r\n" + _HEAD + b"\r\n" + _GZIP + b"\r\n\r\nnone",
}


def test_what_is_no_http_is_logged_as_the_mistake_of_its_sender(started):
    hub = started()
    runtime = hub.wait_until_ready()
    for url in (runtime.url, runtime.gateway_url):
        place = urlsplit(url)
        for kind, data in MALFORMED.items():
            with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
                connection.sendall(data)
                answer = b""
                while part := connection.recv(2**16):
                    answer += part
            assert answer.split()[1] in (b"400", b"401", b"404"), kind
    assert hub.end() == 0
    events = [json.loads(line) for line in hub.output.splitlines() if line.startswith("{")]
    assert {event["level"] for event in events} == {"info"}
    malformed = [event for event in events if event["event"].startswith("malformed request: ")]
    assert len(malformed) >= 2 * (len(MALFORMED) - 1)  # one that is not even HTTP is not logged
    assert "Traceback" not in hub.output
    assert "s3cret" not in hub.output


async def test_the_plain_specification_without_a_token(started):
    hub = started("--open-api")
    runtime = hub.wait_until_ready()
    async with aiohttp.ClientSession() as plain:
        async with plain.get(f"{runtime.url}/api/skyscan/sessions") as response:
            assert response.status == 200
        async with plain.post(f"{runtime.url}/api/skyscan/start", json={"rotor_id": 1}) as answer:
            number = (await answer.json())["id"]
        async with plain.post(f"{runtime.url}/api/rotors/1/park") as response:
            assert response.status == 401  # moving a rotor by hand is not in it
        async with plain.post(f"{runtime.url}/api/skyscan/{number}/cancel") as response:
            assert response.status == 200
        forwarded = {"X-Forwarded-For": "203.0.113.7"}
        async with plain.get(f"{runtime.url}/api/skyscan/sessions", headers=forwarded) as response:
            assert response.status == 401


async def test_a_token_from_the_command_line_is_good(started):
    hub = started()
    runtime = hub.wait_until_ready()
    asking = Process("token", "--data", hub.data, "--grant", "requester", log=hub.data / "token")
    assert asking._process.wait(30) == 0
    token = asking.output.strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as client:
        async with client.get(f"{runtime.url}/api/rotors") as response:
            assert [rotor["id"] for rotor in await response.json()] == [1]
        async with client.post(f"{runtime.url}/api/rotors/1/park") as response:
            assert response.status == 403


async def test_a_scan_goes_on_after_the_plug_was_pulled(started):
    first = started()
    async with reach(first.wait_until_ready()) as hub:
        body = {"rotor_id": 1, "el_start": 30, "el_end": 36}
        async with hub.session.post(f"{hub.url}/api/skyscan/start", json=body) as response:
            session = await response.json()
        async with hub.session.ws_connect(f"{hub.url}/ws/skyscan/{session['id']}") as socket:
            async for message in socket:
                if json.loads(message.data)["completed"] >= 20:
                    break
        first.kill()
    assert (first.data / "runtime.json").exists()  # nobody had time to tidy up
    os.truncate(first.data / "serve.log", 0)
    second = started(data=first.data)
    async with reach(second.wait_until_ready()) as hub:
        path = f"{hub.url}/ws/skyscan/{session['id']}?after=0"
        async with hub.session.ws_connect(path) as socket:
            messages = [json.loads(message.data) async for message in socket]
        assert messages[-1]["status"] == "completed"
        assert [message["number"] for message in messages] == list(range(len(messages)))
        points = [message["point"] for message in messages if message["point"]]
        async with hub.session.get(f"{hub.url}/api/skyscan/{session['id']}/data") as response:
            assert await response.json() == points
        assert len(points) == session["total_points"] == 180 * 4
    assert second.end() == 0, second.output[-3000:]
