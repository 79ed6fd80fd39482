"""Truth: real child processes, and the arguments as JupyterLab documents them."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from skyscan_server.main import jupyterlab as module
from skyscan_server.main.jupyterlab import (
    JupyterLabFailed,
    has_display,
    jupyterlab,
    lab_arguments,
    lab_environment,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def child(monkeypatch):
    """Run a child in the place of JupyterLab."""
    monkeypatch.setattr(module, "_CHILD", "tests.server.main.child")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ['PYTHONPATH']}"}
    return lambda how, **options: jupyterlab([how], environment, **options)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_says_where_it_is_and_ends_with_the_block(child):
    async with child("waits") as running:
        assert running.said.url == "http://127.0.0.1:9/lab?token=t"
        pid = running._process.pid
        assert alive(pid)
        assert os.getsid(pid) == pid  # Ctrl-C on our terminal does not reach it
    assert running._process.returncode == 0


async def test_one_that_does_not_end_is_killed(child):
    async with child("is stubborn", grace_s=0.3) as running:
        pid = running._process.pid
    assert not alive(pid)


async def test_somebody_impatient_waits_for_nobody(child):
    started = asyncio.Event()
    pids = []

    async def run():
        async with child("is stubborn", grace_s=3600) as running:
            pids.append(running._process.pid)
            started.set()
            await running.ended()

    task = asyncio.create_task(run())
    await started.wait()
    task.cancel()
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pids[0])


async def test_its_own_end_is_noticed(child):
    async with child("ends") as running:
        await running.ended()


async def test_an_end_with_an_error_is_one(child):
    async with child("breaks") as running:
        with pytest.raises(JupyterLabFailed, match="ended with status 4"):
            await running.ended()


async def test_one_that_does_not_start_says_so(child):
    with pytest.raises(JupyterLabFailed, match="ended with status 3 before it was ready"):
        async with child("fails"):
            pass


def test_it_listens_on_this_machine_alone_and_asks_nobody():
    arguments = lab_arguments(Path("/n"), 1, browser=False, root=False)
    assert {"--ServerApp.ip=127.0.0.1", "--LabApp.news_url=None"} <= {*arguments}
    assert "--ServerApp.root_dir=/n" in arguments


def test_only_root_allows_root_and_only_a_browser_is_opened():
    for yes in (True, False):
        arguments = lab_arguments(Path("/n"), 1, browser=yes, root=yes)
        assert ("--allow-root" in arguments) is yes
        assert ("--no-browser" in arguments) is not yes


def test_kernels_find_the_hub_by_its_folder(tmp_path):
    environment = lab_environment(tmp_path)
    assert environment["SKYSCAN_HOME"] == str(tmp_path)
    assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"


def test_our_defaults_come_before_those_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    ours = lab_environment(tmp_path)["JUPYTER_CONFIG_PATH"]
    (defaults,) = Path(ours, "labconfig").iterdir()
    assert json.loads(defaults.read_text())
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/of/the/user")
    assert lab_environment(tmp_path)["JUPYTER_CONFIG_PATH"] == f"{ours}:/of/the/user"


@pytest.mark.parametrize(
    ("display", "there"), [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "w"}, True)]
)
def test_where_there_is_a_display(monkeypatch, display, there):
    monkeypatch.setattr(module.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in display.items():
        monkeypatch.setenv(name, value)
    assert has_display() is there
