"""Whose things a caller of the gateway may see: those of one installation."""

from __future__ import annotations

from skyscan_server.auth.principal import Principal
from skyscan_server.domain.errors import Forbidden


def installation_of(principal: Principal) -> str:
    """Installation that a token stands for.

    Raises
    ------
    Forbidden
        For a token that stands for none.
    """
    if principal.installation is None:
        raise Forbidden("the token must be an installation's")
    return principal.installation
