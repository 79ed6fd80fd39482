"""``skyscan lab``: hub, node and JupyterLab in one go."""

from __future__ import annotations

import asyncio
import webbrowser
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from skyscan_lab.cli.console import Failure, messages
from skyscan_lab.cli.options import EXISTING_FILE
from skyscan_lab.errors import SkyscanError
from skyscan_server.main.free_ports import free_port
from skyscan_server.main.jupyterlab import (
    has_display,
    is_root,
    jupyterlab,
    lab_arguments,
    lab_environment,
)
from skyscan_server.main.lab_hub import hub_of_lab, wait_until_ready
from skyscan_server.main.notebooks import HOME_FOLDER, notebooks_folder
from skyscan_server.main.one_lab import lab_of, say_where
from skyscan_server.main.running import run_hub
from skyscan_server.settings import HubSettings, data_folder, load_settings
from skyscan_server.web.logs import configure_logging


@dataclass(frozen=True, slots=True)
class _Wanted:
    settings: HubSettings
    station: Path | None
    notebooks: Path | None
    port: int
    browser: bool


@click.command("lab")
@click.option(
    "--notebooks",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to open; notebooks of the course that it lacks are put there. Default: that of "
    f"the source tree, or {HOME_FOLDER} in your home.",
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Whether to open a browser (default: where there is a display).",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8888,
    show_default=True,
    help="Port of JupyterLab on this machine; the next free one where it is taken.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the hub's state (default: SKYSCAN_HOME, or the platform's).",
)
@click.option(
    "--station",
    type=EXISTING_FILE,
    help="station.toml of the node (default: the simulated station).",
)
def lab_command(
    notebooks: Path | None,
    browser: bool | None,
    port: int,
    data: Path | None,
    station: Path | None,
) -> None:
    """Open JupyterLab with everything behind it: hub, node, simulated station.

    It listens on this machine alone, and prints the address to open. Notebooks run with the
    Python that runs this command, so that they find skyscan_lab, and find the hub without being
    told where it is. Ports that other programs have are left to them. A second start with the
    same data folder opens the lab that runs. Ctrl-C ends everything; so does JupyterLab's own
    menu, and scans go on at the next start.
    """
    if find_spec("jupyterlab") is None or find_spec("ipykernel") is None:
        raise Failure("JupyterLab is not installed: pip install 'skyscan-lab[lab,server]'")
    settings = load_settings(data_folder(data))
    if browser is None:
        browser = has_display()
    configure_logging("warning")
    wanted = _Wanted(settings, station, notebooks, port, browser)
    try:
        run_hub(_run(wanted))
    except (SkyscanError, OSError, click.ClickException):
        raise
    except Exception as error:
        messages().print(f"the hub failed, and JupyterLab has ended, too: {error}", markup=False)
        raise


async def _run(wanted: _Wanted) -> None:
    async with lab_of(wanted.settings.data) as other:
        if other is None:
            await _run_first(wanted)
            return
    _say("JupyterLab", f"{other.url}    runs already")
    if wanted.browser:
        await asyncio.to_thread(webbrowser.open, Path(other.open_file).as_uri())


async def _run_first(wanted: _Wanted) -> None:
    settings = wanted.settings
    folder = await asyncio.to_thread(notebooks_folder, wanted.notebooks)
    async with AsyncExitStack() as stack:
        found = await stack.enter_async_context(hub_of_lab(settings, wanted.station))
        if wanted.station is not None and not found.ours:
            raise Failure(f"{wanted.station}: the hub at {found.url} has its station already")
        for words in found.moved:
            messages().print(words, markup=False)
        port = await asyncio.to_thread(free_port, "127.0.0.1", wanted.port)
        if port != wanted.port:
            messages().print(f"port {wanted.port} is taken: JupyterLab moves on", markup=False)
        running = await stack.enter_async_context(
            jupyterlab(
                lab_arguments(folder, port, browser=wanted.browser, root=is_root()),
                lab_environment(settings.data),
            )
        )
        if not await wait_until_ready(found):
            messages().print("the hub is not ready yet: GET /readyz says why", markup=False)
        await say_where(settings.data, running.said)
        _say("notebooks", str(folder))
        _say("data", str(settings.data))
        _say("public API", f"{found.url}    documents at {found.url}/docs")
        _say("gateway", found.gateway_url)
        _say("JupyterLab", running.said.url)
        _say("", "Ctrl-C ends everything" if found.ours else "Ctrl-C ends it; the hub goes on")
        await running.ended()


def _say(what: str, words: str) -> None:
    messages().print(f"{what:<10}  {words}", markup=False)
