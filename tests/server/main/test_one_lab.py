"""Truth: a second process of the kernel's own making, and the file on the disk."""

import asyncio
import stat
import subprocess
import sys

import pytest

from skyscan_server.main.jupyterlab import Said
from skyscan_server.main.one_lab import LAB_FILE, LabBusy, lab_of, say_where

SAID = Said(url="http://127.0.0.1:8888/lab?token=secret", open_file="/there.html")
HOLD = (
    "import sys; from pathlib import Path\n"
    "from skyscan_server.main.one_lab import lab_lock\n"
    "with lab_lock(Path(sys.argv[1])) as ours: print(ours, flush=True); sys.stdin.read()\n"
)


@pytest.fixture
def holder(tmp_path):
    """Another process that is the lab."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    yield process
    process.communicate()


async def test_the_first_one_is_the_lab_and_leaves_nothing(tmp_path):
    async with lab_of(tmp_path / "new") as other:
        assert other is None
        await say_where(tmp_path / "new", SAID)
        assert stat.S_IMODE((tmp_path / "new" / LAB_FILE).stat().st_mode) == 0o600
    assert not (tmp_path / "new" / LAB_FILE).exists()


async def test_the_second_one_is_told_where_the_first_is(tmp_path, holder):
    await say_where(tmp_path, SAID)
    async with lab_of(tmp_path) as other:
        assert other == SAID
    assert (tmp_path / LAB_FILE).exists()  # it is the other's


async def test_one_that_is_about_to_start_is_waited_for(tmp_path, holder):
    async def say_soon():
        await asyncio.sleep(0.3)
        await say_where(tmp_path, SAID)

    async with asyncio.TaskGroup() as group:
        group.create_task(say_soon())
        async with lab_of(tmp_path) as other:
            assert other == SAID


async def test_one_that_was_killed_is_replaced_and_its_address_forgotten(tmp_path, holder):
    await say_where(tmp_path, SAID)
    holder.kill()
    holder.wait()
    async with lab_of(tmp_path) as other:
        assert other is None
        assert not (tmp_path / LAB_FILE).exists()


async def test_one_that_says_nothing_is_named(tmp_path, holder):
    with pytest.raises(LabBusy, match="another skyscan lab has this folder"):
        async with lab_of(tmp_path, start_s=0.2):
            pass
