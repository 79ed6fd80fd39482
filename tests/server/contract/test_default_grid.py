"""Truth: the published page, as somebody read it who wrote plain_client.py from it alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_a_plain_client_follows_the_default_grid_to_its_end(runtime):
    script = Path(__file__).with_name("plain_client.py")
    done = subprocess.run(
        [sys.executable, script, runtime.url, runtime.token],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["points"] == 4320
    assert found["told live"] > 4000
    assert found["range"] > 10, "a sky of one brightness is no sky"
