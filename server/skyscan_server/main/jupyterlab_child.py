"""JupyterLab as the child of a lab: it says where it listens, and ends when the lab ends.

Run as ``python -m skyscan_server.main.jupyterlab_child``. Standard input is a pipe that the lab
keeps open for as long as it lives, so that even a lab that was killed leaves nothing running.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
from typing import IO

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from jupyterlab.labapp import LabApp

GRACE_S = 10.0
"""Time for an orderly end: kernels are shut down in it."""

_TOKEN = "JUPYTER_TOKEN"  # noqa: S105 the name of a variable


def main(arguments: list[str]) -> None:
    """Run JupyterLab with these arguments."""
    lab, says = os.dup(0), os.fdopen(os.dup(1), "w")
    # Whatever JupyterLab starts has neither.
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 there is no Path of it
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    server = _initialized(arguments)
    threading.Thread(target=_end_with, args=(lab, server), daemon=True).start()
    server.io_loop.add_callback(_say_address, server, says)
    server.start()


def _end_with(lab: int, server: ServerApp) -> None:
    while os.read(lab, 1):
        pass
    server.io_loop.add_callback(server.stop)
    time.sleep(GRACE_S)
    os._exit(1)


def _initialized(arguments: list[str]) -> ServerApp:
    # With a token that was given Jupyter does not print it: the lab does. It is out of the
    # environment before a kernel can inherit it.
    ours = _TOKEN not in os.environ
    if ours:
        os.environ[_TOKEN] = secrets.token_hex(24)
    try:
        server: ServerApp = LabApp.initialize_server(arguments)
        _ = server.identity_provider.token
    finally:
        if ours:
            os.environ.pop(_TOKEN, None)
    return server


def _say_address(server: ServerApp, says: IO[str]) -> None:
    """Say it once somebody listens there: callbacks run in order, and that one came before."""
    url = url_path_join(server.connection_url, server.default_url.removeprefix(server.base_url))
    token = server.identity_provider.token
    address = f"{url}?token={token}" if token else url
    with says:
        says.write(json.dumps({"url": address, "open_file": server.browser_open_file}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
