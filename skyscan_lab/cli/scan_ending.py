"""The end of a scan: its session written, what has become of it, and the exit status."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from skyscan_lab.cli.console import Failure, output
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


def require_place(out: Path) -> None:
    """See that a file can be written there, once the scan has ended.

    Raises
    ------
    Failure
        Where its folder is not there, or nothing may be written in it.
    """
    folder = out.absolute().parent
    if not folder.is_dir():
        raise Failure(f"{out}: there is no folder {folder}: make it, or use another --out")
    if not os.access(folder, os.W_OK):
        raise Failure(f"{out}: nothing may be written in {folder}: use another --out")
