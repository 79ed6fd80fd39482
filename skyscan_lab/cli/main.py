"""The command ``skyscan``.

A subcommand is imported only when it is run, so that ``skyscan --help`` costs nothing and a
missing optional package hurts only what needs it. Other distributions add subcommands through
the entry-point group ``skyscan.commands``: the name is that of the subcommand, the value a
`click.Command`.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TextIO

import click

from skyscan_lab.cli.console import Failure, warn
from skyscan_lab.errors import SkyscanError, SkyscanWarning

COMMANDS = MappingProxyType(
    {
        "doctor": "Say what works on this machine, what is missing, and the fix.",
        "export": "Convert a session from one format to another.",
        "lab": "Open JupyterLab with everything behind it: hub, node, simulated station.",
        "map": "Turn a recording into a map: NetCDF, FITS, picture, table of sources.",
        "node": "Run the agent beside the hardware, which scans for its hub.",
        "scan": "Scan the sky with the configured station, or a simulated one.",
        "serve": "Run the hub, and beside it the node of this machine.",
        "token": "Print a bearer token for the hub of a data folder.",
    }
)
"""Our subcommands and their help in one line."""

ENTRY_POINTS = "skyscan.commands"

EXTRAS = MappingProxyType(
    {"lab": "lab,server", "node": "server", "serve": "server", "token": "server"}
)
"""Those of the server, and what they need installed: they come in by entry points, too. The
others are each the function of its name in its module here."""

_DISTRIBUTION = "skyscan-lab"


class LazyGroup(click.Group):
    """Group whose subcommands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        """Names of all subcommands."""
        return sorted({*COMMANDS, *entry_points(group=ENTRY_POINTS).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand; ours win over added ones of the same name."""
        try:
            return _load(cmd_name)
        except ImportError as error:
            ours = (error.name or "").startswith("skyscan_")  # then it is a bug
            if ours or ctx.params.get("debug"):
                raise
            extras = EXTRAS.get(cmd_name)
            fix = f": pip install '{_DISTRIBUTION}[{extras}]'" if extras is not None else ""
            raise Failure(f"skyscan {cmd_name} cannot run: {error}{fix}") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing ours."""
        rows = [(name, self._help(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand; what went wrong is one line, and not a traceback."""
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            warnings.simplefilter("always", SkyscanWarning)
            try:
                return super().invoke(ctx)
            except SkyscanError as error:
                if ctx.params["debug"]:
                    raise
                raise Failure(str(error)) from error
            except OSError as error:
                if ctx.params["debug"] or error.filename is None:
                    raise
                raise Failure(f"{error.filename}: {error.strerror}") from error

    def _help(self, name: str) -> str:
        if name in COMMANDS:
            return COMMANDS[name]
        try:
            command = _load(name)
        except ImportError as error:
            return f"(not available: {error})"
        return command.get_short_help_str(limit=80) if command is not None else ""


def _load(name: str) -> click.Command | None:
    if name in COMMANDS and name not in EXTRAS:
        module = import_module(f"skyscan_lab.cli.{name}")
        ours: click.Command = getattr(module, f"{name}_command")
        return ours
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        if name not in EXTRAS or (entry.dist is not None and entry.dist.name == _DISTRIBUTION):
            added: click.Command = entry.load()
            return added
    return None


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del category, filename, lineno, file, line  # where in our code means nothing to the user
    warn(str(message))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="skyscan-lab")
def main(debug: bool) -> None:
    """See the sky through your own antenna: scan it, and get a calibrated map.

    Exit status: 0 done, 2 something in the request or the machine is wrong (one line says
    what); further ones are in the help of the commands that have them.
    """
    del debug  # read from the context by LazyGroup.invoke
