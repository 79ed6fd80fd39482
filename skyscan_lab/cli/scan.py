"""``skyscan scan``: scan the sky from the command line."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from skyscan_lab.cli.options import EXISTING_FILE, station_option
from skyscan_lab.cli.scan_ending import require_place
from skyscan_lab.cli.scan_local import go_on_here, scan_here
from skyscan_lab.cli.scan_server import Server, scan_at_server
from skyscan_lab.grid import ScanGrid
from skyscan_lab.io import format_of
from skyscan_lab.station import load_station

_OF_THE_PLAN = ("az", "el", "step", "reads", "order", "fast_axis", "reference", "clip", "title")
_OF_A_STATION = ("station_file", "journal", "resume")
_OF_A_SERVER = ("rotor", "token_file", "attach")
_FLAGS = {"station_file": "station"}


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
@click.option(
    "--server",
    metavar="URL",
    help="Have the scan done by a server, at the site of its rotor: http://HOST:PORT, or https.",
)
@click.option(
    "--rotor",
    type=int,
    metavar="N",
    help="Number of the server's rotor (default: the only one).",
)
@click.option(
    "--token-file",
    type=EXISTING_FILE,
    help="File with a token for the server (default: SKYSCAN_TOKEN, else that of the lab on this "
    "machine).",
)
@click.option(
    "--attach",
    type=click.IntRange(min=1),
    metavar="SESSION",
    help="Follow this session of the server, which runs already or has ended.",
)
@click.pass_context
def scan_command(ctx: click.Context, /, station_file: Path | None, **options: Any) -> None:
    """Scan the sky, point by point.

    Without --station the simulated station is scanned, SKYSCAN_TIME_SCALE times faster than
    real. Every point is on disk, in the journal, before it is shown.

    Ctrl-C pauses at the next point, the rotor holding there; Ctrl-C again cancels, and what was
    measured is kept. While paused, Enter goes on and q leaves the scan, to be taken up again
    with --resume. A fault of the hardware pauses, too, and is shown in words.

    With --server the scan runs at the server's site: the same keys hold it, let it go on and
    cancel it there, and leaving it (q, or a third Ctrl-C) leaves it as it is, to be followed
    again with --attach. A lost connection, or a server that is restarted, only delays what is
    shown.

    Exit status: 0 all points done, 2 the request or the machine is wrong, 3 left before the
    end (--resume or --attach goes on), 130 cancelled.
    """
    out: Path = options["out"]
    # Both are better refused before a night of scanning.
    format_of(out)
    require_place(out)
    given = {
        name
        for name in options.keys() | {"station_file"}
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    if options["server"] is None:
        _refuse(given, _OF_A_SERVER, "only with --server")
        ctx.exit(_scan_here(station_file, options, given, out))
    _refuse(given, _OF_A_STATION, "not with --server, whose site has a station and a journal")
    _refuse(given, ("reference",), "not with --server, which does not take it yet")
    grid = None
    if options["attach"] is None:
        grid = _grid(options)
    else:
        _refuse(given, (*_OF_THE_PLAN, "rotor"), "the session of --attach says that already")
    ctx.exit(scan_at_server(_server(options), grid, options, out))


def _scan_here(
    station_file: Path | None, options: dict[str, Any], given: Collection[str], out: Path
) -> int:
    station = load_station(station_file)
    if options["resume"] is None:
        journal = options["journal"] or out.with_suffix(".journal")
        return scan_here(station, _grid(options), options, journal, out)
    _refuse(given, (*_OF_THE_PLAN, "journal"), "the journal of --resume says that already")
    return go_on_here(station, options["resume"], out)


def _grid(options: dict[str, Any]) -> ScanGrid:
    return ScanGrid(
        options["az"], options["el"], options["step"], options["order"], options["fast_axis"]
    )


def _server(options: dict[str, Any]) -> Server:
    token_file: Path | None = options["token_file"]
    token = None if token_file is None else token_file.read_text(encoding="utf-8").strip()
    return Server(options["server"], token)


def _refuse(given: Collection[str], names: Iterable[str], reason: str) -> None:
    """Refuse options that have no meaning beside others."""
    flags = [f"--{_FLAGS.get(name, name).replace('_', '-')}" for name in names if name in given]
    if flags:
        raise click.UsageError(f"{', '.join(flags)}: {reason}")
