"""Our extension with little patience, and an authorizer that a request can ask to be strict."""

from jupyter_server.auth import Authorizer

from skyscan_server.jupyter.hub import Hub
from skyscan_server.jupyter.routes import add_routes
from skyscan_server.settings import data_folder

PATIENCE_S = 2.0


class OnRequest(Authorizer):
    """Lets nobody do what the request says is forbidden."""

    def is_authorized(self, handler, _user, action, resource):
        return handler.request.headers.get("X-Forbid") != f"{action} {resource}"


def _jupyter_server_extension_points():
    return [{"module": "tests.server.jupyter.quick"}]


def _load_jupyter_server_extension(serverapp):
    hub = Hub(data_folder(), connect_s=PATIENCE_S, patience_s=PATIENCE_S, max_message_bytes=2**20)
    add_routes(serverapp, hub)
