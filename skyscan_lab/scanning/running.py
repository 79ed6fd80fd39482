"""The short road: from a notebook straight onto a rotor and a receiver, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from skyscan_lab.devices.base import Receiver, Rotor
from skyscan_lab.devices.clock import Clock
from skyscan_lab.errors import InvalidTransition
from skyscan_lab.grid import ScanGrid
from skyscan_lab.home import lab_folder
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.plans import PlanLocation, ReferenceDirection, ScanPlan, make_plan
from skyscan_lab.protocol.records import Entry, PointRecord
from skyscan_lab.scanning.durations import Timing, point_durations
from skyscan_lab.scanning.engine import ScanEngine
from skyscan_lab.scanning.faults import FaultPolicy
from skyscan_lab.scanning.journal import Journal, open_journal
from skyscan_lab.scanning.progress import Progress
from skyscan_lab.scanning.recovery import read_journal, require_plan
from skyscan_lab.scanning.route import plan_route

if TYPE_CHECKING:
    import xarray as xr

    from skyscan_lab.session import LocationLike


def scan(
    grid: ScanGrid,
    rotor: Rotor,
    receiver: Receiver,
    *,
    reads: int = 10,
    journal: str | Path | None = None,
    clock: Clock | None = None,
    session: str | None = None,
    reference: ReferenceDirection | None = None,
    location: LocationLike | None = None,
    frequency_hz: float | None = None,
    clip: bool = False,
    title: str = "Sky scan",
    attrs: Mapping[str, str | int | float] | None = None,
    timing: Timing | None = None,
    policy: FaultPolicy | None = None,
) -> RunningScan:
    """Scan a grid, or go on with a scan that was left.

    Parameters
    ----------
    grid : ScanGrid
        What to visit.
    rotor, receiver : Rotor, Receiver
        Connected devices.
    reads : int
        Readings averaged at each point.
    journal : str or Path, optional
        File that every point is written to before it is shown. Where it exists, the scan goes
        on from there. By default a new file in `journal_folder`.
    clock : Clock, optional
        Station time; the computer's by default.
    session : str, optional
        Name of the session; that of the journal, or a new one, by default.
    reference : ReferenceDirection, optional
        A direction revisited for gain drift.
    location : EarthLocation or (latitude, longitude[, height]), optional
        Site, degrees and metres.
    frequency_hz : float, optional
        Observing frequency, Hz.
    clip : bool
        Mark points that the rotor cannot reach as missing, instead of refusing the scan.
    title, attrs : str, mapping, optional
        For the session.
    timing : Timing, optional
        Speeds of the rotor, for the estimate of the end; without them it comes from the
        measured pace alone.
    policy : FaultPolicy, optional
        What to put up with.

    Returns
    -------
    RunningScan
        To be entered with ``async with``.

    Raises
    ------
    InvalidInput
        Naming what is wrong with an argument.
    OutOfLimits
        Where `timing` is given and the rotor cannot reach the grid.

    Examples
    --------
    >>> import asyncio, tempfile
    >>> from skyscan_lab.devices.factory import open_station
    >>> from skyscan_lab.station import load_station
    >>> async def first_scan(journal: Path) -> xr.Dataset:
    ...     grid = ScanGrid(az=(170, 174), el=(30, 32), step=2)
    ...     async with (
    ...         open_station(load_station(), time_scale=1e4) as station,
    ...         scan(
    ...             grid, station.rotor, station.receiver, clock=station.clock, journal=journal
    ...         ) as running,
    ...     ):
    ...         async for point in running:
    ...             pass  # point.azimuth_deg, point.elevation_deg, point.mean
    ...     return running.session()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds = asyncio.run(first_scan(Path(folder) / "first.journal"))
    >>> int(ds.rssi.count()), ds.rssi.attrs["units"]
    (6, 'dBm')
    """
    plan = make_plan(
        grid,
        session=session,
        reads=reads,
        units=receiver.units,
        reference=reference,
        clip=clip,
        location=_plan_location(location),
        rotor=rotor.name,
        receiver=receiver.name,
        frequency_hz=frequency_hz,
        title=title,
        attrs=dict(attrs or {}),
    )
    path = journal_folder() / f"{plan.session}.journal" if journal is None else Path(journal)
    make_engine = partial(ScanEngine, rotor=rotor, receiver=receiver, clock=clock, policy=policy)
    expected = None
    if timing is not None:
        route = plan_route(grid, rotor.limits, rotor=rotor.name, clip=clip)
        expected = point_durations(plan, route, timing)
    progress = Progress(plan.total, expected)
    return RunningScan(plan, path, make_engine, progress, adopt_session=session is None)


def journal_folder() -> Path:
    """Folder for journals without a name of their own, in `skyscan_lab.home.lab_folder`."""
    return lab_folder() / "journals"


class RunningScan:
    """A scan under way; `scan` makes it.

    Entering it starts the scan; iterating over it yields each measured point once it is on
    disk, those of before included when an older scan goes on. Leaving it before the end stops
    the rotor and keeps the journal, from which the scan can go on.

    When a fault of a device or of the disk holds the scan, the iteration ends with that error.
    The scan is then paused: `resume` it and iterate on, or leave.

    Parameters
    ----------
    plan : ScanPlan
        What is scanned.
    path : Path
        The journal.
    make_engine : callable
        Makes the engine of a journal.
    progress : Progress
        To be kept up to date.
    adopt_session : bool
        Take the session's name from an existing journal.

    Attributes
    ----------
    plan : ScanPlan
        What is scanned.
    journal_path : Path
        Where every record is.
    progress : Progress
        How far it is, and when it will end.
    """

    def __init__(
        self,
        plan: ScanPlan,
        path: Path,
        make_engine: Callable[[Journal], ScanEngine],
        progress: Progress,
        *,
        adopt_session: bool,
    ) -> None:
        self.plan = plan
        self.journal_path = path
        self.progress = progress
        self._make_engine = make_engine
        self._adopt_session = adopt_session
        self._entered: ScanEngine | None = None
        self._cursor = 0

    async def __aenter__(self) -> Self:
        journal = await self._open()
        self.plan = journal.plan
        self._entered = self._make_engine(journal)
        # Whoever starts a scan again has seen why it was held.
        self._engine.resume()
        self._run = asyncio.create_task(self._engine.run(), name="scan")
        self._watch = asyncio.create_task(self._keep_progress(), name="scan progress")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in (self._run, self._watch):
            task.cancel()
        await asyncio.wait({self._run, self._watch})
        await self._engine.journal.close()
        if kind is None and not self._run.cancelled():
            self._run.result()

    def __aiter__(self) -> AsyncIterator[PointRecord]:
        """Measured points, from where the last iteration ended."""
        return self._points()

    @property
    def status(self) -> ScanStatus:
        """Status now."""
        return self._engine.status

    @property
    def reasons(self) -> frozenset[PauseReason]:
        """Why it is held, or will be at the next point."""
        return self._engine.reasons

    @property
    def words(self) -> str | None:
        """What went wrong, for people; None unless a fault holds it."""
        return self._engine.words

    def pause(self, reason: PauseReason = PauseReason.USER) -> None:
        """Hold at the end of the present point."""
        self._engine.pause(reason)

    def resume(self, *reasons: PauseReason) -> None:
        """Take reasons away, by default user and fault; go on when none is left."""
        self._engine.resume(*reasons)

    def cancel(self) -> None:
        """End now, with the rotor stopped; what is measured stays."""
        self._engine.cancel()

    def follow(self, after: int = 0) -> AsyncIterator[Entry]:
        """Every record after a number, as `Journal.follow`."""
        return self._engine.follow(after)

    def session(self) -> xr.Dataset:
        """Session as far as it has got; also after the scan."""
        from skyscan_lab.recording import session_of  # late: to scan takes no xarray

        return session_of(read_journal(self.journal_path))

    async def wait(self) -> ScanStatus:
        """Return at the end of the scan; raises what holds it, as iterating does."""
        async for _ in self:
            pass
        return self.status

    @property
    def _engine(self) -> ScanEngine:
        if self._entered is None:
            raise InvalidTransition("this scan is not entered: async with scan(…) as running")
        return self._entered

    async def _open(self) -> Journal:
        path = self.journal_path
        if not self._adopt_session or not path.exists() or path.stat().st_size == 0:
            return await open_journal(path, self.plan)
        journal = await open_journal(path)
        try:
            plan = self.plan.model_copy(update={"session": journal.plan.session})
            require_plan(path, journal.plan, plan)
        except BaseException:
            await journal.close()
            raise
        return journal

    async def _keep_progress(self) -> None:
        async for entry in self.follow():
            self.progress.see(entry)

    async def _points(self) -> AsyncIterator[PointRecord]:
        while entries := await self._news():
            for entry in entries:
                self._cursor = entry.number
                if isinstance(entry.record, PointRecord):
                    yield entry.record

    async def _news(self) -> list[Entry]:
        """Return the next records, none at the end; raises what holds or has ended the scan."""
        engine, journal = self._engine, self._engine.journal
        waits = (
            asyncio.ensure_future(journal.after(self._cursor)),
            asyncio.ensure_future(engine.troubled.wait()),
        )
        try:
            await asyncio.wait({*waits, self._run}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        # What is on disk is told first, then why there is no more.
        if self._cursor < journal.state.number:
            return await journal.after(self._cursor)
        if engine.fault is not None and engine.troubled.is_set():
            raise engine.fault
        if not self._run.cancelled():
            self._run.result()
        return []


def _plan_location(location: LocationLike | None) -> PlanLocation | None:
    if location is None:
        return None
    from skyscan_lab.session import as_location  # late, as above

    site = as_location(location)
    return PlanLocation(
        latitude_deg=site.latitude_deg,
        longitude_deg=site.longitude_deg,
        height_m=site.height_m,
    )
