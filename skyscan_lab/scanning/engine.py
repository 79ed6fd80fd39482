"""The scan engine: carries a plan out, point by point, and never loses what it has measured.

For each point: move, settled as the driver finds by position; read and average; make the
record durable; only then announce it. While a record goes to disk the rotor is on its way to
the next point, which is not read before that record is safe. Statuses change only as
`skyscan_lab.protocol.lifecycle` allows, and each change is a record of the same journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from skyscan_lab.devices.base import Receiver, Rotor
from skyscan_lab.devices.clock import Clock, SystemClock
from skyscan_lab.errors import (
    DeviceError,
    InvalidTransition,
    JournalWriteError,
    NoSignalSource,
    UnitsError,
)
from skyscan_lab.protocol.lifecycle import PauseReason, ScanEvent, ScanStatus, advance
from skyscan_lab.protocol.records import (
    Entry,
    MissingRecord,
    PointRecord,
    ScanRecord,
    StatusRecord,
)
from skyscan_lab.scanning.control import Control
from skyscan_lab.scanning.faults import FaultPolicy
from skyscan_lab.scanning.journal import Journal
from skyscan_lab.scanning.measuring import Measuring
from skyscan_lab.scanning.route import plan_route
from skyscan_lab.scanning.state import ScanState
from skyscan_lab.scanning.steps import Look, Skip, Steps, Visit
from skyscan_lab.scanning.unbroken import unbroken
from skyscan_lab.scanning.watchdog import Interrupted, Watchdog

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Writing:
    """A record on its way to disk, and what the journal's state will be then."""

    record: ScanRecord
    state: ScanState
    task: asyncio.Task[Entry]


