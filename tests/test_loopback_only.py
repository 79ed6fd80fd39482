"""Truth: the issue's word that tests, notebooks and docs reach loopback and nothing else.

Every attempt here is refused before a packet is made; 192.0.2.1 and 2001:db8:: are set aside
for documentation, so that even without the guard nobody would be there.
"""

import asyncio
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

REFUSED = "only loopback may be reached here"
REACH_OUT = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "10.0.0.1"])
def test_no_connection_leaves_this_machine(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as outgoing, pytest.raises(PermissionError, match=REFUSED):
        outgoing.connect((address, 80))


def test_no_datagram_leaves_this_machine():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
        with pytest.raises(PermissionError, match=REFUSED):
            outgoing.sendto(b"hello", ("192.0.2.1", 9))
        with pytest.raises(PermissionError, match=REFUSED):
            outgoing.sendmsg([b"hello"], [], 0, ("192.0.2.1", 9))


@pytest.mark.parametrize(
    "look_up", [socket.gethostbyname, lambda name: socket.getaddrinfo(name, 80)]
)
def test_no_name_is_looked_up(look_up):
    with pytest.raises(PermissionError, match=REFUSED):
        look_up("example.org")


def test_code_above_meets_the_error_of_a_machine_without_network():
    with pytest.raises(urllib.error.URLError, match=REFUSED):
        urllib.request.urlopen("http://example.org/", timeout=5)


async def test_asyncio_is_guarded_too():
    with pytest.raises(PermissionError, match=REFUSED):
        await asyncio.open_connection("192.0.2.1", 80)


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_loopback_is_reached(family, host):
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        socket.create_connection((host, port), timeout=5).close()


def test_localhost_is_reached_by_name():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_child_processes_are_guarded():
    child = subprocess.run(
        [sys.executable, "-c", REACH_OUT], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.returncode == 1
    assert REFUSED in child.stderr


def test_the_environment_alone_guards_a_process():
    # What the Makefile does for the documentation: no pytest, only PYTHONPATH.
    child = subprocess.run(
        [sys.executable, "-c", REACH_OUT],
        env={"PYTHONPATH": os.environ["PYTHONPATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert REFUSED in child.stderr


def test_notebook_kernels_are_guarded():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(REACH_OUT)])
    with pytest.raises(CellExecutionError, match=REFUSED):
        NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
