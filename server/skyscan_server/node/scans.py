"""The scans of a node: what the hub has asked for, and what our own disk remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import structlog

from skyscan_lab.protocol.graph import RotorKey
from skyscan_lab.protocol.node_link import Granted, KnownJournal, Task
from skyscan_lab.scanning.journal_file import JournalFile, OsJournalFile
from skyscan_server.node.crew import Crew
from skyscan_server.node.fence import Fence
from skyscan_server.node.mounts import Mounts
from skyscan_server.node.scan_job import ScanJob
from skyscan_server.node.shelf import Shelf
from skyscan_server.node.timing import NodeTiming

log = structlog.get_logger(__name__)


class Scans:
    """Jobs of a node, one a session.

    A session's files are removed once the hub has said that it has the session's end, and
    everything up to there. What the hub does not know, or has ended without us while there
    were records that it has not got, is set aside for people.

    Parameters
    ----------
    shelf : Shelf
        Where journals lie.
    mounts : Mounts
        The rotors.
    fence : Fence
        Knows who holds them.
    timing : NodeTiming
        How long to wait for what.
    crew : Crew
        Owns the jobs.
    file : callable
        Opens the file layer under a journal.
    """

    def __init__(
        self,
        shelf: Shelf,
        mounts: Mounts,
        fence: Fence,
        timing: NodeTiming,
        crew: Crew,
        file: Callable[[Path], JournalFile] = OsJournalFile,
    ) -> None:
        self._shelf = shelf
        self._mounts = mounts
        self._fence = fence
        self._timing = timing
        self._crew = crew
        self._file = file
        self._jobs: dict[int, ScanJob] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._word = asyncio.Event()

    def __iter__(self) -> Iterator[ScanJob]:
        return iter(tuple(self._jobs.values()))

    @property
    def journals(self) -> tuple[KnownJournal, ...]:
        """What the hub is told of when the node connects."""
        return tuple(job.known for job in self)

    async def recover(self) -> None:
        """Go on with what our own disk remembers; returns once its journals are open."""
        for kept in await asyncio.to_thread(self._shelf.all):
            task = kept.task
            if not await asyncio.to_thread(self._shelf.has_journal, task.plan.session):
                # Begun or not, that is for the hub to say: it knows how much it has.
                task = task.model_copy(update={"claimed": False})
            log.info("session taken up again", session_id=task.session_id, rotor=task.rotor)
            self._start(task, kept.lost, self._word)
        for job in self:
            await job.settled.wait()

    def go_on_alone(self) -> None:
        """Wait no longer for the hub's word on what is taken up again: it cannot be reached."""
        self._word.set()

    async def tell_all(self, tasks: Iterable[Task]) -> None:
        """Take over everything that is open at the hub; what is not there, it does not know."""
        known = {task.session_id: task for task in tasks}
        for job in self:
            if job.session_id not in known:
                await self._let_go(job, "the hub does not know this session")
        for task in known.values():
            await self.tell(task)
        self._word.set()

    def get(self, session_id: int) -> ScanJob | None:
        """Job of a session; None where there is nothing to be done for it."""
        return self._jobs.get(session_id)

    async def tell(self, task: Task) -> None:
        """Take over what the hub says of a session."""
        job = self._jobs.get(task.session_id)
        if job is not None and job.session != task.plan.session:
            await self._let_go(job, "the hub has another session of this number")
            job = None
        if task.final:
            if job is not None:
                await self._end(job, task)
        elif job is None:
            if await asyncio.to_thread(self._shelf.take_back, task.plan.session):
                log.info("journal taken back, the hub knows it again", session_id=task.session_id)
            log.info("session to scan", session_id=task.session_id, rotor=task.rotor)
            self._start(task, None)
            if task.claimed:
                await self._fence.see(task.rotor, task.epoch)
        else:
            await job.apply(task)

    async def grant(self, granted: Granted) -> None:
        """Take over the answer to a claim."""
        job = self._jobs.get(granted.session_id)
        if job is None:
            return
        if granted.granted:
            await job.grant(granted)
        elif not job.task.claimed:
            await self._let_go(job, "the hub did not grant it")

    def committed(self, session_id: int, number: int) -> None:
        """Take note of how much of a session the hub has."""
        job = self._jobs.get(session_id)
        if job is not None and number > job.task.number:
            job.task = job.task.model_copy(update={"number": number})

    def stop_by_hand(self, rotor: RotorKey | None = None) -> None:
        """Hold the scans of a rotor, or of all, because the rotor is being stopped."""
        for job in self:
            if rotor is None or job.task.rotor == rotor:
                job.stop_by_hand()

    async def news(self) -> None:
        """Wait until the trouble of some job has changed."""
        await self._news.wait()
        self._news.clear()

    def tell_news(self) -> None:
        """Let `news` return: somebody has not heard of any trouble yet."""
        self._news.set()

    def _start(self, task: Task, lost: str | None, word: asyncio.Event | None = None) -> ScanJob:
        job = ScanJob(
            task,
            lost,
            word,
            shelf=self._shelf,
            mounts=self._mounts,
            fence=self._fence,
            timing=self._timing,
            file=self._file,
            news=self._news.set,
        )
        self._jobs[task.session_id] = job
        self._running[task.session_id] = self._crew.start(job.run())
        return job

    async def _end(self, job: ScanJob, task: Task) -> None:
        """The hub has the end of a session: remove our files, if it has all that is in them."""
        state = None if job.journal is None else job.journal.state
        sent = max(task.number, job.task.number)
        if state is not None and state.status.final and state.number <= sent:
            await self._remove(job)
            await asyncio.to_thread(self._shelf.forget, job.session)
            log.info("session is with the hub", session_id=job.session_id, records=state.number)
        elif job.lost is not None:
            await self._let_go(job, "the hub has ended it")
        else:
            await self._let_go(job, "the hub has ended it without its last records")

    async def _let_go(self, job: ScanJob, why: str) -> None:
        """Stop a job and put what it has where people find it."""
        await self._remove(job)
        if job.journal is not None:
            empty = job.journal.state.number == 0
        else:
            empty = not await asyncio.to_thread(self._shelf.has_journal, job.session)
        if empty:
            await asyncio.to_thread(self._shelf.forget, job.session)
            return
        place = await asyncio.to_thread(self._shelf.set_aside, job.session)
        log.warning("session given up", session_id=job.session_id, reason=why, kept_as=str(place))

    async def _remove(self, job: ScanJob) -> None:
        del self._jobs[job.session_id]
        await self._crew.dismiss(self._running.pop(job.session_id))
