"""What a scan costs beyond what the rotor and the receiver cost anyway.

1. A scan of 131 × 41 points at 1° against the simulated station, through a rotctld socket for
   the rotor and a rigctld socket for the receiver, run five times faster than real. Beside it
   the ideal: the sum over all points of dwell, settling and the trapezoidal move of the slower
   axis. A twentieth more is allowed.
2. The engine's own overhead per point: devices that take no time, a journal on a real disk.
   Two milliseconds are allowed; a bare write and fsync of as many bytes is printed as well.

    python benchmarks/scan_overhead.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from skyscan_lab.devices.base import Measurement, Position, ReadingKey, RotorLimits
from skyscan_lab.devices.emulators.rigctld import RigctldEmulator
from skyscan_lab.devices.emulators.rotctld import RotctldEmulator
from skyscan_lab.devices.freerunning import free_running_station
from skyscan_lab.devices.rigctld import RigctldReceiver
from skyscan_lab.devices.rotctld import RotctldRotor
from skyscan_lab.devices.settle import Settling
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.records import PointRecord
from skyscan_lab.scanning import Timing, read_journal, scan
from skyscan_lab.scanning.durations import point_durations
from skyscan_lab.scanning.route import plan_route
from skyscan_lab.simulation.axis import AxisModel
from skyscan_lab.simulation.defaults import default_model
from skyscan_lab.simulation.drive import RotorModel
from skyscan_lab.station import Station

SCALE = 5.0
SPEED_DEG_S = 6.0
ACCELERATION_DEG_S2 = 60.0
SETTLE_S = 0.2
READS, FRESH_S = 1, 0.2
# The default: at rest within it, as the driver finds.
TOLERANCE_DEG = 0.2
OVERHEAD_ALLOWED_MS = 2.0

FULL = ScanGrid(az=(110, 240), el=(18, 58), step=1, order="serpentine", fast_axis="elevation")
QUICK = ScanGrid(az=(110, 113), el=(18, 57), step=1, order="serpentine", fast_axis="elevation")
OVERHEAD_GRID = ScanGrid(az=(0, 59), el=(20, 59), step=1)


async def scan_over_sockets(grid: ScanGrid, folder: Path) -> tuple[float, float]:
    """Measured and ideal duration of a scan, real seconds."""
    axis = AxisModel(speed_deg_s=SPEED_DEG_S, acceleration_deg_s2=ACCELERATION_DEG_S2)
    # Rigid and without play, as the ideal has it: a mount that rings settles later.
    model = replace(default_model(Station()), rotor=RotorModel(azimuth=axis, elevation=axis))
    world = free_running_station(Station(), scale=SCALE, model=model)
    settling = Settling(tolerance_deg=TOLERANCE_DEG, settle_s=SETTLE_S)
    async with (
        RotctldEmulator(world.rotor) as rotctld,
        RigctldEmulator(world.receiver) as rigctld,
        RotctldRotor(port=rotctld.port, settling=settling, clock=world.clock) as rotor,
        RigctldReceiver(port=rigctld.port, fresh_s=FRESH_S, clock=world.clock) as receiver,
    ):
        await rotor.move(float(grid.azimuths[0]), float(grid.elevations[0]))
        path = folder / "sockets.journal"
        begin = time.perf_counter()
        async with scan(
            grid, rotor, receiver, reads=READS, journal=path, clock=world.clock
        ) as running:
            status = await running.wait()
            measured = time.perf_counter() - begin
        timing = Timing(
            azimuth_speed_deg_s=SPEED_DEG_S,
            elevation_speed_deg_s=SPEED_DEG_S,
            acceleration_deg_s2=ACCELERATION_DEG_S2,
            settle_s=SETTLE_S,
            dwell_s=READS * FRESH_S,
        )
        route = plan_route(grid, rotor.limits)
        ideal = float(point_durations(running.plan, route, timing).sum()) / SCALE
    check_all_there(path, grid, status)
    return measured, ideal


def check_all_there(path: Path, grid: ScanGrid, status: ScanStatus) -> None:
    """Fail loudly where the scan did not do what the ideal is calculated for."""
    points = [e.record for e in read_journal(path).entries if isinstance(e.record, PointRecord)]
    if status is not ScanStatus.COMPLETED or len(points) != grid.size:
        raise SystemExit(f"the scan is {status} with {len(points)} of {grid.size} points")
    for point, visit in zip(points, grid.visits(), strict=True):
        off = max(
            abs((point.azimuth_deg - visit.azimuth_deg + 180.0) % 360.0 - 180.0),
            abs(point.elevation_deg - visit.elevation_deg),
        )
        if off > 2.0 * TOLERANCE_DEG:
            raise SystemExit(f"point {point.sequence} was read {off:.3f}° from its place")


class NullDevice:
    """A rotor and a receiver in one that take no time at all."""

    name = "nothing"
    units = "dBm"
    limits = RotorLimits((-180.0, 450.0), (0.0, 90.0))

    async def __aenter__(self) -> Self:
        """Be there."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Be gone."""

    async def position(self) -> Position:
        """Be anywhere."""
        return Position(0.0, 0.0)

    async def move(self, azimuth_deg: float, elevation_deg: float) -> Position:
        """Be there already."""
        return Position(azimuth_deg, elevation_deg)

    async def stop(self) -> None:
        """Stand."""

    async def park(self) -> None:
        """Stand."""

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:  # noqa: ARG002 -- a Receiver's signature
        """Read the same, always."""
        return Measurement(reads, -90.0, 0.5, -90.5, "linear power")


