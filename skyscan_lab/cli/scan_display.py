"""How far a scan is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from skyscan_lab.scanning import Progress

_LINES = 20  # about so many in a log file, however long the scan


class Display(Protocol):
    """Shows a scan."""

    def show(self, news: str) -> None:
        """Show how far it is, and in words what has just been recorded."""

    def note(self, text: str) -> None:
        """Show a line of text."""


@contextmanager
def make_display(console: Console, progress: Progress, scale: float) -> Iterator[Display]:
    """Display that fits the console.

    Parameters
    ----------
    console : Console
        Where to show.
    progress : Progress
        Of the scan.
    scale : float
        Station seconds in a real second: the end is told in the user's time.
    """
    if not console.is_terminal:
        yield LineDisplay(console, progress, scale)
        return
    with Bar(
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.description}"),
        console=console,
        refresh_per_second=4,
    ) as bar:
        yield BarDisplay(bar, progress, scale)


class BarDisplay:
    """Bar with the last reading and the estimated end."""

    def __init__(self, bar: Bar, progress: Progress, scale: float) -> None:
        self._bar = bar
        self._progress = progress
        self._scale = scale
        self._task = bar.add_task("", total=progress.total)

    def show(self, news: str) -> None:
        """Move the bar."""
        text = "  ".join((news, estimate(self._progress, self._scale)))
        self._bar.update(self._task, completed=self._progress.done, description=text)

    def note(self, text: str) -> None:
        """Print above the bar."""
        self._bar.console.print(text, markup=False)


class LineDisplay:
    """A line at every twentieth of the scan, for logs and pipes."""

    def __init__(self, console: Console, progress: Progress, scale: float) -> None:
        self._console = console
        self._progress = progress
        self._scale = scale
        self._shown = 0

    def show(self, news: str) -> None:
        """Print a line when a further part is done."""
        part = math.floor(self._progress.fraction * _LINES)
        if part > self._shown:
            self._shown = part
            progress = self._progress
            done = f"{progress.done}/{progress.total} ({progress.fraction:.0%})"
            self.note("  ".join((done, news, estimate(progress, self._scale))))

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False)


def estimate(progress: Progress, scale: float) -> str:
    """When the scan will end, in the user's time: ``"1:02:03 left, until 14:25"``."""
    remaining = progress.remaining_s
    if remaining is None or progress.done == progress.total:
        return ""
    left = timedelta(seconds=round(remaining / scale))
    end = datetime.now().astimezone() + left
    return f"{left} left, until {end:%H:%M}" + (f" in {left.days} days" if left.days else "")


def reading(azimuth_deg: float, elevation_deg: float, value: str) -> str:
    """Say what was read where; columns stay where they are from point to point."""
    return f"az {azimuth_deg:6.2f}° el {elevation_deg:5.2f}° {value:>8}"
