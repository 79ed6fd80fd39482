"""Truth: what a hub had been told before a node was killed, and the signals of its command."""

import signal

import pytest

from skyscan_lab.grid import ScanGrid
from skyscan_lab.scanning import read_journal
from tests.server.node.hub import SECRET
from tests.server.node.processes import Process

GRID = ScanGrid(az=(0, 15), el=(20, 29), step=1)

PATIENCE_S = 60.0  # processes take a while to start on a busy machine

pytestmark = pytest.mark.system


@pytest.fixture
async def process(hub, tmp_path):
    process = Process(hub, tmp_path)
    yield process
    process.end()


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
