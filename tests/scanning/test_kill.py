"""Truth: what a process that was killed with SIGKILL had told before; the short campaign."""

import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).parents[1] / "campaigns" / "kill_scan.py"


@pytest.mark.campaign
@pytest.mark.system
def test_five_kills_lose_and_repeat_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(CAMPAIGN), "--kills", "5"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "told records lost or changed                       0" in done.stdout
