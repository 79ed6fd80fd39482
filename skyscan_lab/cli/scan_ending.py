"""The end of a scan: its session written, what has become of it, and the exit status."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from skyscan_lab.cli.console import output
from skyscan_lab.io import save_session
from skyscan_lab.protocol.lifecycle import ScanStatus

UNFINISHED = 3
CANCELLED = 130  # as a shell reports a program that Ctrl-C ended


def put_away(ds: xr.Dataset, status: ScanStatus, total: int, out: Path) -> int:
    """Write what was measured, say so, and return the exit status."""
    measured = int((ds["sequence"] >= 0).sum())
    outcome = str(status) if status.final else "left unfinished"
    say(f"{outcome}: {measured} of {total} points measured")
    if measured:
        say(f"  wrote    {save_session(ds, out)}")
    return {ScanStatus.COMPLETED: 0, ScanStatus.CANCELLED: CANCELLED}.get(status, UNFINISHED)


def say(text: str) -> None:
    """Print a line of the result."""
    output().print(text, markup=False)
