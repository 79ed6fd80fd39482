"""What a server tells by WebSocket, followed over connections that may break."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, TypeVar

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError

from skyscan_lab.client.address import Query
from skyscan_lab.client.errors import ApiError, UnexpectedAnswer, api_error
from skyscan_lab.client.link import Link
from skyscan_lab.client.patience import Patience
from skyscan_lab.client.trouble import TRY_LATER, NoAnswer

Told = TypeVar("Told", bound=BaseModel)

# A connection that has lasted so long was good, even where it had nothing to tell.
_GOOD_AFTER_S = 5.0
_REFUSED = 4000  # a close code is this plus the HTTP status of the same refusal


class AskAgain(Exception):
    """A connection is given up for another one, though nothing is wrong with it."""


class Follower(ABC, Generic[Told]):
    """What is known already, and how to get the rest; what a channel tells is a subclass.

    Parameters
    ----------
    link : Link
        Way to the server.
    model : type
        Of its messages.
    path : str
        Of its socket.
    resource : str
        Path of what it tells of: a plain request for it is refused for the same reasons, and
        with words.
    on_trouble : callable, optional
        Told in words each time the connection is lost.
    """

    def __init__(
        self,
        link: Link,
        model: type[Told],
        path: str,
        resource: str,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        self._link = link
        self._model = model
        self._path = path
        self._resource = resource
        self._on_trouble = on_trouble or _say_nothing

    @property
    @abstractmethod
    def progress(self) -> int:
        """Rises with what has been told, where that shows that a connection was good."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether there is no more to come."""

    @abstractmethod
    def query(self) -> Query:
        """What to ask a new connection for."""

    @abstractmethod
    def is_news(self, told: Told) -> bool:
        """Take note of a message, and say whether it is news; may raise `AskAgain`."""

    async def news(self) -> AsyncGenerator[Told, None]:
        """Messages that are news, until there are no more to come.

        Raises
        ------
        ApiError
            Where the server refuses.
        ServerUnreachable
            Where it stays away for longer than there is patience.
        UnexpectedAnswer
            For what this API does not send.
        """
        patience, renewed = Patience(), False
        while True:
            began, before = time.monotonic(), self.progress
            headers = await self._link.credentials.headers()
            try:
                async with self._link.socket(self._path, self.query(), headers) as socket:
                    while (told := await self._next(socket)) is not None:
                        renewed = False
                        yield told
                    return
            except AskAgain as again:
                reason, trouble = str(again), False
            except NoAnswer as lost:
                reason, trouble = lost.reason, True
                if lost.hopeless:
                    raise self._link.unreachable(reason) from lost
            except ApiError as error:
                reason, trouble = error.detail, True
                if error.status not in TRY_LATER:
                    if error.status == 401 and not renewed:
                        renewed = await self._link.credentials.renew(headers)
                        if renewed:
                            continue
                    raise await self._in_words(error) from error
            if self.progress > before or time.monotonic() - began > _GOOD_AFTER_S:
                patience = Patience()
            if trouble:
                self._on_trouble(reason)
            if not await patience.pause(self._link.patience_s):
                raise self._link.unreachable(reason)

    async def _next(self, socket: aiohttp.ClientWebSocketResponse) -> Told | None:
        """Next message with news; None where there is no more to come."""
        while not self.ended:
            told = self._read(await socket.receive())
            if self.is_news(told):
                return told
        return None

    def _read(self, message: aiohttp.WSMessage) -> Told:
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            try:
                return self._model.model_validate_json(message.data)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "all of it"
                url = self._link.address.socket(self._path)
                raise UnexpectedAnswer(url, f"in a message, {where}: {first['msg']}") from None
        if message.type is not aiohttp.WSMsgType.CLOSE:
            raise NoAnswer("the connection was lost", sent=True)
        code, words = message.data, message.extra
        if _REFUSED < code < _REFUSED + 600:
            raise api_error(code - _REFUSED, words or f"closed with {code}")
        # Also 1000: there is more to come, so it was somebody on the way.
        raise NoAnswer(f"closed with {code}{f': {words}' if words else ''}", sent=True)

    async def _in_words(self, error: ApiError) -> ApiError:
        """The same refusal as a plain request gets it: with words."""
        try:
            await self._link.ask("GET", self._resource, _ANYTHING)
        except ApiError as same:
            return same
        return error


_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


def _say_nothing(_: str) -> None:
    pass
