"""Memory of a hub for each node that is connected and has nothing to say.

The hub is ``skyscan serve`` as a user starts it. Its nodes are light ones in processes of their
own: each does the whole handshake with a token of its own, and shows as often as a real node
that it is there. A hundred of them come and leave first, so that what a hub needs once is not
counted; then the hub's resident memory is looked at before 5 000 come, and when they have been
there for longer than a heartbeat. Beside it a server with FastAPI on uvicorn holds the same
connections: accepted, the hello read, the welcome sent, and waiting for what comes.

    python benchmarks/idle_nodes.py [--quick] [--json]
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from server_load.hub import Server, allow_many_files, furnish, hub, peer, tokens
from server_load.light_nodes import Stay, Staying, stay
from server_load.processes import LoadProcess, load_processes
from server_load.report import at_most, finish, options, times_less

NODES, NODES_QUICK = 5000, 1000
STAY_S, STAY_QUICK_S = 30.0, 3.0
WARM_UP = 100
SETTLE_S = 2.0
ALLOWED_KB = 20.0
SOON_S = 300.0


def come(crowds: list[LoadProcess], server: Server, first: int, count: int) -> None:
    """Have nodes connect, shared out among the processes."""
    for place, crowd in enumerate(crowds):
        numbers = range(first + place, first + count, len(crowds))
        crowd.tell(
            Staying("127.0.0.1", server.gateway_port, numbers, tokens(server.folder, numbers))
        )
    for crowd in crowds:
        crowd.hear(SOON_S)


def leave(crowds: list[LoadProcess]) -> None:
    """Have all of them leave."""
    for crowd in crowds:
        crowd.tell("leave").hear(SOON_S)


def kilobytes_a_node(server: Server, crowds: list[LoadProcess], count: int, stay_s: float) -> float:
    """Resident memory of a server for each of so many nodes."""
    server.start()
    try:
        server.wait_until_ready()
        come(crowds, server, count + 1, WARM_UP)
        leave(crowds)
        time.sleep(SETTLE_S)
        before = server.resident_bytes
        come(crowds, server, 1, count)
        time.sleep(stay_s)
        grown = server.resident_bytes - before
        stays: list[Stay] = [crowd.tell("ask").hear(SOON_S) for crowd in crowds]
        there, turned_away = (sum(s.there for s in stays), sum(s.turned_away for s in stays))
        if there != count or turned_away:
            raise SystemExit(f"{there} of {count} nodes are there, {turned_away} were turned away")
        leave(crowds)
        return grown / count / 1000
    finally:
        server.end()


def main() -> None:
    """Measure, print, and end with 1 where a claim does not hold."""
    chosen = options(__doc__)
    count = NODES_QUICK if chosen.quick else NODES
    stay_s = STAY_QUICK_S if chosen.quick else STAY_S
    allow_many_files()
    # Beside this script, not in a temporary file system that may be memory.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent, prefix="tmp") as name:
        servers = [hub(Path(name) / "ours"), peer(Path(name) / "peer")]
        for server in servers:
            asyncio.run(furnish(server.folder, count + WARM_UP))
        with load_processes(stay, stay) as crowds:
            ours, other = (kilobytes_a_node(server, crowds, count, stay_s) for server in servers)
    finish(
        [
            at_most(
                f"memory for an idle node, at {count}: kB, beside what is allowed", ours, ALLOWED_KB
            ),
            times_less(
                f"memory for an idle node, at {count}: kB, beside FastAPI on uvicorn",
                ours,
                other,
                1.0,
            ),
        ],
        only_json=chosen.json,
    )


if __name__ == "__main__":
    main()
