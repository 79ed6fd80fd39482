"""Truth: the operating system's list of processes and ports, and what a browser's requests get."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest

from skyscan_lab.client.runtime import read_runtime
from tests.server.processes import SKYSCAN, HubProcess
from tests.system.labs import SOON_S

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

SMALL = {"rotor_id": 1, "az_start": 10, "az_end": 16, "el_start": 30, "el_end": 34}


def descendants(pid):
    """All processes below one, by the kernel's own account."""
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found = children.get(pid, [])
    return [*found, *(below for child in found for below in descendants(child))]


def wait_until_gone(pids):
    deadline = time.monotonic() + 30
    left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not left, [Path(f"/proc/{pid}/cmdline").read_text() for pid in left]


def listens(url):
    host, _, port = url.partition("//")[2].partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def linked_from(session, url):
    """All that a page and those behind it link to, heads and bodies."""
    found, ahead = {}, [url]
    while ahead:
        url = ahead.pop()
        async with session.get(url) as answer:
            assert answer.status == 200, url
            text = await answer.text()
        found[url] = f"{answer.raw_headers}{text}"
        links = re.findall(r'href="([^"#]+)"', text) if answer.content_type == "text/html" else []
        ahead += {urljoin(url, link) for link in links} - {*found, *ahead}
    return found


async def follow(session, url):
    """What a socket says until the server closes it."""
    async with session.ws_connect(url) as socket:
        return [json.loads(message.data) async for message in socket]


async def run_in_kernel(session, jupyter, code):
    """Run something in a kernel of JupyterLab; return what it prints."""
    async with session.post(f"{jupyter}/api/kernels", json={}) as answer:
        kernel = (await answer.json())["id"]
    head = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": uuid.uuid4().hex}
    request = {
        "header": {**head, "username": "", "version": "5.3", "date": ""},
        "parent_header": {},
        "metadata": {},
        "channel": "shell",
        "content": {"code": code, "silent": False},
    }
    said = ""
    async with session.ws_connect(f"{jupyter}/api/kernels/{kernel}/channels") as channels:
        await channels.send_json(request)
        while True:
            message = await channels.receive_json(timeout=SOON_S)
            if message["parent_header"].get("msg_id") != head["msg_id"]:
                continue
            if message["msg_type"] == "stream":
                said += message["content"]["text"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return said


ASK_THE_LAB = """
import os
from skyscan_lab.client.lab import running_lab
found = await running_lab()
print(found.url)
print(found.token in str(dict(os.environ)), "JUPYTER_TOKEN" in os.environ)
"""


async def test_from_the_first_start_to_ctrl_c(start):
    lab = start(free_ports=False)
    jupyter, token = lab.wait().groups()
    runtime = read_runtime(lab.data)
    for name, port, url in (
        ("public API", 5001, runtime.url),
        ("gateway", 5002, runtime.gateway_url),
        ("JupyterLab", 8888, jupyter),
    ):
        assert f"{name:<10}  {url}" in lab.output
        assert url.endswith(f":{port}") or f"port {port} is taken: " in lab.output
    hub = f"{jupyter}/skyscan"
    headers = {"Authorization": f"token {token}"}
    timeout = aiohttp.ClientTimeout(total=SOON_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        async with session.get(f"{jupyter}/lab") as answer:
            assert "<title>JupyterLab</title>" in await answer.text()
        async with session.get(f"{jupyter}/api/contents") as answer:
            listed = {entry["name"] for entry in (await answer.json())["content"]}
            assert "01_first_scan.ipynb" in listed

        async with session.post(f"{hub}/api/skyscan/start", json=SMALL) as answer:
            started = await answer.json()
            assert answer.status in {200, 201}, started
        updates = await follow(session, f"{hub}/ws/skyscan/{started['id']}")
        assert updates[-1]["status"] == "completed"
        assert updates[-1]["progress_pct"] == 100.0
        async with session.get(f"{hub}/api/skyscan/{started['id']}/data") as answer:
            assert len(await answer.json()) == started["total_points"] == 12

        for path in (
            "openapi.json",
            "asyncapi.json",
            "docs",
            "nothing",
            "api/skyscan/99",
            "oauth/",
        ):
            async with session.get(f"{hub}/{path}") as answer:
                said = f"{answer.raw_headers}{await answer.text()}"
            assert runtime.token not in said, path
        async with session.get(f"{hub}/docs") as answer:
            assert answer.status == 200

        printed = await run_in_kernel(session, jupyter, ASK_THE_LAB)
        assert printed.splitlines() == [runtime.url, "False False"]
    assert runtime.token not in lab.output

    below = descendants(lab.pid)
    assert len(below) >= 2  # JupyterLab, and its kernel
    assert lab.end(signal.SIGINT) == 0
    wait_until_gone(below)
    assert not any(listens(url) for url in (jupyter, runtime.url, runtime.gateway_url))
    left = {path.name for path in lab.data.iterdir()}
    assert not {"runtime.json", "lab.json", "internal.sock"} & left
    assert "Traceback" not in lab.output


async def test_a_second_start_opens_the_lab_that_runs_and_the_menu_ends_it(start, tmp_path):
    lab = start()
    address, jupyter, token = lab.wait().group(0, 1, 2)
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {opened}\n')
    browser.chmod(0o755)
    second = await asyncio.to_thread(
        subprocess.run,
        [SKYSCAN, "lab", "--browser"],
        env={**os.environ, **lab.own(), "BROWSER": f"{browser} %s"},
        capture_output=True,
        text=True,
        timeout=SOON_S,
    )
    assert second.returncode == 0, second.stderr
    assert f"{address}    runs already" in second.stderr
    page = opened.read_text().strip()
    assert page.startswith("file:///")
    assert address.partition("token=")[2] not in page
    assert address in await asyncio.to_thread(Path(page.removeprefix("file://")).read_text)

    below = descendants(lab.pid)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as session,
        session.post(f"{jupyter}/api/shutdown") as answer,
    ):
        assert answer.status == 200
    assert await asyncio.to_thread(lab.ended) == 0
    wait_until_gone(below)
    assert not (lab.data / "runtime.json").exists()


async def test_taken_ports_are_left_to_others_and_a_killed_lab_leaves_nothing(start, tmp_path):
    with ExitStack() as stack:
        servers = [
            stack.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in range(3)
        ]
        taken = [server.getsockname()[1] for server in servers]
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "hub.toml").write_text(
            f"port = {taken[0]}\ngateway_port = {taken[1]}\n"
        )
        lab = start("--port", taken[2], free_ports=False)
        jupyter, token = lab.wait().groups()
        runtime = read_runtime(lab.data)
        for port, what, url in zip(
            taken,
            ("the public API", "the gateway", "JupyterLab"),
            (runtime.url, runtime.gateway_url, jupyter),
            strict=True,
        ):
            assert f"port {port} is taken: {what} moves on" in lab.output
            assert not url.endswith(f":{port}")
            assert listens(url)
    async with aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as session:
        await run_in_kernel(session, jupyter, "print(1)")
    below = descendants(lab.pid)
    assert len(below) >= 2
    lab.kill()
    await asyncio.to_thread(wait_until_gone, below)
    lab = start()  # what was left behind is in nobody's way
    assert lab.wait()[2] != token
    assert lab.end(signal.SIGTERM) == 0


