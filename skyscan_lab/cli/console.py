"""Where the command line speaks: results on standard output, all else on standard error."""

from __future__ import annotations

from typing import IO, Any

import click
from rich.console import Console
from rich.text import Text


def output() -> Console:
    """Console for results. Made anew each time, since tests and pipes swap the streams."""
    return Console(highlight=False, soft_wrap=True)


def messages() -> Console:
    """Console for progress, warnings and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """One line of warning."""
    messages().print(Text.assemble(("warning: ", "yellow"), text))


class Failure(click.ClickException):
    """An error in one line: what is wrong, and what would be right."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line on standard error."""
        console = messages() if file is None else Console(file=file, soft_wrap=True)
        console.print(Text.assemble(("error: ", "bold red"), self.format_message()))