class ScanEngine:
    """Runs the scan of a journal, from wherever the journal stands.

    Parameters
    ----------
    journal : Journal
        Open; its plan says what to do, its records what has been done.
    rotor, receiver : Rotor, Receiver
        Connected, and used by nobody else while the scan runs.
    clock : Clock, optional
        Station time; the computer's by default.
    policy : FaultPolicy, optional
        What to put up with.

    Notes
    -----
    `pause`, `resume` and `cancel` are plain calls that may come at any time, from the event
    loop that runs the engine, any number of times; once the scan has ended they do nothing.
    What the scan does about them is in the records that `follow` yields.

    Attributes
    ----------
    journal, plan : Journal, ScanPlan
        As given.
    troubled : asyncio.Event
        Set while `fault` holds the scan, also one of the disk that no record can tell of.
    """

    def __init__(
        self,
        journal: Journal,
        rotor: Rotor,
        receiver: Receiver,
        *,
        clock: Clock | None = None,
        policy: FaultPolicy | None = None,
    ) -> None:
        self.journal = journal
        self.plan = journal.plan
        self._rotor = rotor
        self._receiver = receiver
        self._clock = clock or SystemClock()
        self._policy = policy or FaultPolicy()
        self.troubled = asyncio.Event()
        self._control = Control(journal.state.reasons, journal.state.words)
        self._watchdog = Watchdog()
        self._measuring = Measuring(rotor, receiver, self._clock, self._policy, self._watchdog)
        self._active = False
        self._holding = False
        self._unread_in_row = 0
        self._writing: _Writing | None = None

    @property
    def status(self) -> ScanStatus:
        """Status now. It is on disk already, except paused while the disk takes nothing."""
        return ScanStatus.PAUSED if self._holding else self.journal.state.status

    @property
    def reasons(self) -> frozenset[PauseReason]:
        """Why the scan is held, or will be at the next point."""
        return self._control.reasons

    @property
    def words(self) -> str | None:
        """What went wrong, for people; None unless a fault holds the scan."""
        return self._control.words

    @property
    def fault(self) -> Exception | None:
        """The error that holds the scan, where it happened since this engine was made."""
        return self._control.fault

    def pause(self, reason: PauseReason = PauseReason.USER) -> None:
        """Hold the scan at the end of the present point; the rotor stays there."""
        self._control.hold(reason)

    def resume(self, *reasons: PauseReason) -> None:
        """Take reasons away; the scan goes on when none is left.

        Parameters
        ----------
        *reasons : PauseReason
            By default those that a person at the controls may take away: user and fault. A
            lease is given back by its holder.
        """
        self._control.release(*(reasons or (PauseReason.USER, PauseReason.FAULT)))
        if self.fault is None:
            self.troubled.clear()

    def cancel(self) -> None:
        """End the scan now, with the rotor stopped even in mid-move. What is measured stays."""
        self._control.cancel()
        self._watchdog.interrupt()

    def follow(self, after: int = 0) -> AsyncIterator[Entry]:
        """Every record after a number, as `Journal.follow`."""
        return self.journal.follow(after)

    async def run(self) -> ScanStatus:
        """Carry the scan out to its end.

        When the task is cancelled, the rotor is stopped and the journal stays as it is: a new
        engine takes the scan up from there.

        Returns
        -------
        ScanStatus
            Completed or cancelled.

        Raises
        ------
        OutOfLimits, UnitsError
            Before a first start, where the plan does not fit the devices.
        NoSignalSource
            Before a first start, where the receiver measures nothing.
        JournalWriteError
            Where the start, or the end of a cancelled scan, could not be recorded.
        InvalidTransition
            While it runs already.
        """
        if self._active:
            raise InvalidTransition("this scan is being run already")
        if self.journal.state.status.final:
            return self.journal.state.status
        self._active = True
        try:
            return await self._run()
        finally:
            self._active = self._holding = False

    async def _run(self) -> ScanStatus:
        try:
            steps = await self._ready()
            self._clock.catch_up()
            if self.journal.state.status is ScanStatus.PENDING:
                await self.journal.append(self._change(ScanEvent.START))
            try:
                await self._scan(steps)
            except BaseException:
                # Whatever ends the scan early, the rotor must not go on by itself. While held
                # it is not ours: somebody else may be moving it.
                if not self._holding:
                    await unbroken(self._halt())
                if self._writing is not None:
                    await unbroken(self._written_or_not(self._writing))
                raise
        except Interrupted:
            await self.journal.append(self._change(ScanEvent.CANCEL))
        else:
            await self._commit(self._change(ScanEvent.FINISH))
        return self.journal.state.status

    async def _ready(self) -> Steps:
        """Prepare; a scan under way that cannot go on is held, like by any other fault."""
        while True:
            try:
                return await self._prepare()
            except (DeviceError, UnitsError) as error:
                if self.journal.state.status is ScanStatus.PENDING:
                    raise
                self._control.hold(PauseReason.FAULT, error)
                await self._hold()

    async def _prepare(self) -> Steps:
        """Refuse what cannot work before anything moves."""
        if self._control.cancelled:
            raise Interrupted
        if self._receiver.units != self.plan.units:
            raise UnitsError(
                f"units of {self._receiver.name}",
                self._receiver.units,
                f"those of the plan ({self.plan.units})",
            )
        name = self._rotor.name
        route = plan_route(self.plan.grid, self._rotor.limits, rotor=name, clip=self.plan.clip)
        steps = Steps(self.plan, route, self.journal.state.done, name)
        if self.journal.state.status is ScanStatus.PENDING:
            try:
                await self._watchdog.call(
                    self._receiver.read(1),
                    device=self._receiver.name,
                    limit_s=self._policy.read_limit_s,
                )
            except NoSignalSource:
                raise
            except DeviceError:
                pass  # a receiver that stumbles may be there at the first point
        return steps

    async def _scan(self, steps: Steps) -> None:
        while True:
            if self._control.cancelled:
                raise Interrupted
            if self._control.reasons or self.journal.state.status is ScanStatus.PAUSED:
                await self._written()
                await self._hold()
            step = steps.next(self._expected, self._clock.now())
            if step is None:
                await self._written()
                return
            try:
                record = await self._carry_out(step)
            except DeviceError as error:
                self._control.hold(PauseReason.FAULT, error)
                await self._halt()
            else:
                self._write(record)
                self._watch_receiver(record)

    async def _carry_out(self, step: Visit | Look | Skip) -> ScanRecord:
        """Do a step, while the record of the one before it goes to disk."""
        if isinstance(step, Skip):
            await self._written()
            return self._measuring.skip(step)
        position = await self._measuring.go(step)
        if await self._written():
            # Held meanwhile: somebody else may have moved the rotor.
            position = await self._measuring.go(step)
        return await self._measuring.look(step, position, self.plan.reads)

    @property
    def _expected(self) -> ScanState:
        """State of the journal once what is being written is on disk."""
        return self.journal.state if self._writing is None else self._writing.state

    def _write(self, record: ScanRecord) -> None:
        """Begin to record a step; `_written` ends it before the next one is read."""
        state = self.journal.state.after(Entry(self.journal.state.number + 1, record))
        task = asyncio.create_task(self.journal.append(record), name="journal")
        self._writing = _Writing(record, state, task)

    async def _written(self) -> bool:
        """Return once the last record is on disk; True where the scan was held for that."""
        if self._writing is None:
            return False
        writing, self._writing = self._writing, None
        try:
            await writing.task
        except JournalWriteError as error:
            self._control.hold(PauseReason.FAULT, error)
            await self._hold()
            await self._commit(writing.record)
            return True
        return False

    async def _hold(self) -> None:
        """Stay paused, with each change of the reasons on record, until none is left."""
        self._holding = True
        while True:
            self._control.notice()
            if self._control.cancelled:
                raise Interrupted
            reasons = self._control.reasons
            try:
                await self._record_hold(reasons or frozenset({PauseReason.FAULT}))
                if not reasons:
                    self._clock.catch_up()
                    await self.journal.append(self._change(ScanEvent.RELEASE))
                    self._holding = False
                    self._unread_in_row = 0
                    return
            except JournalWriteError as error:
                self._control.hold(PauseReason.FAULT, error)
            if self.fault is not None:
                self.troubled.set()
            await self._control.changed()

    async def _record_hold(self, reasons: frozenset[PauseReason]) -> None:
        state = self.journal.state
        if state.status is ScanStatus.RUNNING:
            await self.journal.append(self._change(ScanEvent.HOLD, reasons))
        elif self._control.reasons and reasons != state.reasons:
            await self.journal.append(self._status(state.status, reasons))

    async def _commit(self, record: ScanRecord) -> None:
        """Record something that must not be lost, waiting for room on the disk if need be."""
        while True:
            try:
                await self.journal.append(record)
            except JournalWriteError as error:
                self._control.hold(PauseReason.FAULT, error)
                await self._hold()
            else:
                return

    async def _written_or_not(self, writing: _Writing) -> None:
        """Let what is being written come to its end, for better or worse."""
        self._writing = None
        await asyncio.wait({writing.task})

    def _change(
        self, event: ScanEvent, reasons: frozenset[PauseReason] = frozenset()
    ) -> StatusRecord:
        return self._status(advance(self.journal.state.status, event), reasons)

    def _status(self, status: ScanStatus, reasons: frozenset[PauseReason]) -> StatusRecord:
        return StatusRecord(
            status=status,
            reasons=tuple(sorted(reasons)),
            words=self._control.words if reasons else None,
            time=max(self._clock.now(), self.journal.state.last_time or _EVER),
        )

    def _watch_receiver(self, record: ScanRecord) -> None:
        """Hold the scan where one point after the other stays without a reading."""
        if isinstance(record, PointRecord):
            self._unread_in_row = 0
        elif isinstance(record, MissingRecord) and record.reason == "reading_failed":
            self._unread_in_row += 1
            if self._unread_in_row >= self._policy.missing_in_row:
                words = f"no reading at {self._unread_in_row} points in a row: {record.words}"
                self._control.hold(PauseReason.FAULT, DeviceError(self._receiver.name, words))

    async def _halt(self) -> None:
        """Stop the rotor; where even that fails, its next move will say so."""
        with suppress(DeviceError):
            await Watchdog().call(
                self._rotor.stop(), device=self._rotor.name, limit_s=self._policy.stop_limit_s
            )
