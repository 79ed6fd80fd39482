"""A scan by this program, with the devices of a station: the short road."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from skyscan_lab.cli.console import Failure, messages
from skyscan_lab.cli.scan_display import Display, make_display, reading
from skyscan_lab.cli.scan_ending import put_away, say
from skyscan_lab.cli.scan_keys import ScanKeys, undisturbed
from skyscan_lab.devices.factory import open_station
from skyscan_lab.errors import DeviceError, SkyscanError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.records import MissingRecord, PointRecord, ScanRecord, StatusRecord
from skyscan_lab.scanning import (
    FaultPolicy,
    Progress,
    RunningScan,
    ScanPlan,
    read_journal,
    scan,
)
from skyscan_lab.station import Station


def scan_here(
    station: Station, grid: ScanGrid, options: dict[str, Any], journal: Path, out: Path
) -> int:
    """Scan a grid, and return the exit status.

    Parameters
    ----------
    station : Station
        Whose devices scan.
    grid : ScanGrid
        What to visit.
    options : dict
        What else the command line says of the plan.
    journal, out : Path
        Files of the points, and of the session.
    """
    for path, remedy in ((journal, f"--resume {journal}"), (out, "another --out")):
        if path.exists():
            raise Failure(f"{path} exists already: use {remedy}, or move it away")
    try:
        return asyncio.run(_scan(station, journal, out, _arguments(station, grid, options), 0))
    except SkyscanError:
        _forget_unused(journal)
        raise


def go_on_here(station: Station, journal: Path, out: Path) -> int:
    """Go on with the scan of a journal, and return the exit status."""
    recording = read_journal(journal)
    arguments = _arguments_of(recording.plan)
    return asyncio.run(_scan(station, journal, out, arguments, len(recording.entries)))


def _arguments(station: Station, grid: ScanGrid, options: dict[str, Any]) -> dict[str, Any]:
    """What is to be scanned, from the options."""
    site = station.site
    reference = None
    if options["reference"] is not None:
        fields = ("azimuth_deg", "elevation_deg", "every_min")
        reference = dict(zip(fields, options["reference"], strict=True))  # checked by the plan
    return {
        "grid": grid,
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
    """Write the session, and say how to go on where there is more to do."""
    left = put_away(running.session(), status, running.plan.total, out)
    say(f"  journal  {journal}")
    if not status.final:
        say(f"  go on with: skyscan scan --resume {journal} --out {out}")
    return left


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
        record = entry.record
        display.show(_news(record))
        if isinstance(record, StatusRecord) and PauseReason.USER in record.reasons:
            keys.explain("the rotor holds")


def _news(record: ScanRecord) -> str:
    if isinstance(record, PointRecord):
        return reading(record.azimuth_deg, record.elevation_deg, f"{record.mean:.2f}")
    return f"missing: {record.words}" if isinstance(record, MissingRecord) else ""


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
