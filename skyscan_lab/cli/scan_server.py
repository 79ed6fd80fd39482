"""A scan by a server, at the site of its rotor: started from here, and shown here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from skyscan_lab.cli.console import Failure, messages
from skyscan_lab.cli.remote_scan import RemoteScan
from skyscan_lab.cli.scan_display import Display, make_display, reading
from skyscan_lab.cli.scan_ending import UNFINISHED, put_away, say
from skyscan_lab.cli.scan_keys import ScanKeys, undisturbed
from skyscan_lab.client.errors import ServerUnreachable
from skyscan_lab.client.skyscan import SkyScanClient
from skyscan_lab.errors import SkyscanError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.skyscan import NumberedProgress, ScanDetail
from skyscan_lab.scanning import Progress

# A server that is down for the night's updates is waited for; the scan goes on meanwhile.
_PATIENCE_S = 3600.0


@dataclass(frozen=True)
class Server:
    """Where the scan is done, and the token to show there; None for the usual one."""

    url: str
    token: str | None = field(default=None, repr=False)


def scan_at_server(
    server: Server, grid: ScanGrid | None, options: dict[str, Any], out: Path
) -> int:
    """Have a grid scanned, or follow a scan, and return the exit status.

    Parameters
    ----------
    server : Server
        Where.
    grid : ScanGrid or None
        What to visit; None to follow the session that the options name.
    options : dict
        What else the command line says.
    out : Path
        File of the session, once it has ended.
    """
    if out.exists():
        raise Failure(f"{out} exists already: use another --out, or move it away")
    return asyncio.run(_scan(server, grid, options, out))


async def _scan(server: Server, grid: ScanGrid | None, options: dict[str, Any], out: Path) -> int:
    async with SkyScanClient(server.url, token=server.token, patience_s=_PATIENCE_S) as client:
        number = options["attach"] if grid is None else await _start(client, grid, options)
        again = f"skyscan scan --server {client.url} --attach {number} --out {out}"
        session = await client.detail(number)
        status, done = await _follow(client, session)
        if not status.final:
            say(
                f"left as it is: session {number} {status}, {done} of {session.total_points} points"
            )
            say(f"  follow it with: {again}")
            return UNFINISHED
        with undisturbed(messages().print):
            try:
                ds = await client.session(number)
                left = put_away(ds, status, session.total_points, out)
            except (SkyscanError, OSError):
                say(f"session {number} is kept there: {again}")
                raise
        say(f"  session  {number} at {client.url}")
        return left


async def _start(client: SkyScanClient, grid: ScanGrid, options: dict[str, Any]) -> int:
    """Start a scan and return the number of its session."""
    rotor = options["rotor"]
    if rotor is None:
        rotors = await client.rotors()
        if len(rotors) != 1:
            known = ", ".join(f"{known.id} ({known.name})" for known in rotors) or "none yet"
            raise click.UsageError(f"--rotor: must be given; the rotors there: {known}")
        rotor = rotors[0].id
    session = await client.start(
        grid, rotor, reads=options["reads"], clip=options["clip"], title=options["title"]
    )
    # At once: whatever comes between, it is by its number that it is found again.
    messages().print(f"session {session.id} at {client.url}", markup=False)
    return session.id


async def _follow(client: SkyScanClient, session: ScanDetail) -> tuple[ScanStatus, int]:
    """Show a scan until it ends or is left; its status then, and the points done."""
    progress = Progress(session.total_points)
    with make_display(messages(), progress, scale=1.0) as display:
        async with RemoteScan(client, session, progress, display.note) as scan:
            with ScanKeys(scan, display.note, elsewhere=True) as keys:
                try:
                    # The keys end this from outside when the scan is to be left as it is.
                    async with keys.patience:
                        await _show(client, session, scan, display, keys)
                except TimeoutError:
                    if not keys.patience.expired():
                        raise
                except ServerUnreachable as error:
                    display.note(str(error))
            return scan.status, progress.done


async def _show(
    client: SkyScanClient, session: ScanDetail, scan: RemoteScan, display: Display, keys: ScanKeys
) -> None:
    """Show what becomes of a scan, until it ends or needs somebody who is not here."""
    done, held = session.completed_points, frozenset[PauseReason]()
    if session.status is ScanStatus.PAUSED:
        held = frozenset(session.reasons)
        if not await _explain(client, session.id, held, keys):
            return
    async with aclosing(scan.updates()) as updates:
        async for update in updates:
            display.show(_news(update, done))
            done = update.completed
            before, held = held, frozenset(update.reasons)
            if held - before and not await _explain(client, session.id, held, keys):
                return


async def _explain(
    client: SkyScanClient,
    number: int,
    reasons: Collection[PauseReason],
    keys: ScanKeys,
) -> bool:
    """Say why a scan is held; whether to wait for what becomes of it."""
    if PauseReason.FAULT in reasons:
        words = (await client.detail(number)).words
        keys.explain(words or "a fault of the hardware", waits=keys.listening)
        return keys.listening
    if PauseReason.USER in reasons:
        keys.explain("the rotor holds")
    else:
        keys.explain("somebody else uses the mount; it goes on when they have done")
    return True


def _news(update: NumberedProgress, done: int) -> str:
    point = update.point
    if point is not None:
        return reading(point.azimuth, point.elevation, str(point.rssi_average))
    return "missing: no reading" if update.completed > done else ""
