"""Models of the Sky Scan API: a session, a data point, a progress message."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.errors import GridError
from skyscan_lab.grid import FastAxis, Order, ScanGrid
from skyscan_lab.power import Units
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.plans import MAX_READS
from skyscan_lab.protocol.times import UtcTime

_GRID_FIELDS = {
    "az": "az_start, az_end",
    "az start": "az_start",
    "az end": "az_end",
    "el start": "el_start",
    "el end": "el_end",
    "step": "step_deg",
}


def progress_pct(done: int, total: int, status: ScanStatus) -> float:
    """Share of the points done, percent with one decimal; 100.0 only once completed.

    Examples
    --------
    >>> progress_pct(531, 4320, ScanStatus.RUNNING)
    12.3
    >>> progress_pct(4319, 4320, ScanStatus.RUNNING)
    99.9
    """
    if status is ScanStatus.COMPLETED:
        return 100.0
    return min(round(100.0 * done / total, 1), 99.9)


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class DataPoint(_Model):
    """One measured point, as ``GET /api/skyscan/{id}/data`` lists them.

    ``rssi_*`` are the receiver's native readings rounded to integers, here and nowhere else.
    """

    azimuth: float
    elevation: float
    rssi_reads: int
    rssi_average: int
    rssi_current: int
    measured_at: UtcTime | None = None


class ExportedPoint(_Model):
    """A point in a file: as `DataPoint`, and then what is ours.

    A file has points without a reading, too: their readings are null, their direction is where
    they were to be measured, and ``missing`` says why. ``rssi_mean``, ``rssi_std`` and
    ``rssi_last`` are exact; ``units`` says what all readings are in.
    """

    azimuth: float
    elevation: float
    rssi_reads: int
    rssi_average: int | None
    rssi_current: int | None
    measured_at: UtcTime | None = None
    units: str | None = None
    rssi_mean: float | None = None
    rssi_std: float | None = None
    rssi_last: float | None = None
    missing: str | None = None


class ScanRequest(_Model):
    """Body of ``POST /api/skyscan/start``.

    What comes after ``rssi_iterations`` is ours: in which order to visit the points, whether
    to leave out those that the rotor cannot reach, and words about the session.
    """

    # A misspelt step would be a scan of the default one.
    model_config = ConfigDict(extra="forbid")

    rotor_id: int
    az_start: float = 0.0
    az_end: float = 360.0
    el_start: float = 18.0
    el_end: float = 65.0
    step_deg: float = 2.0
    rssi_iterations: int = Field(default=10, ge=1, le=MAX_READS)
    order: Order = "raster"
    fast_axis: FastAxis = "azimuth"
    clip: bool = False
    title: str = Field(default="Sky scan", max_length=200)
    notes: str | None = Field(default=None, max_length=10_000)

    @property
    def grid(self) -> ScanGrid:
        """Grid that is asked for.

        Raises
        ------
        GridError
            Naming the field, its value and what is allowed.
        """
        try:
            return ScanGrid(
                az=(self.az_start, self.az_end),
                el=(self.el_start, self.el_end),
                step=self.step_deg,
                order=self.order,
                fast_axis=self.fast_axis,
            )
        except GridError as error:
            if error.field == "grid size":
                allowed = f"wider, or the bounds narrower: {error.value} points are too many"
                raise GridError("step_deg", self.step_deg, allowed) from None
            field = _GRID_FIELDS.get(error.field, error.field)
            allowed = error.allowed.replace("el start", "el_start")
            raise GridError(field, error.value, allowed) from None


class ScanSession(_Model):
    """A scan session, as every route of the API returns it.

    Its times are those of the station, which may run ahead where it is simulated. Where a session
    ends before any node has taken it up, ``finished_at`` is the hub's time.
    """

    id: int
    rotor_id: int
    status: ScanStatus
    az_start: float
    az_end: float
    el_start: float
    el_end: float
    step_deg: float
    rssi_iterations: int
    total_points: int
    completed_points: int
    progress_pct: float
    started_at: UtcTime | None = None
    finished_at: UtcTime | None = None
    notes: str | None = None


class ScanProgress(_Model):
    """A message on ``/ws/skyscan/{id}``; ``point`` is null on status-only updates."""

    session_id: int
    status: ScanStatus
    point: DataPoint | None = None
    progress_pct: float
    completed: int
    total: int


class ScanReply(_Model):
    """Answer of ``POST …/pause``, ``…/resume`` and ``…/cancel``: what has been asked for."""

    status: Literal["pausing", "resuming", "cancelling"]
    session_id: int


class SessionNotes(BaseModel):
    """Body of ``PATCH /api/skyscan/{id}``; null takes the notes away."""

    model_config = ConfigDict(extra="forbid")

    notes: str | None = Field(max_length=10_000)


class ScanDetail(ScanSession):
    """A session with what the specification has no field for: ``GET /api/skyscan/{id}/detail``.

    ``number`` is that of the newest record, from which a socket can be continued; ``reasons``
    and ``words`` say why a paused session is held; ``online`` whether its node is connected.
    """

    number: int
    missing_points: int
    reasons: tuple[PauseReason, ...] = ()
    words: str | None = None
    units: Units
    title: str
    created_at: UtcTime
    rotor_name: str
    node: str
    online: bool


class NumberedProgress(ScanProgress):
    """A message to a subscriber that asked to continue from a number (``?after=N``)."""

    number: int
    reasons: tuple[PauseReason, ...] = ()


class Problem(BaseModel):
    """Body of every error: what is wrong, in words.

    For input that cannot be used, the words name field, value and what is allowed.
    """

    detail: str
