"""``skyscan doctor``: what works on this machine, what is missing, and the fix."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from skyscan_lab.cli.checks import (
    check_dataset,
    check_disk,
    check_notebooks,
    check_packages,
    check_programs,
    check_python,
    check_simulated_lab,
    check_time_scale,
)
from skyscan_lab.cli.console import output
from skyscan_lab.cli.options import station_option
from skyscan_lab.devices.diagnose import Finding, check_serial_ports, check_station
from skyscan_lab.station import load_station

_BROKEN = 1
_WIDTH = 30  # so that the sections stand in one column


@click.command("doctor")
@station_option
@click.pass_context
def doctor_command(ctx: click.Context, /, station_file: Path | None) -> None:
    """Say what works on this machine, what is missing, and the fix.

    With --station the devices of that station are looked at as well; nothing moves.

    Exit status: 0 when the simulated lab works, 1 when not. What is merely missing, such as a
    program for hardware that you may not have, does not count.
    """
    lab = asyncio.run(check_simulated_lab())
    sections: dict[str, list[Finding]] = {
        "the simulated lab": [lab, check_time_scale()],
        "python": [check_python(), *check_packages(), check_notebooks()],
        "data": [check_dataset("winegard-g2"), check_disk()],
        "hardware": [*check_programs(), *check_serial_ports()],
    }
    if station_file is not None:
        station = load_station(station_file)
        sections[str(station_file)] = asyncio.run(check_station(station))
    console = output()
    for title, findings in sections.items():
        console.print(f"[bold]{escape(title)}[/bold]")
        console.print(_table(findings))
    if not lab.ok:
        ctx.exit(_BROKEN)


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 1))
    table.add_column()
    table.add_column(min_width=_WIDTH)
    for finding in findings:
        mark = "[green]✓[/green]" if finding.ok else "[red]✗[/red]"
        detail = escape(finding.detail)
        if finding.fix:
            detail += f"\n[yellow]fix:[/yellow] {escape(finding.fix)}"
        table.add_row(mark, escape(finding.what), detail)
    return table
