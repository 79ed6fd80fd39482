"""Ports that nobody has: the one that is wanted, or the next."""

from __future__ import annotations

import socket
from collections.abc import Collection

_NEAR = 100


def free_port(host: str, wanted: int, besides: Collection[int] = ()) -> int:
    """Find a port to listen at; another program can still be faster.

    Parameters
    ----------
    host : str
        Address to listen at.
    wanted : int
        Where to begin; 0 stands for any, and is returned as it is.
    besides : collection of int
        Ports that are free and already given away.
    """
    if wanted == 0:
        return 0
    for port in range(wanted, min(wanted + _NEAR, 2**16)):
        if port not in besides and _is_free(host, port):
            return port
    return 0


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: what is left of connections that have ended takes no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
