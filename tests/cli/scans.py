"""``skyscan scan`` as a process of its own, with its signals, its keys and what it says."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import xarray as xr

SKYSCAN = Path(sys.executable).with_name("skyscan")
SMALL = ("--az", "150", "160", "--el", "30", "36", "--reads", "2")  # 6 × 4 points
LARGE = ("--az", "100", "260", "--el", "20", "60", "--reads", "2")  # 81 × 21 points


class Scan:
    """A ``skyscan scan`` under way in its own process."""

    def __init__(self, *arguments: object, scale: float = 1000.0, stdin: int | None = None):
        environment = {**os.environ, "SKYSCAN_TIME_SCALE": str(scale)}
        self.process = subprocess.Popen(
            [SKYSCAN, "scan", *map(str, arguments)],
            env=environment,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.seen = ""

    def until(self, text: str, timeout_s: float = 60.0) -> None:
        """Read messages until one holds a text."""
        end = time.monotonic() + timeout_s
        start = len(self.seen)
        while text not in self.seen[start:]:
            ready, _, _ = select.select([self.process.stderr], [], [], end - time.monotonic())
            assert ready, f"no {text!r} in: {self.seen}"
            new = os.read(self.process.stderr.fileno(), 65536).decode()
            assert new, f"ended without {text!r}: {self.seen}"
            self.seen += new

    def until_points(self, journal: Path, count: int) -> None:
        end = time.monotonic() + 60.0
        while points_in(journal) < count:
            assert time.monotonic() < end, "no points"
            assert self.process.poll() is None, self.process.stderr.read().decode()
            time.sleep(0.02)

    def end(self) -> tuple[int, str]:
        """Exit status, and everything on standard output."""
        output, messages = self.process.communicate(timeout=60)
        self.seen += messages.decode()
        return self.process.returncode, output.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.process.stdout.close()
        self.process.stderr.close()


def points_in(journal: Path) -> int:
    if not journal.exists():
        return 0
    return journal.read_text().count('"kind":"point"')


def measured(ds: xr.Dataset) -> int:
    return int((ds["sequence"] >= 0).sum())
