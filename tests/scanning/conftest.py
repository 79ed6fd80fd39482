"""Parts to test the scan engine with: they do what real ones do, and fail on command.

A rotor and a receiver that obey `skyscan_lab.devices.base` and take no time, and a file in
memory that records the order of its operations and can run full.
"""

import asyncio
import errno
import math
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import numpy as np
import pytest

from skyscan_lab.devices.base import Measurement, Position, ReadingKey, RotorLimits
from skyscan_lab.grid import ScanGrid
from skyscan_lab.scanning import FaultPolicy, make_plan


class Connected:
    """What both devices share: connecting costs nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class QuickRotor(Connected):
    """Arrives at once, unless told to fail, to wait, or to lie."""

    name = "quick rotor"

    def __init__(self, limits: RotorLimits | None = None) -> None:
        self.limits = limits or RotorLimits((-180.0, 450.0), (0.0, 90.0))
        self.targets: list[tuple[float, float]] = []
        self.failures: deque[Exception] = deque()
        self.at_move: dict[int, Callable[[], object]] = {}  # called when that move begins
        self.reported_off_deg = 0.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.deaf = False
        self.moving = False
        self.stops = 0
        self._at = Position(0.0, 0.0)

    async def position(self) -> Position:
        return self._at

    async def move(self, azimuth_deg: float, elevation_deg: float) -> Position:
        self.limits.check(self.name, azimuth_deg, elevation_deg)
        assert not self.moving, "two moves at a time"
        self.at_move.pop(len(self.targets), lambda: None)()
        self.targets.append((azimuth_deg, elevation_deg))
        self.moving = True
        while not self.gate.is_set():
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                if not self.deaf:
                    raise
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.popleft()
        self.moving = False
        self._at = Position(azimuth_deg + self.reported_off_deg, elevation_deg)
        return self._at

    async def stop(self) -> None:
        self.stops += 1
        self.moving = False

    async def park(self) -> None:
        await self.move(0.0, 0.0)


class QuickReceiver(Connected):
    """Its readings follow from their key alone, so that any two runs can be compared."""

    name = "quick receiver"
    units = "dBm"

    def __init__(self) -> None:
        self.failures: deque[Exception] = deque()
        self.keys: list[ReadingKey | None] = []

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:
        await asyncio.sleep(0)
        self.keys.append(key)
        if self.failures and key is not None:
            raise self.failures.popleft()
        sequence = -1 if key is None else key.sequence
        values = -100.0 + 7.0 * np.sin(sequence + np.arange(reads) / 3.0)
        return Measurement(
            reads, float(values.mean()), math.nan, float(values[-1]), "linear power, uncorrected"
        )


class MemoryFile:
    """A `JournalFile` in memory: what is synced survives, and every operation is recorded.

    Parameters
    ----------
    data : bytearray
        The disk.
    operations : list of str
        Gets the name of each operation, in order.
    room : callable
        Bytes that the disk still takes.
    """

    def __init__(
        self,
        data: bytearray,
        operations: list[str] | None = None,
        room: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self.data = data
        self.operations = operations if operations is not None else []
        self.room = room
        self.sync_fails = 0

    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self.data[offset : offset + size])

    def append(self, data: bytes) -> None:
        self.operations.append("append")
        left = self.room()
        if len(data) > left:
            self.data += data[: int(left)]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.data += data

    def sync(self) -> None:
        if self.sync_fails:
            self.sync_fails -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.operations.append("sync")

    def truncate(self, size: int) -> None:
        self.operations.append("truncate")
        del self.data[size:]

    def close(self) -> None:
        self.operations.append("close")


@dataclass
class Bench:
    """Everything that one engine needs, and a disk that outlives it."""

    rotor: QuickRotor
    receiver: QuickReceiver
    disk: bytearray
    operations: list[str]
    room: float = math.inf
    path: Path = Path("memory.journal")

    def file(self, _path: Path) -> MemoryFile:
        return MemoryFile(self.disk, self.operations, lambda: self.room)


GRID = ScanGrid(az=(10, 13), el=(20, 22), step=1, order="serpentine")

PATIENT = FaultPolicy(retry_s=0.0, move_limit_s=5.0, read_limit_s=5.0, stop_limit_s=5.0)


def make_bench() -> Bench:
    return Bench(QuickRotor(), QuickReceiver(), bytearray(), [])


@pytest.fixture
def bench() -> Bench:
    """Devices and a disk, all working."""
    return make_bench()


@pytest.fixture
def parts() -> SimpleNamespace:
    """The classes themselves, for tests that make many benches."""
    return SimpleNamespace(
        make_bench=make_bench,
        MemoryFile=MemoryFile,
        QuickRotor=QuickRotor,
        QuickReceiver=QuickReceiver,
        grid=GRID,
        plan=make_plan(GRID, session="test", reads=3),
        policy=PATIENT,
    )
