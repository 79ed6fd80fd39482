"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

EXISTING_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


def recording_options(command: Command) -> Command:
    """Add what a recording may not say itself."""
    for decorate in (
        click.option(
            "--site",
            nargs=2,
            type=float,
            metavar="LAT LON",
            help="Where the recording was made, degrees north and east, if it does not say.",
        ),
        click.option(
            "--pointing",
            type=EXISTING_FILE,
            help="Log of where the antenna looked, for spectra of rtl_power "
            "(default: NAME.pointing.csv beside FILE).",
        ),
        click.option(
            "--settings",
            type=EXISTING_FILE,
            help="Settings of a matrix recording (default: scan-settings-….txt beside FILE).",
        ),
    ):
        command = decorate(command)
    return command


def station_option(command: Command) -> Command:
    """Add the description of the station."""
    return click.option(
        "--station",
        "station_file",
        type=EXISTING_FILE,
        metavar="TOML",
        help="Description of the station (default: the simulated station).",
    )(command)
