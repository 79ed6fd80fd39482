"""``skyscan node``: the agent beside the hardware."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path

import click

from skyscan_lab.cli.options import EXISTING_FILE
from skyscan_server.main.running import run_until_ended
from skyscan_server.node import Node, NodeConfig, load_node
from skyscan_server.web.logs import configure_logging


@click.command("node")
@click.option(
    "--config",
    "config_file",
    type=EXISTING_FILE,
    metavar="TOML",
    help="Description of the node: its hub, its rotors, what it may connect to (default: a "
    "simulated rotor, and a hub on this machine).",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for its journals, in the place of that of the file.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Lowest level of what is logged.",
)
def node_command(config_file: Path | None, data: Path | None, log_level: str) -> None:
    """Run the agent beside the hardware: it connects out to its hub and scans for it.

    What it has measured is on its own disk until the hub has it, so a hub or a link that is
    down stops no scan. SIGTERM or Ctrl-C ends the node with the rotors stopped; its scans go on
    when it is started again. SIGUSR1 stops every rotor and holds every scan, hub or no hub:
    kill -USR1 $(cat DIR/node.lock), DIR being the data folder.
    """
    config = load_node(config_file)
    if data is not None:
        node = config.node.model_copy(update={"data": data.absolute()})
        config = config.model_copy(update={"node": node})
    configure_logging(log_level)
    try:
        asyncio.run(run_until_ended(_run(config)))
    finally:
        gc.freeze()  # nothing is looked through for garbage at the end, as in `run_hub`


async def _run(config: NodeConfig) -> None:
    node = Node(config)
    loop = asyncio.get_running_loop()
    stops: set[asyncio.Task[None]] = set()

    def stop_by_hand() -> None:
        task = loop.create_task(node.stop_by_hand())
        stops.add(task)
        task.add_done_callback(stops.discard)

    loop.add_signal_handler(signal.SIGUSR1, stop_by_hand)
    try:
        await node.run()
    finally:
        if stops:
            await asyncio.wait(stops)
