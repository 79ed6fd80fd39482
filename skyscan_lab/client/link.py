"""The way to one server: requests that are repeated where that is safe, and sockets.

What is safe depends on the request. One whose effect is the same however often it is made is
repeated for as long as there is patience. One that is not (the start of a scan, a move) is
repeated only where not even a connection came about; where its answer was lost, the error says
how to find out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError

from skyscan_lab.client.address import Address, Query
from skyscan_lab.client.credentials import Credentials
from skyscan_lab.client.errors import (
    ApiError,
    OutcomeUnknown,
    ServerUnreachable,
    UnexpectedAnswer,
)
from skyscan_lab.client.patience import Patience
from skyscan_lab.client.trouble import TRY_LATER, NoAnswer, network_trouble, refusal
from skyscan_lab.errors import InvalidTransition

T = TypeVar("T")

# An address that has never answered is more likely wrong than restarting.
_UNKNOWN_SERVER_S = 3.0
_CONNECT_S = 10.0
_CLOSE_S = 2.0
_PART = 2**18
_LARGE = 2**20  # from here on an answer is parsed beside the event loop


class Repeat(Enum):
    """When a request may be made again."""

    FREELY = auto()
    """Where no answer came, and where the answer says that another may come later."""
    UNANSWERED = auto()
    """Where no answer came; that the hardware cannot be reached is one."""
    UNSENT = auto()
    """Where not even a connection came about."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    repeat: Repeat
    timeout: aiohttp.ClientTimeout
    patience_s: float | None = None
    body: bytes | None = None
    remedy: str = "look before asking again"


