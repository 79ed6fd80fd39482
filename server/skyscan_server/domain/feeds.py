"""What has been committed goes out to those who watch: each at its own pace, from its own place.

A watched session has one feed, which makes each message once, and keeps the last ones. What
this hub commits it is given at once; for all else it reads the store, once for all watched
sessions, at a wake. A subscriber takes them from there
when it can; one that has fallen behind, or comes back and names the number it has got to,
reads the store. Nothing is queued for anybody, so one that reads nothing costs nobody
anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from skyscan_lab.protocol.records import StatusRecord
from skyscan_server.bus.base import SESSIONS, Bus
from skyscan_server.domain.errors import NotFound
from skyscan_server.domain.messages import RECORD, Message, message, message_of, step_of
from skyscan_server.domain.summary import Step, Summary
from skyscan_server.store import records, sessions
from skyscan_server.store.database import Database
from skyscan_server.store.errors import StoreError
from skyscan_server.store.sessions import SessionRow

_KEPT = 512
_PART = 512
# Wakes come with every commit, and nearly all that they tell of is here by then.
_REST_S = 0.05
# Making the messages of one look keeps everybody waiting.
_LARGEST_LOOK = 1000

log = structlog.get_logger(__name__)


class _Feed:
    """The last messages of one session, and where they end."""

    def __init__(self, session_id: int, total: int, summary: Summary) -> None:
        self.session_id = session_id
        self.total = total
        self.summary = summary
        self.subscribers = 0
        self.grown = asyncio.Event()
        self._kept: deque[Message] = deque(maxlen=_KEPT)
        self._first = summary.number  # everything after this number is kept

    def read(self, number: int, body: str) -> None:
        """Take a record from the store."""
        if number == self.summary.number + 1:  # else it was seen already
            self.take(step_of(self.summary, number, body))

    def take(self, step: Step) -> None:
        """Take a record, unless it is not the next one."""
        if step.after.number != self.summary.number + 1:
            return
        self.summary = step.after
        made = message_of(self.session_id, self.total, step)
        if made is not None:
            if len(self._kept) == _KEPT:
                self._first = self._kept[0].number
            self._kept.append(made)

    def announce(self) -> None:
        """Wake the subscribers."""
        grown, self.grown = self.grown, asyncio.Event()
        grown.set()

    def after(self, number: int) -> list[Message] | None:
        """Messages after a number; None where they are kept no more."""
        if number < self._first:
            return None
        new: list[Message] = []
        for kept in reversed(self._kept):
            if kept.after.number <= number:
                break
            new.append(kept)
        new.reverse()
        return new


class Subscription:
    """One who watches a session, and how far they have got.

    Attributes
    ----------
    state : Message
        Where the session stood when the subscription began.
    """

    def __init__(self, feeds: Feeds, feed: _Feed, state: Message) -> None:
        self.state = state
        self._feeds = feeds
        self._feed = feed
        self._at = state.after

    async def next(self) -> list[Message]:
        """Wait for messages and return them, in order; none once the session has ended."""
        while True:
            grown = self._feed.grown
            made = self._feed.after(self._at.number)
            if made is None:
                self._at, made = await self._feeds.read_back(self._feed, self._at)
            elif made:
                self._at = made[-1].after
            elif self._at.status.final or self._feed.summary.status.final:
                return []
            else:
                await grown.wait()
                continue
            if made:
                return made


class Feeds:
    """The feeds of this hub.

    Parameters
    ----------
    database : Database
        What they read.
    bus : Bus
        Says when to read.
    look_s : float
        Time after which to read though nobody said so.
    """

    def __init__(self, database: Database, bus: Bus, *, look_s: float = 1.0) -> None:
        self._database = database
        self._bus = bus
        self._look_s = look_s
        self._feeds: dict[int, _Feed] = {}

    @asynccontextmanager
    async def subscribe(
        self, session_id: int, after: int | None = None
    ) -> AsyncIterator[Subscription]:
        """Watch a session.

        Parameters
        ----------
        session_id : int
            Which one.
        after : int, optional
            Number of the last record already known; by default everything up to now is.

        Raises
        ------
        NotFound
            For a session that is not there.
        """
        feed = await self._feed(session_id)
        feed.subscribers += 1
        try:
            # Who comes back may know more than the feed does, which hears of things a bit later.
            summary = feed.summary if after is None else await self._summary_at(session_id, after)
            yield Subscription(self, feed, message(session_id, feed.total, summary))
        finally:
            feed.subscribers -= 1
            if not feed.subscribers:
                self._feeds.pop(session_id, None)

    def committed(self, session_id: int, steps: Sequence[Step]) -> None:
        """Take what this hub has just committed of a session, watched or not."""
        feed = self._feeds.get(session_id)
        if feed is not None:
            # Of very many the first would be kept no more when the subscribers come for them.
            for step in steps[: _KEPT // 2]:
                feed.take(step)
            feed.announce()

    async def run(self) -> None:
        """Read what is new for the watched sessions, until cancelled."""
        trouble = None
        with self._bus.listen(SESSIONS) as wake:
            while True:
                try:
                    more = await self._read_on()
                    trouble = None
                except StoreError as error:
                    if trouble is None:
                        log.warning("records cannot be read", reason=str(error))
                    trouble, more = error, False
                if not more:
                    await asyncio.sleep(_REST_S)
                    await wake.wait(self._look_s)

    async def read_back(self, feed: _Feed, at: Summary) -> tuple[Summary, list[Message]]:
        """Messages that the feed keeps no more, some of them, and where they end."""
        async with self._database.read() as connection:
            stored = await records.after(connection, {feed.session_id: at.number}, _PART)
        messages = []
        for _, number, body in stored:
            step = step_of(at, number, body)
            at = step.after
            made = message_of(feed.session_id, feed.total, step)
            if made is not None:
                messages.append(made)
        return at, messages

    async def _feed(self, session_id: int) -> _Feed:
        if session_id not in self._feeds:
            async with self._database.read() as connection:
                row = await _session(connection, session_id)
            # Somebody else may have come first while we read.
            self._feeds.setdefault(session_id, _Feed(session_id, row.total, Summary.of(row)))
        return self._feeds[session_id]

    async def _read_on(self) -> bool:
        """Read once for all; whether there may be more at once."""
        cursors = {
            number: feed.summary.number
            for number, feed in self._feeds.items()
            if not feed.summary.status.final
        }
        if not cursors:
            return False
        each = max(1, min(_PART, _LARGEST_LOOK // len(cursors)))
        async with self._database.read() as connection:
            stored = await records.after(connection, cursors, each)
        grown: dict[int, _Feed] = {}
        for session_id, number, body in stored:
            feed = self._feeds.get(session_id)
            if feed is not None:
                feed.read(number, body)
                grown[session_id] = feed
        for feed in grown.values():
            feed.announce()
        return any(feed.summary.number >= cursors[number] + each for number, feed in grown.items())

    async def _summary_at(self, session_id: int, number: int) -> Summary:
        """Where a session stood at a number, or at the nearest that there is."""
        async with self._database.read() as connection:
            number = max(0, min(number, (await _session(connection, session_id)).number))
            done = await records.done_at(connection, session_id, number)
            others = await records.up_to(connection, session_id, number)
        summary = Summary()
        for body in others:
            record = RECORD.validate_json(body)
            if isinstance(record, StatusRecord):
                summary = summary.after(summary.number + 1, record)
        return replace(summary, number=number, done=done)


async def _session(connection: AsyncConnection, session_id: int) -> SessionRow:
    row = await sessions.get(connection, session_id)
    if row is None:
        raise NotFound("Scan session not found")
    return row
