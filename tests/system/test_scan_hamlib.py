"""Truth: hamlib's own rotctld and rigctld, whose dummy rotator moves at 6°/s."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from skyscan_lab.devices.rigctld import RigctldReceiver
from skyscan_lab.devices.rotctld import RotctldRotor
from skyscan_lab.devices.settle import Settling
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import PointRecord, StatusRecord
from skyscan_lab.scanning import read_journal, scan

pytestmark = [
    pytest.mark.system,
    pytest.mark.program("rotctld"),
    pytest.mark.program("rigctld"),
]

GRID = ScanGrid(az=(4, 7), el=(3, 5), step=1, order="serpentine")
SPEED_DEG_S = 6.0
SETTLING = Settling(tolerance_deg=0.05, settle_s=0.1)


class Hamlib:
    """One of hamlib's servers, which can be killed and started again on its port."""

    def __init__(self, program: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._command = (program, "-m", "1", "-T", "127.0.0.1", "-t", str(self.port))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


@contextlib.asynccontextmanager
async def hamlib(program: str) -> AsyncIterator[Hamlib]:
    server = Hamlib(program)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@contextlib.asynccontextmanager
async def running_scan(rotctld: Hamlib, rigctld: Hamlib, path: Path):
    async with (
        RotctldRotor("127.0.0.1", rotctld.port, settling=SETTLING) as rotor,
        RigctldReceiver("127.0.0.1", rigctld.port) as receiver,
        scan(GRID, rotor, receiver, reads=2, journal=path) as running,
    ):
        yield running


def check(path: Path) -> list[PointRecord]:
    """Check what a whole scan must look like, and return its points."""
    records = [entry.record for entry in read_journal(path).entries]
    statuses = [record.status for record in records if isinstance(record, StatusRecord)]
    assert statuses == [ScanStatus.RUNNING, ScanStatus.COMPLETED]
    points = [record for record in records if isinstance(record, PointRecord)]
    assert [point.sequence for point in points] == list(range(GRID.size))
    for point, visit in zip(points, GRID.visits(), strict=True):
        assert abs(point.azimuth_deg - visit.azimuth_deg) <= SETTLING.tolerance_deg
        assert abs(point.elevation_deg - visit.elevation_deg) <= SETTLING.tolerance_deg
    return points


async def test_a_small_scan_at_the_true_speed(tmp_path: Path) -> None:
    path = tmp_path / "hamlib.journal"
    async with (
        hamlib("rotctld") as rotctld,
        hamlib("rigctld") as rigctld,
        running_scan(rotctld, rigctld, path) as running,
    ):
        assert await running.wait() is ScanStatus.COMPLETED
    points = check(path)
    # No point was read before the rotor can have been there.
    fastest_s = (1.0 - 2.0 * SETTLING.tolerance_deg) / SPEED_DEG_S + SETTLING.settle_s
    for before, after in pairwise(points):
        assert (after.time - before.time).total_seconds() >= fastest_s
    assert int(running.session().rssi.count()) == GRID.size


async def test_rotctld_killed_and_restarted_in_mid_scan(tmp_path: Path) -> None:
    path = tmp_path / "hamlib.journal"
    async with (
        hamlib("rotctld") as rotctld,
        hamlib("rigctld") as rigctld,
        running_scan(rotctld, rigctld, path) as running,
    ):
        async for point in running:
            if point.sequence == 4:
                await rotctld.kill()
                await asyncio.sleep(0.5)
                # It comes back pointing at 0, 0, and knows of no target.
                await rotctld.start()
        assert running.status is ScanStatus.COMPLETED
    check(path)
