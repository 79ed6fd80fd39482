"""The bearer token of a node: fetched with its credentials, and again before it ends."""

from __future__ import annotations

import time

import aiohttp
from pydantic import ValidationError

from skyscan_lab.errors import SkyscanError
from skyscan_lab.protocol.oauth import TokenReply
from skyscan_server.node.credentials import Credentials

# A token this near to its end is not worth a handshake.
_SPARE_S = 30.0
_SPARE_SHARE = 0.1


class TokenRefused(SkyscanError):
    """The hub does not accept the node's credentials, or what it answers is no token."""


class Tokens:
    """Tokens of one node.

    Parameters
    ----------
    http : ClientSession
        To the hub.
    hub : str
        Address of its gateway.
    credentials : Credentials
        Of the node.
    """

    def __init__(self, http: aiohttp.ClientSession, hub: str, credentials: Credentials) -> None:
        self._http = http
        self._address = f"{hub}/oauth/token"
        self._credentials = credentials
        self._token: str | None = None
        self._good_until = 0.0  # on our own clock, which no other machine's can contradict

    async def token(self) -> str:
        """Token that is good for a while yet.

        Raises
        ------
        TokenRefused
            Where the hub does not accept the credentials.
        aiohttp.ClientError, TimeoutError
            Where it cannot be reached.
        """
        if self._token is None or time.monotonic() >= self._good_until:
            self._token = await self._fetch()
        return self._token

    def forget(self) -> None:
        """Fetch a new token next time: the hub did not take this one."""
        self._token = None

    async def _fetch(self) -> str:
        asked = time.monotonic()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        async with self._http.post(self._address, data=form) as answer:
            if 400 <= answer.status < 500:
                raise TokenRefused(
                    f"{self._address} refused the credentials of {self._credentials.client_id} "
                    f"({answer.status}): enrol the node again"
                )
            answer.raise_for_status()
            body = await answer.read()
        try:
            reply = TokenReply.model_validate_json(body)
        except ValidationError as error:
            raise TokenRefused(f"{self._address} answered with no token: {error}") from None
        spare = max(_SPARE_SHARE * reply.expires_in, min(_SPARE_S, 0.5 * reply.expires_in))
        self._good_until = asked + reply.expires_in - spare
        return reply.access_token
