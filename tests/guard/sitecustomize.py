"""Let this process reach loopback and nothing else.

Python imports a module of this name by itself when it starts. So with this folder on
``PYTHONPATH`` the guard stands in every Python process that a test, a notebook or the
documentation starts, kernels and environments of other tests included, before their first
line runs. Nothing has to be installed for it, and nothing of it is in the library.

It is an audit hook, below every module that could open a connection, and one that cannot be
taken out again. What it refuses looks like what a firewall refuses, so that code meets the
error it would meet on a machine without a network.
"""

import sys

_TO_ADDRESS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOK_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def _refuse_outside(event: str, arguments: tuple) -> None:
    if event in _TO_ADDRESS:
        address = arguments[1]
        # Unix sockets have a path, netlink ones a number: neither leaves this machine.
        if isinstance(address, tuple) and isinstance(address[0], str):
            _check(address[0])
    elif event in _LOOK_UP:
        _check(arguments[0])


def _check(host: object) -> None:
    # Imported here: most processes never open a socket, and all of them load this file.
    import errno
    import ipaddress

    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        reachable = False
    else:
        reachable = address.is_loopback or address.is_unspecified
    if not reachable:
        raise PermissionError(errno.EPERM, f"only loopback may be reached here, not {host!r}")


sys.addaudithook(_refuse_outside)
