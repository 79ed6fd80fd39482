"""Which token to show: the one given, else SKYSCAN_TOKEN, else that of the lab on this machine.

A lab's token goes to that lab and to nobody else. It may have another after a restart, so its
file is read again when the token is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from skyscan_lab.client.address import Address
from skyscan_lab.client.lab import running_lab
from skyscan_lab.errors import InvalidInput

TOKEN_VARIABLE = "SKYSCAN_TOKEN"  # noqa: S105 the name of a variable
"""Environment variable with a token."""


class Credentials:
    """Token for one server.

    Parameters
    ----------
    address : Address
        Of the server.
    token : str, optional
        As given.

    Raises
    ------
    InvalidInput
        For what no token can be.
    """

    def __init__(self, address: Address, token: str | None = None) -> None:
        self._address = address
        self._token = token if token is not None else os.environ.get(TOKEN_VARIABLE) or None
        self._from_lab = self._token is None
        if self._token is not None:
            require_token("token" if token is not None else TOKEN_VARIABLE, self._token)

    async def headers(self) -> Mapping[str, str]:
        """Headers that show it; none where there is no token.

        Raises
        ------
        FileError
            Where the lab's file is there and cannot be used.
        """
        if self._token is None and self._from_lab:
            await self._ask_lab()
        return {} if self._token is None else {"Authorization": f"Bearer {self._token}"}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Look for another token.

        Parameters
        ----------
        refused : mapping
            Headers that were refused.

        Returns
        -------
        bool
            Whether `headers` are others by now.
        """
        if self._from_lab:
            await self._ask_lab()
        return await self.headers() != refused

    async def _ask_lab(self) -> None:
        lab = await running_lab()
        if lab is not None and self._address.same_server(Address(lab.url)):
            self._token = lab.token


def require_token(name: str, token: str) -> None:
    """Check what is given as a token.

    Raises
    ------
    InvalidInput
        For what no token can be; it is not repeated, since it may be most of one.
    """
    if not token or not all("!" <= character <= "~" for character in token):
        raise InvalidInput(name, "…", "one word of ASCII characters, in one line")
