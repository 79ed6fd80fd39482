"""Whether Jupyter lets somebody in: its identity provider says who they are, its authorizer yes."""

from __future__ import annotations

from inspect import isawaitable
from typing import Literal

from jupyter_server.base.handlers import JupyterHandler
from tornado import web

RESOURCE = "skyscan"
"""Our name to an authorizer."""


async def check_allowed(
    handler: JupyterHandler, action: Literal["read", "write", "execute"]
) -> None:
    """Ask Jupyter about a request that it has already looked at (`JupyterHandler.prepare`).

    Raises
    ------
    tornado.web.HTTPError
        403 where nobody is logged in, or may not do this.
    """
    user = handler.current_user
    if not user:
        raise web.HTTPError(403, "log in to Jupyter first")
    allowed = handler.authorizer.is_authorized(handler, user, action, RESOURCE)
    if not (await allowed if isawaitable(allowed) else allowed):
        raise web.HTTPError(403, f"Jupyter does not let you {action} {RESOURCE}")
