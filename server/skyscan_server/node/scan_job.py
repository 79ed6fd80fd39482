"""One task of the hub, from its claim to the last acknowledged record.

A job outlives links, stations that are out of reach, full disks and, with its files, the
process. Nothing of it moves before the hub has granted the claim and that is on disk; from then
on the node goes on by itself, hub or no hub. What happens to the scan is in its journal; what
no record can tell is in `trouble`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from skyscan_lab.devices.base import Receiver
from skyscan_lab.errors import (
    DeviceError,
    InvalidTransition,
    JournalCorrupt,
    JournalError,
    JournalWriteError,
    NoSignalSource,
    OutOfLimits,
    UnitsError,
)
from skyscan_lab.protocol.lifecycle import PauseReason, ScanEvent, ScanStatus, advance
from skyscan_lab.protocol.node_link import Desired, Granted, KnownJournal, Task
from skyscan_lab.protocol.records import StatusRecord
from skyscan_lab.scanning.engine import ScanEngine
from skyscan_lab.scanning.faults import FaultPolicy
from skyscan_lab.scanning.journal import Journal, open_journal
from skyscan_lab.scanning.journal_file import JournalFile, OsJournalFile
from skyscan_lab.scanning.unbroken import unbroken
from skyscan_server.node.backoff import Backoff
from skyscan_server.node.disk_watch import watch_disk
from skyscan_server.node.fence import Fence, StaleEpoch
from skyscan_server.node.fenced import FencedReceiver, FencedRotor
from skyscan_server.node.mount import Mount
from skyscan_server.node.mounts import Mounts, UnknownRotor
from skyscan_server.node.shelf import Kept, Shelf
from skyscan_server.node.timing import NodeTiming
from skyscan_server.node.wishes import goes_on, released

log = structlog.get_logger(__name__)


class ScanJob:
    """A session that this node scans.

    Parameters
    ----------
    task : Task
        As the hub has told it, or our own disk.
    lost : str, optional
        Why it can never go on here, if that is known.
    word : asyncio.Event, optional
        Set once the hub has said where a session stands that is taken up again, or cannot say
        it. It is waited for a while: our disk may be an older copy of itself, and what is then
        scanned, scanned already.
    shelf : Shelf
        Where its files lie.
    mounts : Mounts
        The rotors.
    fence : Fence
        Knows who holds them.
    timing : NodeTiming
        How long to wait for what.
    file : callable
        Opens the file layer under the journal.
    news : callable
        Called when `trouble` has changed.

    Attributes
    ----------
    task : Task
        As last told.
    journal : Journal or None
        Once it is open.
    opened : asyncio.Event
        Set once it is.
    settled : asyncio.Event
        Set once it is known whether there is a journal to be had.
    trouble : str or None
        What is the matter, where no record can tell.
    lost : str or None
        Why the session can never go on here.
    """

    def __init__(
        self,
        task: Task,
        lost: str | None = None,
        word: asyncio.Event | None = None,
        *,
        shelf: Shelf,
        mounts: Mounts,
        fence: Fence,
        timing: NodeTiming,
        file: Callable[[Path], JournalFile] = OsJournalFile,
        news: Callable[[], None] = lambda: None,
    ) -> None:
        self.task = task
        self.lost = lost
        self.trouble = lost
        self.journal: Journal | None = None
        self.opened = asyncio.Event()
        self.settled = asyncio.Event()
        self._word = word
        self._shelf = shelf
        self._mounts = mounts
        self._fence = fence
        self._timing = timing
        self._file = file
        self._news = news
        self._kept: Kept | None = None
        self._keeping = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._engine: ScanEngine | None = None
        self._rotor: FencedRotor | None = None
        self._run: asyncio.Task[ScanStatus] | None = None
        self._by_hand = False
        self._log = log.bind(session_id=task.session_id, rotor=task.rotor)

    @property
    def session_id(self) -> int:
        """Number of the session at the hub."""
        return self.task.session_id

    @property
    def session(self) -> str:
        """Name of the session."""
        return self.task.plan.session

    @property
    def known(self) -> KnownJournal:
        """As the hub is told of it."""
        return KnownJournal(
            session_id=self.session_id,
            session=self.session,
            number=0 if self.journal is None else self.journal.state.number,
            lost=self.lost is not None,
        )

    async def apply(self, task: Task) -> None:
        """Take over what the hub says of the session, any number of times.

        Parameters
        ----------
        task : Task
            The same session; what was granted once stays granted.
        """
        self.task = task.model_copy(
            update={
                "claimed": task.claimed or self.task.claimed,
                "epoch": max(task.epoch, self.task.epoch),
            }
        )
        if self.journal is not None and self.lost is None:
            self._require_complete(self.journal)
        self._heed()
        self._stirred.set()
        await self._keep()
        if self.task.claimed:
            await self._fence.see(self.task.rotor, self.task.epoch)

    async def grant(self, granted: Granted) -> None:
        """Take note that the claim was granted."""
        await self.apply(self.task.model_copy(update={"claimed": True, "epoch": granted.epoch}))

    def stop_by_hand(self) -> None:
        """Hold the scan at once, whatever it does: the rotor is being stopped."""
        if self.journal is not None and self.journal.state.status.final:
            return
        self._by_hand = True
        if self._rotor is not None:
            self._rotor.hold()
        if self._engine is not None:
            self._engine.pause(PauseReason.USER)
        self._stirred.set()

    async def run(self) -> None:
        """Scan, and keep the journal open for those who send it, until cancelled."""
        try:
            await self._keep()
            journal = await self._open()
        finally:
            self.settled.set()
        if journal is None:
            return
        async with journal:
            self._begin(journal)
            await self._hear_the_hub()
            while not journal.state.status.final and self.lost is None:
                await self._go_on(journal)
            if self.lost is None:
                self._say(None)
                self._log.info("scan has ended", status=str(journal.state.status))
            await asyncio.get_running_loop().create_future()

    async def give_up(self, words: str) -> None:
        """End the job: what it needs is not there and will not be. The hub is told."""
        self._lose(words)
        await self._keep()

    async def _open(self) -> Journal | None:
        """Open the journal, however long the disk takes nothing; None where it is lost."""
        path = self._shelf.journal(self.session)
        while self.lost is None:
            self._stirred.clear()
            try:
                return await _open_or_close(open_journal(path, self.task.plan, file=self._file))
            except JournalCorrupt as error:
                await self.give_up(f"{error} ({await self._put_aside()})")
            except JournalError as error:
                # The disk takes nothing, or another program has the journal.
                self._say(str(error))
                self.settled.set()
                if self.task.desired is Desired.CANCEL and not isinstance(error, JournalWriteError):
                    await self.give_up(str(error))
                await self._pause(self._timing.disk_s)
        return None

    async def _put_aside(self) -> str:
        try:
            place = await asyncio.to_thread(self._shelf.set_corrupt, self.session)
        except OSError as error:
            return f"not moved aside: {error}"
        return f"kept as {place}"

    def _begin(self, journal: Journal) -> None:
        self.journal = journal
        state = journal.state
        # A hold that the hub did not ask for was somebody's at the rotor.
        self._by_hand |= PauseReason.USER in state.reasons and self.task.desired is not Desired.HOLD
        self._require_complete(journal)
        with suppress(UnknownRotor):  # the hub may yet tell of it
            # Before anybody opens the station, which then begins there.
            self._mounts.get(self.task.rotor).begin_after(state.last_time)
        self.opened.set()

    async def _hear_the_hub(self) -> None:
        if self._word is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.word_s):
                    await self._word.wait()

    def _require_complete(self, journal: Journal) -> None:
        number = journal.state.number
        if self.task.number > number:
            self._lose(
                f"the journal on the node ends with record {number}, the hub has "
                f"{self.task.number}: another disk, or an older copy of this one"
            )

    def _lose(self, words: str) -> None:
        self._log.error("session cannot go on here", reason=words)
        self.lost = words
        self._say(words)
        if self._run is not None:
            self._run.cancel()
        self._stirred.set()

    async def _go_on(self, journal: Journal) -> None:
        """Do the next thing; called again until the scan has ended."""
        self._stirred.clear()
        state = journal.state
        if self.task.desired is Desired.CANCEL:
            await self._record(journal, ScanEvent.CANCEL)
        elif not self.task.claimed:
            await self._stirred.wait()
        elif not await self._granted_on_disk():
            await self._pause(self._timing.disk_s)
        elif state.status is ScanStatus.RUNNING and (
            self._by_hand or self.task.desired is Desired.HOLD
        ):
            await self._record(journal, ScanEvent.HOLD, {PauseReason.USER})
        elif state.status is ScanStatus.PAUSED and not goes_on(
            self.task, state, by_hand=self._by_hand
        ):
            await self._stirred.wait()
        else:
            await self._attempt(journal)

    async def _granted_on_disk(self) -> bool:
        try:
            await self._keep(must=True)
        except OSError as error:
            self._say(f"{error.filename or self._shelf.folder}: {error.strerror or error}")
            return False
        return True

    async def _attempt(self, journal: Journal) -> None:
        """Reach the station and scan; return when something else is to be done."""
        async with AsyncExitStack() as stack:
            reached = await self._reach(journal, stack)
            if reached is not None:
                self._say(None)
                await self._scan(journal, *reached)

    async def _reach(
        self, journal: Journal, stack: AsyncExitStack
    ) -> tuple[Mount, Receiver] | None:
        """Connect rotor and receiver, again and again; None where something else is to be done."""
        pending = journal.state.status is ScanStatus.PENDING
        backoff = Backoff(soon_s=self._timing.station_s / 10, late_s=self._timing.station_s)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._stirred.is_set():
            try:
                mount = self._mounts.get(self.task.rotor)
                mount.begin_after(journal.state.last_time)
                return mount, await stack.enter_async_context(mount.listening())
            except DeviceError as error:
                self._say(str(error))
                if pending and isinstance(error, NoSignalSource | OutOfLimits):
                    await self._refused(journal, error)
                    return None
                if not pending and loop.time() - began > self._timing.station_grace_s:
                    await self._record(journal, ScanEvent.HOLD, {PauseReason.FAULT}, str(error))
                    return None
            await self._pause(backoff.pause_s())
        return None

    async def _scan(self, journal: Journal, mount: Mount, receiver: Receiver) -> None:
        rotor = FencedRotor(mount, self._fence, self.task.epoch)
        engine = ScanEngine(
            journal,
            rotor,
            FencedReceiver(receiver, rotor),
            clock=mount.clock,
            policy=FaultPolicy.of_rotor(mount.station.rotor),
        )
        self._rotor, self._engine = rotor, engine
        if self._by_hand and not journal.state.reasons:
            rotor.hold()
            engine.pause(PauseReason.USER)
        self._heed()
        self._run = asyncio.create_task(engine.run())
        disk = asyncio.create_task(watch_disk(engine, self._say, self._timing.disk_s))
        try:
            await self._run
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if self.lost is None or (current is not None and current.cancelling()):
                raise
        except (OutOfLimits, NoSignalSource, UnitsError) as error:
            await self._refused(journal, error)
        except JournalWriteError as error:
            self._say(str(error))
            await self._pause(self._timing.disk_s)
        except JournalError as error:
            await self.give_up(str(error))
        except Exception as error:  # noqa: BLE001 -- a bug must not end the other scans
            # A person is to decide whether this one tries again.
            self._log.exception("scan broke")
            words = f"the node failed: {type(error).__name__}: {error}"
            await self._record(journal, ScanEvent.HOLD, {PauseReason.FAULT}, words)
        finally:
            self._rotor = self._engine = self._run = None
            disk.cancel()
            await asyncio.wait({disk})

    async def _refused(self, journal: Journal, error: Exception) -> None:
        """End a scan whose devices cannot do what its plan asks for; hold it, had it begun."""
        stale = isinstance(error, StaleEpoch)  # says nothing about the plan, and may pass
        if journal.state.status is ScanStatus.PENDING and not stale:
            await self._record(journal, ScanEvent.CANCEL, words=str(error))
            return
        if journal.state.status is ScanStatus.PENDING:
            await self._record(journal, ScanEvent.START)
        await self._record(journal, ScanEvent.HOLD, {PauseReason.FAULT}, str(error))

    def _heed(self) -> None:
        """Let the engine do what the hub wants, as far as that says something new."""
        engine, rotor = self._engine, self._rotor
        if engine is None or rotor is None:
            return
        rotor.epoch = self.task.epoch
        match self.task.desired:
            case Desired.HOLD:
                engine.pause(PauseReason.USER)
            case Desired.CANCEL:
                engine.cancel()
            case Desired.RUN:
                reasons = released(self.task, engine.journal.state, by_hand=self._by_hand)
                if PauseReason.USER in reasons:
                    self._by_hand = False
                    rotor.release()
                reasons &= engine.reasons
                if reasons:
                    engine.resume(*reasons)

    async def _record(
        self,
        journal: Journal,
        event: ScanEvent,
        reasons: set[PauseReason] | frozenset[PauseReason] = frozenset(),
        words: str | None = None,
    ) -> None:
        """Put a change of status on record without the engine; later, should the disk be full."""
        state = journal.state
        if event is ScanEvent.HOLD and state.status is ScanStatus.PAUSED:
            status, reasons = ScanStatus.PAUSED, state.reasons | reasons
        else:
            try:
                status = advance(state.status, event)
            except InvalidTransition as error:
                self._say(words or str(error))
                await self._pause(self._timing.station_s)
                return
        record = StatusRecord(
            status=status,
            reasons=tuple(sorted(reasons)),
            words=words,
            time=self._now(state.last_time),
        )
        try:
            await journal.append(record)
        except JournalWriteError as error:
            self._say(str(error))
            await self._pause(self._timing.disk_s)

    async def _keep(self, *, must: bool = False) -> None:
        """Put the task on the disk, where it differs from what is there.

        Raises
        ------
        OSError
            Where that fails and must not.
        """
        async with self._keeping:
            # The number changes all the time, and nobody reads it from the disk.
            kept = Kept(task=self.task.model_copy(update={"number": 0}), lost=self.lost)
            if kept == self._kept:
                return
            try:
                # To its end: a thread that is left behind would write what was removed.
                await unbroken(asyncio.to_thread(self._shelf.keep, kept))
            except OSError as error:
                if must:
                    raise
                self._log.warning("task is not on disk", reason=str(error))
            else:
                self._kept = kept

    async def _pause(self, seconds: float) -> None:
        """Wait, or until there is something new to heed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stirred.wait()

    def _say(self, words: str | None) -> None:
        """Tell the hub what no record can tell."""
        if words == self.trouble:
            return
        if words is None:
            self._log.info("trouble is over", reason=self.trouble)
        else:
            self._log.warning("session is in trouble", reason=words)
        self.trouble = words
        self._news()

    def _now(self, last_time: datetime | None) -> datetime:
        """Station time; where the station is not there, ours, yet not before the last record."""
        try:
            clock = self._mounts.get(self.task.rotor).clock
            clock.catch_up()  # it stood idle while people thought
            now = clock.now()
        except UnknownRotor:
            now = datetime.now(UTC)
        return now if last_time is None else max(now, last_time)


async def _open_or_close(opening: Coroutine[Any, Any, Journal]) -> Journal:
    """Open a journal; cancelled meanwhile, let go of it, since its thread opens it regardless."""
    task = asyncio.ensure_future(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await unbroken(_let_go(task))
        raise


async def _let_go(opening: asyncio.Task[Journal]) -> None:
    with suppress(JournalError):
        await (await opening).close()
