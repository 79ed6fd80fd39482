"""Truth: what was to be scanned, point by point, with the kernel's own full disk in between."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaigns.full_disk import NAMESPACE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def _may_mount(tmp_path):
    command = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", tmp_path]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"needs a mount of its own, as root or in a user namespace: {done.stderr}")


@pytest.mark.campaign
@pytest.mark.system
@pytest.mark.program("mount")
@pytest.mark.program("unshare")
@pytest.mark.usefixtures("_may_mount")
@pytest.mark.timeout(300)
def test_a_full_disk_is_told_and_loses_nothing_and_all_goes_on_when_there_is_room():
    command = [sys.executable, "-m", "tests.campaigns.full_disk", "--short"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
