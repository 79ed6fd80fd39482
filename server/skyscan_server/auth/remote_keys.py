"""Public keys of an outside issuer, fetched from its JWKS address.

Tokens come far more often than keys change. So keys are kept, and asked for again when they
have grown old or when a token names one that we do not know; but not more often than once a
minute, since anybody can make up names.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from skyscan_server.auth.key_set import KeySet, VerificationKey, read_key_set
from skyscan_server.auth.principal import TokenUnverifiable

_MAX_BYTES = 256 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class RemoteKeys:
    """A `KeySource` at an address; use it as a context manager.

    Parameters
    ----------
    url : str
        Of the JWK Set: https, or http on loopback. Redirects are not followed.
    timeout_s : float
        For how long to wait for an answer.
    refresh_s : float
        Shortest time between two questions.
    retry_s : float
        The same, where the last question came to nothing.
    max_age_s : float
        After which known keys are asked for again, without making anybody wait.
    monotonic : callable
        Seconds of a clock that never jumps.

    Raises
    ------
    ValueError
        For another kind of address.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        refresh_s: float = 60.0,
        retry_s: float = 5.0,
        max_age_s: float = 3600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        ):
            raise ValueError(f"JWKS address = {url!r}: must be https, or http on loopback")
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._refresh_s = refresh_s
        self._retry_s = retry_s
        self._max_age_s = max_age_s
        self._monotonic = monotonic
        self._session: aiohttp.ClientSession | None = None
        self._asking: asyncio.Task[None] | None = None
        self._keys: KeySet | None = None
        self._old_at = 0.0
        self._next_question = float("-inf")
        self._trouble = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """Return the key that a token names, or the only one where it names none.

        Raises
        ------
        TokenUnverifiable
            Where the key is not known and the issuer does not answer.
        """
        key = self._known(key_id, algorithm)
        if key is not None:
            if self._monotonic() >= self._old_at:
                self._ask()
            return key
        asking = self._ask()
        if asking is not None:
            # Not awaited itself: whoever gives up waiting leaves the question to the others.
            await asyncio.wait({asking})
            key = self._known(key_id, algorithm)
        if key is None and (self._trouble or self._keys is None):
            trouble = self._trouble or "not there yet"
            raise TokenUnverifiable(f"keys of the token's issuer: {trouble}")
        return key

    def _known(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        return None if self._keys is None else self._keys.get(key_id, algorithm)

    def _ask(self) -> asyncio.Task[None] | None:
        """Return the question on its way, a new one if it is time for one, or None."""
        if self._asking is not None and not self._asking.done():
            return self._asking
        if self._session is None or self._monotonic() < self._next_question:
            return None
        self._asking = asyncio.create_task(self._refresh(self._session), name="JWKS")
        return self._asking

    async def _refresh(self, session: aiohttp.ClientSession) -> None:
        try:
            self._keys = await self._fetch(session)
        except TimeoutError:
            self._trouble = f"no answer within {self._timeout.total:g} s"
        except (aiohttp.ClientError, RecursionError, ValueError) as error:
            self._trouble = str(error) or type(error).__name__
        else:
            self._trouble = ""
            self._old_at = self._monotonic() + self._max_age_s
        self._next_question = self._monotonic() + (
            self._retry_s if self._trouble else self._refresh_s
        )

    async def _fetch(self, session: aiohttp.ClientSession) -> KeySet:
        async with session.get(self._url, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"answered with status {response.status}")
            parts, size = [], 0
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > _MAX_BYTES:
                    raise ValueError(f"more than {_MAX_BYTES} bytes")
            return read_key_set(json.loads(b"".join(parts)))