class Link:
    """Requests to one server, over connections that are kept; made within an event loop.

    Parameters
    ----------
    address : Address
        Where it is.
    credentials : Credentials
        What to show it.
    patience_s : float
        How long a request is made again; no try begins later.
    timeout_s : float
        How long an answer may take.
    heartbeat_s : float
        A socket that is silent for so long is pinged; where the answer takes more than half of
        it, the connection is lost.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        *,
        patience_s: float,
        timeout_s: float,
        heartbeat_s: float,
    ) -> None:
        self.address = address
        self.credentials = credentials
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._heartbeat_s = heartbeat_s
        self._reached = False
        self._open: aiohttp.ClientSession | None = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0)
        )

    async def close(self) -> None:
        """Give up all connections."""
        session, self._open = self._open, None
        if session is not None:
            await session.close()

    @property
    def patience_s(self) -> float:
        """How long to try again, at present."""
        return self._patience_s if self._reached else min(self._patience_s, _UNKNOWN_SERVER_S)

    async def ask(
        self,
        method: str,
        path: str,
        answer: TypeAdapter[T],
        *,
        query: Query | None = None,
        body: BaseModel | None = None,
        repeat: Repeat = Repeat.FREELY,
        timeout_s: float | None = None,
        patience_s: float | None = None,
        remedy: str = "look before asking again",
    ) -> T:
        """Make a request and return its answer.

        Parameters
        ----------
        method, path : str
            Of the route.
        answer : TypeAdapter
            What comes back.
        query, body : mapping, BaseModel, optional
            What is sent along.
        repeat : Repeat
            When to make it again.
        timeout_s : float, optional
            How long an answer may take, if not as usual.
        patience_s : float, optional
            How long to ask again, if not as usual.
        remedy : str
            How to find out, where it must not be made twice and no answer came.

        Raises
        ------
        ApiError
            Where the server refuses.
        ServerUnreachable
            Where there was no answer in all the time there was.
        UnexpectedAnswer
            For what this API does not answer.
        """
        timeout = _times(total=self._timeout_s if timeout_s is None else timeout_s)
        content = None if body is None else body.model_dump_json().encode()
        url = self.address.route(path, query)
        raw = await self._tried(
            _Request(method, url, repeat, timeout, patience_s, content, remedy),
            aiohttp.ClientResponse.read,
        )
        try:
            if len(raw) >= _LARGE:
                return await asyncio.to_thread(answer.validate_json, raw)
            return answer.validate_json(raw or b"null")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "all of it"
            raise UnexpectedAnswer(url, f"in its answer, {where}: {first['msg']}") from None

    async def ask_total(self, path: str, query: Query) -> int:
        """How long a list is of which a page is asked for.

        Parameters
        ----------
        path, query : str, mapping
            Of the route; the query has a limit.

        Raises
        ------
        ApiError, ServerUnreachable, UnexpectedAnswer
            As `ask`.
        """
        url = self.address.route(path, query)

        async def total(response: aiohttp.ClientResponse) -> int:
            try:
                return int(response.headers["X-Total-Count"])
            except (KeyError, ValueError):
                raise UnexpectedAnswer(url, "it does not say how many there are") from None

        timeout = _times(total=self._timeout_s)
        return await self._tried(_Request("GET", url, Repeat.FREELY, timeout), total)

    async def download(
        self, path: str, file: Path, *, query: Query | None = None, silence_s: float
    ) -> None:
        """Stream what a route answers into a file.

        Parameters
        ----------
        path : str
            Of the route.
        file : Path
            Where to; begun anew with each try.
        query : mapping, optional
            What is sent along.
        silence_s : float
            Longest time in which nothing comes.

        Raises
        ------
        ApiError, ServerUnreachable, UnexpectedAnswer
            As `ask`.
        OSError
            Where the file cannot be written.
        """

        async def receive(response: aiohttp.ClientResponse) -> None:
            with await asyncio.to_thread(file.open, "wb") as opened:
                async for part in response.content.iter_chunked(_PART):
                    await asyncio.to_thread(opened.write, part)

        request = _Request(
            "GET", self.address.route(path, query), Repeat.FREELY, _times(sock_read=silence_s)
        )
        await self._tried(request, receive)

    @asynccontextmanager
    async def socket(
        self, path: str, query: Query, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket; this is tried once.

        Parameters
        ----------
        path, query : str, mapping
            Of the route.
        headers : mapping
            Those of `credentials`.

        Raises
        ------
        ApiError
            Where it is refused, without the server's words.
        NoAnswer
            Where it does not come about.
        """
        with network_trouble():
            async with asyncio.timeout(self._timeout_s):
                opened = await self._session.ws_connect(
                    self.address.socket(path, query),
                    headers=headers,
                    heartbeat=self._heartbeat_s,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
                )
        self._reached = True
        async with opened as socket:
            yield socket

    def unreachable(self, reason: str) -> ServerUnreachable:
        """Error that says so, and what to do."""
        if self._reached:
            remedy = "it has answered before, and scans go on without it; try again later"
        elif self.address.on_this_machine:
            remedy = "start it with 'skyscan serve', or check the address"
        else:
            remedy = "check the address, and whether the server runs there"
        return ServerUnreachable(str(self.address), reason, remedy)

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:
            raise InvalidTransition("this client has been closed")
        return self._open

    async def _tried(
        self, request: _Request, receive: Callable[[aiohttp.ClientResponse], Awaitable[T]]
    ) -> T:
        """Make a request as often as it may be, and is needed."""
        patience = Patience()
        renewed = lost = False
        while True:
            failure: ApiError | ServerUnreachable
            headers = await self.credentials.headers()
            try:
                return await self._once(request, headers, receive)
            except ApiError as error:
                if error.status == 401 and not renewed:
                    renewed = True
                    if await self.credentials.renew(headers):
                        continue
                error.repeated = lost
                if request.repeat is not Repeat.FREELY or error.status not in TRY_LATER:
                    raise
                failure = error
            except NoAnswer as trouble:
                lost = lost or trouble.sent
                if trouble.sent and request.repeat is Repeat.UNSENT:
                    raise OutcomeUnknown(
                        str(self.address), trouble.reason, request.remedy
                    ) from trouble
                failure = self.unreachable(trouble.reason)
                if trouble.hopeless:
                    raise failure from trouble
            most_s = self.patience_s if request.patience_s is None else request.patience_s
            if not await patience.pause(most_s):
                raise failure

    async def _once(
        self,
        request: _Request,
        headers: Mapping[str, str],
        receive: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        if request.body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        with network_trouble():
            async with self._session.request(
                request.method,
                request.url,
                data=request.body,
                headers=headers,
                timeout=request.timeout,
                allow_redirects=False,  # a token goes to nobody whom its owner has not named
            ) as response:
                self._reached = True
                if 200 <= response.status < 300:
                    return await receive(response)
                raise await refusal(response)


def _times(total: float | None = None, sock_read: float | None = None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, sock_read=sock_read, sock_connect=_CONNECT_S)
