"""Truth: what a hub had been told before a node was killed, and the signals of its command."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from skyscan_lab.grid import ScanGrid
from skyscan_lab.scanning import read_journal
from tests.server.node.hub import SECRET

GRID = ScanGrid(az=(0, 15), el=(20, 29), step=1)
MAIN = "from skyscan_server.main.node import node_command; node_command()"

PATIENCE_S = 60.0  # processes take a while to start on a busy machine

pytestmark = pytest.mark.system


class Process:
    """A node of its own, as a user starts it."""

    def __init__(self, hub, folder):
        self.folder = folder
        self.config = folder / "node.toml"
        self.config.write_text(
            f'[node]\nname = "test"\nhub = "{hub.url}"\ndata = "data"\n'
            f'client_id = "node-1"\nclient_secret = "{SECRET}"\n'
        )
        self.start()

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", MAIN, "--config", str(self.config)],
                stderr=log,
                stdout=log,
                env={**os.environ, "SKYSCAN_TIME_SCALE": "1000"},
            )

    def send(self, number):
        self.process.send_signal(number)

    async def ended(self):
        return await asyncio.to_thread(self.process.wait, 20)

    @property
    def log(self):
        return (self.folder / "log").read_text()


@pytest.fixture
async def process(hub, tmp_path):
    process = Process(hub, tmp_path)
    yield process
    process.process.kill()
    process.process.wait()


async def test_a_killed_node_goes_on_where_it_was(hub, process):
    hub.begin(grid=GRID)
    await hub.until(lambda: len(hub.records[1]) > 30, PATIENCE_S)
    process.send(signal.SIGKILL)
    await process.ended()
    had = len(hub.records[1])
    await hub.stop()  # and the hub is down, too
    process.start()
    journal = process.folder / "data" / "journals" / "session-1.journal"
    before = len(read_journal(journal).entries)
    assert before >= had
    size = journal.stat().st_size
    await hub.until(lambda: journal.stat().st_size > size + 3000, PATIENCE_S)
    assert len(read_journal(journal).entries) > before
    await hub.start()
    await hub.until(lambda: hub.status() == "completed", PATIENCE_S)
    assert hub.sequences() == list(range(GRID.size))
    assert hub.statuses() == ["running", "completed"]
    assert hub.gaps == 0


async def test_signals(hub, process):
    hub.begin(grid=ScanGrid(az=(0, 90), el=(20, 60), step=1))
    await hub.until(lambda: len(hub.records[1]) > 10, PATIENCE_S)
    process.send(signal.SIGUSR1)
    await hub.until(lambda: hub.status().startswith("paused"))
    assert "user" in hub.status()
    await hub.want("run")
    await hub.until(lambda: hub.status() == "running")
    process.send(signal.SIGTERM)
    assert await process.ended() == 0
    assert SECRET not in process.log
    journal = process.folder / "data" / "journals" / "session-1.journal"
    assert (
        hub.records[1] == [e.record for e in read_journal(journal).entries][: len(hub.records[1])]
    )
    assert (process.folder / "data" / "node.lock").read_text() == ""
