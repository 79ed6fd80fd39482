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
        "lab": "Open JupyterLab on the notebooks of the course.",
        "map": "Turn a recording into a map: NetCDF, FITS, picture, table of sources.",
        "scan": "Scan the sky with the configured station, or a simulated one.",
    }
)
"""Our subcommands and their help in one line; each is the function of its name in its module."""

ENTRY_POINTS = "skyscan.commands"


class LazyGroup(click.Group):
    """Group whose subcommands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        """Names of all subcommands."""
        return sorted({*COMMANDS, *entry_points(group=ENTRY_POINTS).names})

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import one subcommand; ours win over added ones of the same name."""
        if cmd_name in COMMANDS:
            module = import_module(f"skyscan_lab.cli.{cmd_name}")
            ours: click.Command = getattr(module, f"{cmd_name}_command")
            return ours
        for entry in entry_points(group=ENTRY_POINTS, name=cmd_name):
            added: click.Command = entry.load()
            return added
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing ours."""
        rows = [(name, self._help(ctx, name)) for name in self.list_commands(ctx)]
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

    def _help(self, ctx: click.Context, name: str) -> str:
        if name in COMMANDS:
            return COMMANDS[name]
        try:
            command = self.get_command(ctx, name)
        except ImportError as error:
            return f"(not available: {error})"
        return command.get_short_help_str(limit=80) if command is not None else ""


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
