"""``skyscan scan``: scan the sky from the command line."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from skyscan_lab.cli.console import Failure, messages, output
from skyscan_lab.cli.options import EXISTING_FILE, station_option
from skyscan_lab.cli.scan_display import Display, make_display
from skyscan_lab.cli.scan_keys import ScanKeys, undisturbed
from skyscan_lab.devices.factory import open_station
from skyscan_lab.errors import DeviceError, SkyscanError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.io import format_of, save_session
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import StatusRecord
from skyscan_lab.scanning import (
    FaultPolicy,
    Progress,
    RunningScan,
    ScanPlan,
    read_journal,
    scan,
)
from skyscan_lab.station import Station, load_station

UNFINISHED = 3
CANCELLED = 130  # as a shell reports a program that Ctrl-C ended

_OF_THE_PLAN = ("az", "el", "step", "reads", "order", "fast_axis", "reference", "clip", "title")


@click.command("scan")
@station_option
@click.option(
    "--az",
    nargs=2,
    type=float,
    default=(0.0, 360.0),
    show_default=True,
    metavar="START END",
    help="Azimuths in degrees; an end below the start crosses north.",
)
@click.option(
    "--el",
    nargs=2,
    type=float,
    default=(18.0, 65.0),
    show_default=True,
    metavar="START END",
    help="Elevations in degrees.",
)
@click.option(
    "--step", type=float, default=2.0, show_default=True, metavar="DEG", help="Step on both axes."
)
@click.option(
    "--reads",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Readings averaged at each point.",
)
@click.option(
    "--order",
    type=click.Choice(["raster", "serpentine"]),
    default="serpentine",
    show_default=True,
    help="Fly back to the start of each line, or sweep every second one backwards.",
)
@click.option(
    "--fast-axis",
    type=click.Choice(["azimuth", "elevation"]),
    default="azimuth",
    show_default=True,
    help="Axis along which neighbouring points follow each other.",
)
@click.option(
    "--reference",
    nargs=3,
    type=float,
    metavar="AZ EL MINUTES",
    help="Direction to look at again every so many minutes, to solve for gain drift later.",
)
@click.option(
    "--clip", is_flag=True, help="Mark points that the rotor cannot reach as missing: no refusal."
)
@click.option("--title", default="Sky scan", show_default=True, help="Title of the session.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("session.nc"),
    show_default=True,
    help="File of the session; its extension says the format. Never overwritten, unless by "
    "--resume.",
)
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that each point is written to at once (default: OUT with .journal).",
)
@click.option(
    "--resume",
    type=EXISTING_FILE,
    metavar="JOURNAL",
    help="Go on with the scan of this journal; the journal says what is scanned.",
)
@click.pass_context
def scan_command(ctx: click.Context, /, station_file: Path | None, **options: Any) -> None:
    """Scan the sky, point by point.

    Without --station the simulated station is scanned, SKYSCAN_TIME_SCALE times faster than
    real. Every point is on disk, in the journal, before it is shown.

    Ctrl-C pauses at the next point, the rotor holding there; Ctrl-C again cancels, and what was
    measured is kept. While paused, Enter goes on and q leaves the scan, to be taken up again
    with --resume. A fault of the hardware pauses, too, and is shown in words.

    Exit status: 0 all points done, 2 the request or the machine is wrong, 3 left before the
    end (--resume goes on), 130 cancelled.
    """
    station = load_station(station_file)
    out: Path = options["out"]
    format_of(out)  # an unknown ending is better refused before a night of scanning
    if options["resume"] is not None:
        given = [
            name
            for name in (*_OF_THE_PLAN, "journal")
            if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
        ]
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise click.UsageError(f"{flags}: the journal of --resume says that already")
        journal = options["resume"]
        recording = read_journal(journal)
        arguments, known = _arguments_of(recording.plan), len(recording.entries)
    else:
        journal = options["journal"] or out.with_suffix(".journal")
        for path, remedy in ((journal, f"--resume {journal}"), (out, "another --out")):
            if path.exists():
                raise Failure(f"{path} exists already: use {remedy}, or move it away")
        arguments, known = _arguments(options, station), 0
    try:
        ctx.exit(asyncio.run(_scan(station, journal, out, arguments, known)))
    except SkyscanError:
        if options["resume"] is None:
            _forget_unused(journal)
        raise


def _arguments(options: dict[str, Any], station: Station) -> dict[str, Any]:
    """What is to be scanned, from the options."""
    site = station.site
    reference = None
    if options["reference"] is not None:
        fields = ("azimuth_deg", "elevation_deg", "every_min")
        reference = dict(zip(fields, options["reference"], strict=True))  # checked by the plan
    return {
        "grid": ScanGrid(
            options["az"], options["el"], options["step"], options["order"], options["fast_axis"]
        ),
        "reads": options["reads"],
        "reference": reference,
        "clip": options["clip"],
        "title": options["title"],
        "location": (site.latitude_deg, site.longitude_deg, site.height_m),
        "frequency_hz": getattr(station.receiver, "frequency_hz", None),
        "attrs": {"site": site.name},
    }


def _arguments_of(plan: ScanPlan) -> dict[str, Any]:
    """What is to be scanned, from the journal of a scan that was left."""
    site = plan.location
    return {
        "grid": plan.grid,
        "reads": plan.reads,
        "session": plan.session,
        "reference": plan.reference,
        "clip": plan.clip,
        "title": plan.title,
        "location": None
        if site is None
        else (site.latitude_deg, site.longitude_deg, site.height_m),
        "frequency_hz": plan.frequency_hz,
        "attrs": plan.attrs,
    }


def _forget_unused(journal: Path) -> None:
    """Remove the journal of a scan that was refused: it would be in the way of the next try."""
    with suppress(SkyscanError, FileNotFoundError):
        if not read_journal(journal).entries:
            journal.unlink()


async def _scan(
    station: Station, journal: Path, out: Path, arguments: dict[str, Any], known: int
) -> int:
    with ExitStack() as finishing:
        async with open_station(station) as devices:
            running = scan(
                rotor=devices.rotor,
                receiver=devices.receiver,
                clock=devices.clock,
                journal=journal,
                policy=FaultPolicy.of_rotor(station.rotor),
                **arguments,
            )
            async with running:
                progress = Progress(running.plan.total)
                with make_display(messages(), progress, devices.clock.scale) as display:
                    status = await _follow(running, progress, display, known)
                finishing.enter_context(undisturbed(messages().print))
        return _put_away(running, status, journal, out)


def _put_away(running: RunningScan, status: ScanStatus, journal: Path, out: Path) -> int:
    """Write the session of what was measured, say so, and return the exit status."""
    ds = running.session()
    measured = int((ds["sequence"] >= 0).sum())
    console = output()
    outcome = str(status) if status.final else "left unfinished"
    console.print(f"{outcome}: {measured} of {running.plan.total} points measured", markup=False)
    if measured:
        console.print(f"  wrote    {save_session(ds, out)}", markup=False)
    console.print(f"  journal  {journal}", markup=False)
    if not status.final:
        console.print(f"  go on with: skyscan scan --resume {journal} --out {out}", markup=False)
    return {ScanStatus.COMPLETED: 0, ScanStatus.CANCELLED: CANCELLED}.get(status, UNFINISHED)


async def _follow(
    running: RunningScan, progress: Progress, display: Display, known: int
) -> ScanStatus:
    """Show a scan until it ends or is left, and do what its user wants."""
    with ScanKeys(running, display.note) as keys:
        showing = asyncio.create_task(
            _show(running, progress, display, keys, known), name="scan display"
        )
        try:
            # The keys end this wait from outside when the scan is to be left as it is.
            async with keys.patience:
                await _end_of(running, keys)
        except TimeoutError:
            if not keys.patience.expired():
                raise
        finally:
            if not running.status.final:
                showing.cancel()
            await asyncio.wait({showing})
        if not showing.cancelled():
            showing.result()
    return running.status


async def _show(
    running: RunningScan, progress: Progress, display: Display, keys: ScanKeys, known: int
) -> None:
    """Show records as they come; those of before count, but are no news."""
    async for entry in running.follow():
        progress.see(entry)
        if entry.number <= known:
            continue
        display.show(entry)
        record = entry.record
        if isinstance(record, StatusRecord) and PauseReason.USER in record.reasons:
            keys.explain("the rotor holds")


async def _end_of(running: RunningScan, keys: ScanKeys) -> None:
    """Return when the scan has ended, or is held by a fault that nobody here can mend."""
    while True:
        try:
            await running.wait()
        except DeviceError as fault:
            if running.status is not ScanStatus.PAUSED:
                raise  # refused before it began
            keys.explain(str(fault), waits=keys.listening)
            if not keys.listening:
                return
            await keys.decision()
        else:
            return
