"""Ports for servers that a test starts, and starts again."""

import random
import socket

# Below where the kernel takes the ports of connections that are made: while a server is down,
# nothing else on the machine gets its port.
_RANGE = (20_000, 32_000)


def free_port() -> int:
    """Return a port on loopback that nobody listens at, and that stays free for us."""
    while True:
        port = random.randrange(*_RANGE)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
