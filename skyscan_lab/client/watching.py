"""A session followed over connections that may break: each record once, in order, none missed.

Every message has the number of the last record that it tells of. A new connection names the
highest number seen, and the server goes on after it; what comes again is passed over. Where a
number is left out, the server is asked again: there are records that it tells nobody of, and it
leaves those out each time.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable

import aiohttp
from pydantic import TypeAdapter, ValidationError

from skyscan_lab.client.errors import ApiError, UnexpectedAnswer, api_error
from skyscan_lab.client.link import Link
from skyscan_lab.client.patience import Patience
from skyscan_lab.client.trouble import TRY_LATER, NoAnswer
from skyscan_lab.protocol.skyscan import NumberedProgress, ScanSession

SESSION = TypeAdapter(ScanSession)

# A connection that has lasted so long was good, even where it had nothing to tell.
_GOOD_AFTER_S = 5.0
_REFUSED = 4000  # a close code is this plus the HTTP status of the same refusal


class Watch:
    """What is known of one session, and how to get the rest.

    Parameters
    ----------
    link : Link
        Way to the server.
    session_id : int
        Which session.
    after : int
        Number of the last record already known; 0 for none.
    on_trouble : callable, optional
        Told in words each time the connection is lost.
    """

    def __init__(
        self,
        link: Link,
        session_id: int,
        after: int = 0,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        self._link = link
        self._session_id = session_id
        # Nobody has seen the state before the first record, whose number is 0.
        self._seen = after if after > 0 else -1
        self._doubted = -1
        self._ended = False
        self._on_trouble = on_trouble or _say_nothing

    async def updates(self) -> AsyncGenerator[NumberedProgress, None]:
        """Messages, in order, until the session has ended.

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
            began, before = time.monotonic(), self._seen
            headers = await self._link.credentials.headers()
            query = {"after": max(before, 0)}
            try:
                async with self._link.socket(self._path, query, headers) as socket:
                    while (update := await self._next(socket)) is not None:
                        renewed = False
                        yield update
                    return
            except _LeftOut as left_out:
                reason, trouble = str(left_out), False
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
            if self._seen > before or time.monotonic() - began > _GOOD_AFTER_S:
                patience = Patience()
            if trouble:
                self._on_trouble(reason)
            if not await patience.pause(self._link.patience_s):
                raise self._link.unreachable(reason)

    @property
    def _path(self) -> str:
        return f"/ws/skyscan/{self._session_id}"

    async def _next(self, socket: aiohttp.ClientWebSocketResponse) -> NumberedProgress | None:
        """Next message with news; None once the session has ended."""
        while not self._ended:
            update = self._read(await socket.receive())
            if update.number > self._seen + 1 and update.number != self._doubted:
                self._doubted = update.number
                raise _LeftOut(f"nothing between updates {self._seen} and {update.number}")
            self._ended = update.status.final
            if update.number > self._seen:
                self._seen = update.number
                return update
        return None

    def _read(self, message: aiohttp.WSMessage) -> NumberedProgress:
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            try:
                return NumberedProgress.model_validate_json(message.data)
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
        # Also 1000: the session has not ended, so it was somebody on the way.
        raise NoAnswer(f"closed with {code}{f': {words}' if words else ''}", sent=True)

    async def _in_words(self, error: ApiError) -> ApiError:
        """The same refusal as a plain request gets it: with words."""
        try:
            await self._link.ask("GET", f"/api/skyscan/{self._session_id}", SESSION)
        except ApiError as same:
            return same
        return error


class _LeftOut(Exception):
    """Numbers are missing between two updates, for one reason or another."""


def _say_nothing(_: str) -> None:
    pass