async def test_beside_a_hub_that_runs_it_is_a_guest(start, tmp_path):
    hub = HubProcess(tmp_path / "data")
    try:
        runtime = await asyncio.to_thread(hub.wait_until_ready)
        (tmp_path / "station.toml").write_text('[rotor]\ndriver = "simulated"\n')
        lab = start("--station", tmp_path / "station.toml")
        assert await asyncio.to_thread(lab.ended) == 2
        assert "has its station already" in lab.output
        lab = start()
        jupyter, token = lab.wait().groups()
        assert f"public API  {runtime.url}" in lab.output
        lab.wait_for("the hub goes on")
        headers = {"Authorization": f"token {token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{jupyter}/skyscan/api/skyscan/sessions") as answer,
        ):
            assert (answer.status, await answer.json()) == (200, [])
        assert lab.end(signal.SIGINT) == 0
        assert hub.alive
        assert listens(runtime.url)
        assert read_runtime(tmp_path / "data") == runtime
    finally:
        hub.end()


def test_a_hub_that_fails_takes_jupyterlab_with_it_and_says_so(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "hub.toml").write_text("port = 0\ngateway_port = 0\n")
    failing = (
        "import asyncio, pathlib\n"
        "from skyscan_server.domain.feeds import Feeds\n"
        "async def fail(_):\n"
        f"    while not pathlib.Path({str(data)!r}, 'lab.json').exists():\n"
        "        await asyncio.sleep(0.05)\n"
        "    raise RuntimeError('broken on purpose')\n"
        "Feeds.run = fail\n"
        "from skyscan_lab.cli.main import main\n"
        "main(['lab', '--no-browser', '--port', '0'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", failing],
        env={**os.environ, "HOME": str(tmp_path), "SKYSCAN_HOME": str(data)},
        capture_output=True,
        text=True,
        timeout=SOON_S,
    )
    assert done.returncode == 1
    words = "the hub failed, and JupyterLab has ended, too: broken on purpose\n"
    assert words in done.stderr
    (jupyter,) = re.findall(r"(http://127\.0\.0\.1:\d+)/lab", done.stderr)
    assert not listens(jupyter)
