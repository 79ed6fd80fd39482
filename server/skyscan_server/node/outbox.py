"""Journals on their way to the hub, over one connection.

The journal is the outbox: what the hub has not acknowledged is read from it and sent, from
wherever the hub says it stands, by number, so that sending again is always safe. A few batches
may be under way at a time; more would only wait in somebody's memory. So a slow hub slows
nothing down but this, and what comes in meanwhile makes the next batches larger.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from skyscan_lab.errors import JournalCorrupt, JournalError
from skyscan_lab.protocol.node_link import MAX_BATCH, MAX_MESSAGE_BYTES, WINDOW
from skyscan_lab.protocol.records import Entry
from skyscan_server.node.connection import LinkDown
from skyscan_server.node.crew import Crew
from skyscan_server.node.scan_job import ScanJob

Send = Callable[[str], Awaitable[None]]

MAX_BATCH_BYTES = MAX_MESSAGE_BYTES // 8
"""Largest batch, unless a single record is larger."""

# A hub that says again what it has said already may be about to say more.
_AGAIN_S = 1.0
_READ_AGAIN_S = 1.0

log = structlog.get_logger(__name__)


def batch_message(session_id: int, entries: Sequence[Entry]) -> tuple[str, int]:
    """Text of a message with the first of some records, as many as go into one.

    Parameters
    ----------
    session_id : int
        Of which session.
    entries : sequence of Entry
        At least one, numbered without a gap.

    Returns
    -------
    text : str
        A `skyscan_lab.protocol.node_link.Records`, as JSON.
    last : int
        Number of the last record in it.
    """
    bodies: list[str] = []
    size = 0
    for entry in entries[:MAX_BATCH]:
        body = entry.record.model_dump_json()
        size += len(body.encode()) + 1
        if bodies and size > MAX_BATCH_BYTES:
            break
        bodies.append(body)
    first = entries[0].number
    text = (
        f'{{"kind":"records","session_id":{session_id},"first":{first},'
        f'"records":[{",".join(bodies)}]}}'
    )
    return text, first + len(bodies) - 1


class Outbox:
    """What is sent over one connection, which owns it.

    Parameters
    ----------
    send : callable
        Sends a text; returns once it has left.
    crew : Crew
        Owns the sending.
    ack_s : float
        Without an acknowledgement for this long, records are sent again.
    """

    def __init__(self, send: Send, crew: Crew, ack_s: float) -> None:
        self._send = send
        self._crew = crew
        self._ack_s = ack_s
        self._streams: dict[int, _Stream] = {}

    def follow(self, job: ScanJob) -> None:
        """Send a job's records, from where the hub stands."""
        stream = self._streams.get(job.session_id)
        if stream is not None and stream.job is job:
            return
        self.drop(job.session_id)
        self._streams[job.session_id] = _Stream(job, self._send, self._crew, self._ack_s)

    def acknowledge(self, session_id: int, number: int) -> None:
        """Go on from where the hub says it stands."""
        stream = self._streams.get(session_id)
        if stream is not None:
            stream.acknowledge(number)

    def drop(self, session_id: int) -> None:
        """Send nothing more of a session."""
        stream = self._streams.pop(session_id, None)
        if stream is not None:
            stream.close()

    def close(self) -> None:
        """Send nothing more at all."""
        for session_id in tuple(self._streams):
            self.drop(session_id)


class _Stream:
    """One session's records on their way."""

    def __init__(self, job: ScanJob, send: Send, crew: Crew, ack_s: float) -> None:
        self.job = job
        self._send = send
        self._crew = crew
        self._ack_s = ack_s
        self._committed = self._sent = job.task.number
        self._under_way: deque[int] = deque()  # last number of each batch
        self._room = asyncio.Event()
        self._room.set()
        self._timer: asyncio.TimerHandle | None = None
        self._sending = crew.start(self._run())

    def acknowledge(self, number: int) -> None:
        """Take note of where the hub stands, and go back there if it lacks something."""
        before, self._committed = self._committed, number
        end = before
        while self._under_way and self._under_way[0] <= number:
            end = self._under_way.popleft()
        if number not in (end, before):
            # It ends none of our batches: a part of one was taken, or more than we have sent,
            # or some of what there was is gone.
            self._go_back()
            return
        if len(self._under_way) < WINDOW:
            self._room.set()
        self._expect(self._ack_s if number > before else _AGAIN_S)

    def close(self) -> None:
        """Send nothing more."""
        self._sending.cancel()
        self._stop_timer()

    def _go_back(self) -> None:
        """Send again, from behind what is committed."""
        self.close()
        self._sent = self._committed
        self._under_way.clear()
        self._room.set()
        self._sending = self._crew.start(self._run())

    def _expect(self, seconds: float) -> None:
        """Send again, unless the hub answers in time."""
        self._stop_timer()
        if self._under_way:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._go_back)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _run(self) -> None:
        await self.job.opened.wait()
        journal = self.job.journal
        while journal is not None and self.job.lost is None:
            await self._room.wait()
            try:
                entries = await journal.after(self._sent)
            except JournalCorrupt as error:
                await self.job.give_up(str(error))
                return
            except JournalError:  # closed
                return
            except OSError as error:
                log.warning("journal cannot be read", session=self.job.session, reason=str(error))
                await asyncio.sleep(_READ_AGAIN_S)
                continue
            if not entries:
                return  # nothing follows; an acknowledgement may still send us back
            text, last = batch_message(self.job.session_id, entries)
            self._sent = last
            self._under_way.append(last)
            if len(self._under_way) >= WINDOW:
                self._room.clear()
            if self._timer is None:
                self._expect(self._ack_s)
            try:
                await self._send(text)
            except LinkDown:
                return
