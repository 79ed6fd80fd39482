"""Truth: hubs that are served, and a database that another process holds."""

import os
import subprocess
import sys

import pytest

from skyscan_lab.client.private_file import write_private
from skyscan_lab.client.runtime import RUNTIME_FILE, Runtime
from skyscan_server.main.lab_hub import hub_of_lab, wait_until_ready
from skyscan_server.settings import load_settings
from skyscan_server.store.errors import StoreInUse

HOLD = (
    "import sys; from pathlib import Path\n"
    "from skyscan_server.store.one_hub import held\n"
    "with held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()\n"
)


@pytest.fixture
def settings(tmp_path):
    return load_settings(tmp_path, port=0, gateway_port=0)


async def test_the_first_serves_one_and_the_second_finds_it(settings):
    async with hub_of_lab(settings, None) as first:
        assert first.ours
        assert await wait_until_ready(first)
        async with hub_of_lab(settings, None) as second:
            assert not second.ours
            assert (second.url, second.gateway_url) == (first.url, first.gateway_url)
        assert await wait_until_ready(first)  # the guest has left, the host is there


async def test_a_file_that_was_left_behind_is_no_hub(settings, unused_tcp_port):
    url = f"http://127.0.0.1:{unused_tcp_port}"
    left = Runtime.model_validate(
        {"url": url, "gateway_url": url, "token": "t.t.t", "pid": os.getpid()}
    )
    write_private(settings.data / RUNTIME_FILE, left.model_dump_json().encode())
    async with hub_of_lab(settings, None) as hub:
        assert hub.ours
        assert hub.url != url


@pytest.fixture
def holder(tmp_path):
    """A process that has the database, and answers nobody."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "skyscan.sqlite"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate()


async def test_a_database_in_use_by_nobody_who_answers_is_an_error(settings, holder):
    with pytest.raises(StoreInUse, match=f"process {holder.pid}"):
        async with hub_of_lab(settings, None, start_s=0.3):
            pass


async def test_a_hub_that_does_not_get_ready_is_not_waited_for_for_ever(settings):
    async with hub_of_lab(settings, None) as hub:
        gone = hub
    assert not await wait_until_ready(gone, ready_s=0.1)