async def overhead_s(folder: Path) -> tuple[float, int]:
    """Seconds a point that the engine takes by itself, and bytes a point in its journal."""
    path = folder / "null.journal"
    device = NullDevice()
    begin = time.perf_counter()
    async with scan(OVERHEAD_GRID, device, device, journal=path) as running:
        status = await running.wait()
        took = time.perf_counter() - begin
    if status is not ScanStatus.COMPLETED:
        raise SystemExit(f"the scan is {status}")
    return took / OVERHEAD_GRID.size, path.stat().st_size // OVERHEAD_GRID.size


def fsync_s(folder: Path, size: int) -> float:
    """Median seconds of a bare write and fsync."""
    took = []
    with (folder / "bare").open("wb", buffering=0) as file:
        for _ in range(500):
            begin = time.perf_counter()
            file.write(b"x" * size)
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begin)
    return statistics.median(took)


def claim(text: str, ours: float, peer: float, target: float, *, holds: bool) -> dict[str, Any]:
    """One line of the result."""
    return {
        "claim": text,
        "ours": round(ours, 4),
        "peer": round(peer, 4),
        "ratio": round(ours / peer, 4),
        "target": target,
        "holds": holds,
    }


def main() -> None:
    """Measure, print, and end with 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller grid, under 40 s")
    parser.add_argument("--json", action="store_true", help="print the last line only")
    options = parser.parse_args()
    grid = QUICK if options.quick else FULL
    shape = f"{grid.shape[1]} × {grid.shape[0]}"
    # Beside this script, not in a temporary file system that may be memory.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as name:
        folder = Path(name)
        own_s, size = asyncio.run(overhead_s(folder))
        bare_s = fsync_s(folder, size)
        measured, ideal = asyncio.run(scan_over_sockets(grid, folder))
    claims = [
        claim(
            f"scan of {shape} points through rotctld, ×{SCALE:g}: seconds, beside the ideal",
            measured,
            ideal,
            1.05,
            holds=measured <= 1.05 * ideal,
        ),
        claim(
            "engine's own overhead per point: ms, beside what is allowed "
            f"(a bare write and fsync takes {bare_s * 1e3:.2f})",
            own_s * 1e3,
            OVERHEAD_ALLOWED_MS,
            1.0,
            holds=own_s * 1e3 < OVERHEAD_ALLOWED_MS,
        ),
    ]
    if not options.json:
        for line in claims:
            print(f"{line['claim']}\n  {line['ours']} beside {line['peer']}: {line['ratio']}")
        lost = (measured - ideal) / grid.size
        print(f"  lost at each point: {lost * 1e3:.2f} ms real, of {ideal / grid.size * 1e3:.1f}")
    print(json.dumps(claims, ensure_ascii=False))
    sys.exit(0 if all(line["holds"] for line in claims) else 1)


if __name__ == "__main__":
    main()
