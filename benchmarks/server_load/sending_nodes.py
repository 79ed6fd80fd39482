"""Nodes that bring journals to a hub: the real link and the real outbox, over real journals.

What is not here is a scan: records come from a list, appended to the journal beforehand or at a
given rate, since this is about the road from the journal on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import aiohttp
import uvloop

from server_load.hub import graph_of
from server_load.recordings import plan_of, records_of
from skyscan_lab.protocol.node_link import Ack, Hello, Task, Tasks, Welcome
from skyscan_lab.scanning.journal import Journal, open_journal
from skyscan_lab.scanning.journal_file import OsJournalFile
from skyscan_server.node.connection import Connection
from skyscan_server.node.crew import Crew
from skyscan_server.node.link import Link
from skyscan_server.node.outbox import Outbox
from skyscan_server.node.timing import NodeTiming
from skyscan_server.web.logs import configure_logging


@dataclass(frozen=True)
class Journaled:
    """One session, and the node that scans it.

    Parameters
    ----------
    number : int
        Of both.
    points : int
        Points of the session.
    rate : float or None
        Points a second, appended to the journal as time goes by; None for a journal that is
        complete when it begins.
    """

    number: int
    points: int
    rate: float | None = None


@dataclass(frozen=True)
class Sending:
    """What the nodes are to do.

    Parameters
    ----------
    gateway_url : str
        Where the hub is.
    folder : Path
        For the journals.
    sessions : sequence of Journaled
        What they bring.
    tokens : sequence of str
        Of their nodes.
    """

    gateway_url: str
    folder: Path
    sessions: Sequence[Journaled]
    tokens: Sequence[str]


@dataclass(frozen=True)
class Sent:
    """What they have done.

    Parameters
    ----------
    began, ended : float
        From the first record that could go to the last acknowledgement (monotonic, seconds).
    appended : dict of int to list of float
        When each record was handed to the journal of its session; none for journals that were
        complete before.
    """

    began: float
    ended: float
    appended: dict[int, list[float]]


def send_journals(pipe: Pipe) -> None:
    """Be a process of nodes.

    For each `Sending` it tells "ready" once all are connected, waits for word to begin, and
    answers with a `Sent` when everything is acknowledged.
    """
    configure_logging("error")
    while (sending := pipe.recv()) is not None:
        uvloop.run(_Nodes(sending, pipe).run())


class _Unsynced(OsJournalFile):
    """A journal that does not wait for the disk: nodes have disks of their own, not the hub's."""

    def sync(self) -> None:
        pass


class _GivenToken:
    """A token that was made beforehand, in place of one that is fetched."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    def forget(self) -> None:
        raise SystemExit("the hub did not take a token")


class _Job:
    """A session as the outbox sees it, and what is recorded of it."""

    lost = None

    def __init__(self, session: Journaled, journal: Journal) -> None:
        self.session_id = session.number
        self.session = journal.plan.session
        self.journal = journal
        self.task = Task(session_id=session.number, rotor="roof", plan=journal.plan)
        self.rate = session.rate
        self.records = records_of(session.number, session.points)
        self.opened = asyncio.Event()
        self.connected = asyncio.Event()
        self.acknowledged = asyncio.Event()

    async def give_up(self, words: str) -> None:
        raise SystemExit(f"{self.session}: {words}")


class _Nodes:
    def __init__(self, sending: Sending, pipe: Pipe) -> None:
        self._sending = sending
        self._pipe = pipe

    async def run(self) -> None:
        s = self._sending
        async with AsyncExitStack() as stack:
            jobs: list[_Job] = []
            for session in s.sessions:
                path = s.folder / f"{session.number:03d}.journal"
                plan = plan_of(session.number, session.points)
                journal = await open_journal(path, plan, file=_Unsynced)
                await stack.enter_async_context(journal)
                jobs.append(_Job(session, journal))
            for job in jobs:
                if job.rate is None:
                    for record in job.records:
                        await job.journal.append(record)
            http = await stack.enter_async_context(
                aiohttp.ClientSession(skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"))
            )
            crew = await stack.enter_async_context(Crew())
            for job, token in zip(jobs, s.tokens, strict=True):
                crew.start(self._link(http, job, token).run())
            for job in jobs:
                await job.connected.wait()
            self._pipe.send("ready")
            await asyncio.to_thread(self._pipe.recv)
            began = time.monotonic()
            for job in jobs:
                job.opened.set()
            appended = await _append_in_time(jobs)
            for job in jobs:
                await job.acknowledged.wait()
            self._pipe.send(Sent(began, time.monotonic(), appended))

    def _link(self, http: aiohttp.ClientSession, job: _Job, token: str) -> Link:
        timing = NodeTiming()
        hello = Hello(software="load", graph=graph_of(job.session_id))

        async def serve(connection: Connection, _welcome: Welcome) -> None:
            async with Crew() as crew:
                outbox = Outbox(connection.send_text, crew, timing.ack_s)
                async for message in connection:
                    if isinstance(message, Tasks):
                        outbox.follow(job)
                        job.connected.set()
                    elif isinstance(message, Ack):
                        outbox.acknowledge(message.session_id, message.number)
                        if message.number >= len(job.records):
                            job.acknowledged.set()

        return Link(
            http,
            self._sending.gateway_url,
            _GivenToken(token),
            hello=lambda: hello,
            serve=serve,
            timing=timing,
        )


async def _append_in_time(jobs: Sequence[_Job]) -> dict[int, list[float]]:
    """Append to journals at their rates, out of step with each other; return when."""
    appended: dict[int, list[float]] = {}
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def append(place: int, job: _Job, rate: float) -> None:
        times = appended[job.session_id] = []
        for count, record in enumerate(job.records):
            pause_s = begin + (count + place / len(jobs)) / rate - loop.time()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            times.append(time.monotonic())
            await job.journal.append(record)

    async with asyncio.TaskGroup() as group:
        for place, job in enumerate(jobs):
            if job.rate is not None:
                group.create_task(append(place, job, job.rate))
    return appended
