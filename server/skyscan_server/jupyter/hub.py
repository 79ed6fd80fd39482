"""The hub behind Jupyter: that of one data folder, looked up anew for every request.

It may be started after Jupyter, and again at another port; nothing about it is remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from skyscan_lab.client.runtime import Runtime, read_runtime
from skyscan_lab.errors import SkyscanError


class HubRefusal(SkyscanError):
    """A request that does not get to the hub, or comes back without its answer.

    Parameters
    ----------
    status : int
        HTTP status of the answer in its place.
    words : str
        Why.
    """

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the hub is, and what opens it."""

    origin: URL
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every request to it carries."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub of a data folder, and how long it is waited for.

    Parameters
    ----------
    folder : Path
        The data folder.
    connect_s : float
        Longest time until it has taken a connection.
    patience_s : float
        Longest silence of the hub, and of the browser, in the middle of a request.
    body_s : float
        Longest time for the whole body of a request.
    max_message_bytes : int
        Largest message of a socket, either way.
    """

    folder: Path
    connect_s: float = 5.0
    patience_s: float = 60.0
    body_s: float = 600.0
    max_message_bytes: int = 2**22
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False, repr=False)

    def beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside a connection, whose end cancels it; until then it is kept here."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def address(self) -> Address:
        """Look up where it is now.

        Raises
        ------
        HubRefusal
            503 where none runs.
        """
        try:
            runtime = await asyncio.to_thread(_running, self.folder)
        except (SkyscanError, OSError) as error:
            raise HubRefusal(503, f"the hub cannot be found: {error}") from error
        if runtime is None:
            raise HubRefusal(503, f"no hub runs with {self.folder}: skyscan lab starts one")
        try:
            origin = URL(runtime.url).origin()
        except ValueError:
            words = f"the hub cannot be found: {runtime.url!r} is not its address"
            raise HubRefusal(503, words) from None
        return Address(origin, runtime.token)

    def session(self) -> aiohttp.ClientSession:
        """Make a session for one request.

        A kept connection would cost less, and fail once the hub has been started again.
        """
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self.connect_s, sock_read=self.patience_s
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )


def _running(folder: Path) -> Runtime | None:
    """Read the runtime file, unless it was left behind: then anybody may listen at that port."""
    runtime = read_runtime(folder)
    return runtime if runtime is not None and runtime.alive else None


def refusal_of(error: Exception) -> HubRefusal:
    """What an error on the way to the hub is to the one who asked."""
    if isinstance(error, HubRefusal):
        return error
    if isinstance(error, TimeoutError):  # aiohttp's are, too
        return HubRefusal(504, "the hub did not answer in time")
    if isinstance(error, aiohttp.ClientConnectorError):
        return HubRefusal(503, "the hub does not listen: it is about to start, or to end")
    return HubRefusal(502, "the connection to the hub was lost")
