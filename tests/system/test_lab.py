"""Truth: JupyterLab's own server, asked over HTTP as a browser would ask it."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address and token of the lab that `make lab` opens, on a port that was free."""
    home = tmp_path_factory.mktemp("home")
    hidden = ("DISPLAY", "WAYLAND_DISPLAY")
    environment = {k: v for k, v in os.environ.items() if k not in hidden} | {"HOME": str(home)}
    server = subprocess.Popen(
        [Path(sys.executable).with_name("skyscan"), "lab", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in server.stderr:
            found = re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", line)
            if found:
                break
        else:
            pytest.fail(f"the lab ended with {server.wait(timeout=10)} before it said its address")
        _wait_until_it_listens(found[1])
        yield found.groups()
    finally:
        server.terminate()
        server.communicate(timeout=30)


def _wait_until_it_listens(address):
    """It says its address a moment before it listens there."""
    port = int(address.rpartition(":")[2])
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"nothing listens at {address}")


def ask(lab, path):
    address, token = lab
    request = urllib.request.Request(address + path, headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def test_it_serves_jupyterlab(lab):
    assert "<title>JupyterLab</title>" in ask(lab, "/lab")


def test_it_stands_on_the_notebooks(lab):
    listed = json.loads(ask(lab, "/api/contents"))["content"]
    assert "01_first_scan.ipynb" in {entry["name"] for entry in listed}


def test_its_kernel_is_this_environment_s(lab):
    specs = json.loads(ask(lab, "/api/kernelspecs"))
    assert specs["default"] in specs["kernelspecs"]
    assert specs["kernelspecs"][specs["default"]]["spec"]["language"] == "python"
