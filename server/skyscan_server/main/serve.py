"""``skyscan serve``: a hub, and beside it the node of this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from skyscan_lab.cli.console import messages
from skyscan_server.main.running import run_hub
from skyscan_server.main.serving import serving
from skyscan_server.settings import HubSettings, data_folder, load_settings
from skyscan_server.web.logs import configure_logging


@click.command("serve")
@click.option("--host", help="Address to listen at (default: 127.0.0.1, this machine alone).")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port of the public API (default: 5001)."
)
@click.option(
    "--gateway-port", type=click.IntRange(0, 65535), help="Port of the gateway (default: 5002)."
)
@click.option(
    "--internal-port",
    type=click.IntRange(0, 65535),
    help="Port of the internal API on loopback (default: a Unix socket in the data folder).",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the server's state (default: SKYSCAN_HOME, or the platform's).",
)
@click.option("--database", metavar="URL", help="Database (default: SQLite in the data folder).")
@click.option(
    "--open-api/--no-open-api",
    default=None,
    help="Answer the Sky Scan API without a token, to programs on this machine.",
)
@click.option("--node/--no-node", default=True, help="Whether to run the node of this machine.")
@click.option(
    "--station",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="station.toml of that node (default: the simulated station).",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Lowest level of what is logged.",
)
def serve_command(
    data: Path | None, node: bool, station: Path | None, log_level: str, **given: object
) -> None:
    """Run the hub: public API, node gateway, and the node of this machine.

    With nothing configured it listens to this machine alone, keeps everything in SQLite, and has
    a simulated station. How to reach it stands in runtime.json in the data folder, which only
    you can read. hub.toml in that folder has the settings that are not options. Ctrl-C ends it;
    scans go on when it is started again.
    """
    settings = load_settings(data_folder(data), **given)
    configure_logging(log_level)
    run_hub(_serve(settings, node, station))


async def _serve(settings: HubSettings, node: bool, station: Path | None) -> None:
    async with serving(settings, with_node=node, station=station) as hub:
        console = messages()
        console.print(f"public API  {hub.url}    documents at {hub.url}/docs", markup=False)
        console.print(f"gateway     {hub.gateway_url}", markup=False)
        console.print(f"internal    {hub.internal_url}", markup=False)
        console.print(f"data        {settings.data}", markup=False)
        await asyncio.get_running_loop().create_future()
