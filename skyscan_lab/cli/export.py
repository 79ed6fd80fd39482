"""``skyscan export``: a session from one format to another."""

from __future__ import annotations

from pathlib import Path

import click

from skyscan_lab.cli.console import output
from skyscan_lab.cli.options import EXISTING_FILE, recording_options
from skyscan_lab.io import FORMATS, load_session, save_session


@click.command("export")
@click.argument("source", type=EXISTING_FILE)
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice([name for name, row in FORMATS.items() if row.write]),
    help="Format of TARGET (default: by its extension).",
)
@recording_options
def export_command(
    source: Path,
    target: Path,
    format_name: str | None,
    settings: Path | None,
    pointing: Path | None,
    site: tuple[float, float] | None,
) -> None:
    """Convert a session from one format to another.

    SOURCE is a session or recording in any known format, recognised by its content. A file
    named TARGET is replaced only once the new one is whole.
    """
    ds = load_session(source, settings=settings, pointing=pointing, location=site)
    path = save_session(ds, target, format=format_name)
    output().print(f"wrote {path}", markup=False)
