"""Truth: a disk that takes nothing costs time and no point."""

import errno
import os

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.node_link import Trouble
from skyscan_lab.scanning.journal_file import OsJournalFile
from skyscan_server.node.shelf import Shelf
from tests.server.node.hub import running

GRID = ScanGrid(az=(0, 19), el=(20, 24), step=1)


class Disk:
    """A disk that a test can fill."""

    full = False

    def file(self, path):
        disk = self

        class Limited(OsJournalFile):
            def append(self, data):
                if disk.full:
                    super().append(data[: len(data) // 2])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                super().append(data)

        return Limited(path)


async def test_a_scan_waits_for_room_and_loses_nothing(hub, make_node):
    disk = Disk()
    hub.begin(grid=GRID)
    async with running(make_node(journal_file=disk.file)):
        await hub.until(lambda: len(hub.records[1]) > 10)
        disk.full = True
        await hub.until(lambda: hub.last(Trouble) is not None)
        assert "No space left on device" in hub.last(Trouble).words
        had = len(hub.records[1])
        await hub.until(lambda: len([m for m in hub.heard if isinstance(m, Trouble)]) >= 1)
        assert len(hub.records[1]) == had
        disk.full = False
        await hub.until(lambda: hub.status() == "completed")
        assert hub.last(Trouble).words is None
    assert hub.sequences() == list(range(GRID.size))
    assert hub.statuses() == ["running", "paused fault", "running", "completed"]


async def test_a_scan_that_cannot_begin_for_want_of_room_begins_later(hub, make_node):
    disk = Disk()
    disk.full = True
    hub.begin(grid=GRID)
    async with running(make_node(journal_file=disk.file)):
        await hub.until(lambda: hub.last(Trouble) is not None)
        assert "No space left on device" in hub.last(Trouble).words
        assert hub.records[1] == []
        disk.full = False
        await hub.until(lambda: hub.status() == "completed")
    assert hub.sequences() == list(range(GRID.size))


async def test_a_cancel_is_recorded_when_there_is_room(hub, make_node):
    disk = Disk()
    hub.begin(grid=GRID)
    async with running(make_node(journal_file=disk.file)):
        await hub.until(lambda: len(hub.records[1]) > 10)
        disk.full = True
        await hub.until(lambda: hub.last(Trouble) is not None)
        await hub.want("cancel")
        await hub.until(lambda: not hub.tasks[1].final)
        disk.full = False
        await hub.until(lambda: hub.status() == "cancelled")


async def test_a_claim_that_is_not_on_disk_starts_nothing(hub, make_node, monkeypatch):
    keep, full = Shelf.keep, True

    def sometimes(self, kept):
        if full and kept.task.claimed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "the disk")
        keep(self, kept)

    monkeypatch.setattr(Shelf, "keep", sometimes)
    hub.begin(grid=GRID)
    async with running(make_node()) as node:
        await hub.until(lambda: hub.last(Trouble) is not None)
        assert hub.last(Trouble).words == "the disk: No space left on device"
        assert hub.records[1] == []
        mount = node._mounts.get("simulated")
        assert not mount.moving
        assert (await mount.position()) == (0.0, 0.0)  # where a simulated rotor begins
        full = False
        await hub.until(lambda: hub.status() == "completed")
