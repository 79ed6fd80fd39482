"""Extension of the Jupyter server: ``/skyscan/`` leads to the hub that runs on this machine.

A page in JupyterLab reaches the hub at Jupyter's own address, over whatever leads there: an SSH
tunnel, a JupyterHub. Jupyter says who may come in, and the hub's token is added here, so that no
browser ever has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


# Names and signatures are those that Jupyter looks for.
def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "skyscan_server.jupyter"}]


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    # Imported here: every Jupyter server of the environment looks at the points above.
    from skyscan_server.jupyter.hub import Hub
    from skyscan_server.jupyter.routes import add_routes
    from skyscan_server.settings import data_folder

    add_routes(serverapp, Hub(data_folder()))
