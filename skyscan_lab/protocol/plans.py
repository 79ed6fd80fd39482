"""What is to be scanned: everything that a scan needs to begin, and to go on after a crash."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skyscan_lab.grid import ScanGrid
from skyscan_lab.power import Units
from skyscan_lab.protocol.wrong_input import invalid_input

MAX_READS = 100_000
"""Most readings at one point; at 10 ms a reading that is already 17 minutes."""

_Azimuth = Annotated[float, Field(ge=-720, le=720)]
_Elevation = Annotated[float, Field(ge=-90, le=90)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ReferenceDirection(_Part):
    """A direction that is looked at again and again, so that gain drift can be solved for.

    Visited before the first point, then whenever `every_min` minutes of station time have
    passed since the last visit, and once more after the last point.
    """

    azimuth_deg: _Azimuth
    elevation_deg: _Elevation
    every_min: float = Field(gt=0, le=1440)


class PlanLocation(_Part):
    """Where the station stands (WGS-84)."""

    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=360)
    height_m: float = 0.0


class ScanPlan(_Part):
    """One scan: grid, readings a point, and what its session will say about itself.

    It is the head of the scan's journal, so it holds nothing that could differ when the same
    scan is taken up again.

    Parameters
    ----------
    session : str
        Name of the session; the simulated receiver's noise is keyed by it.
    grid : ScanGrid
        What to visit, and in which order.
    reads : int
        Readings averaged at each point, within [1, `MAX_READS`].
    units : {"dBm", "dBFS", "dB", "counts"}
        Units of the receiver.
    reference : ReferenceDirection, optional
        A direction revisited for gain drift.
    clip : bool
        Mark points that the rotor cannot reach as missing, instead of refusing the scan.
    location : PlanLocation, optional
        The site.
    rotor, receiver : str
        Their names, for the record.
    frequency_hz : float, optional
        Observing frequency, Hz, greater than 0.
    title : str
        Title of the session.
    attrs : dict
        Further attributes of the session.

    Examples
    --------
    >>> plan = ScanPlan(session="roof-1", grid=ScanGrid(az=(0, 10), el=(20, 30), step=5))
    >>> plan.total, ScanPlan.model_validate_json(plan.model_dump_json()) == plan
    (9, True)
    """

    session: str = Field(min_length=1, max_length=200)
    grid: ScanGrid
    reads: int = Field(default=10, ge=1, le=MAX_READS)
    units: Units = "dBm"
    reference: ReferenceDirection | None = None
    clip: bool = False
    location: PlanLocation | None = None
    rotor: str = ""
    receiver: str = ""
    frequency_hz: float | None = Field(default=None, gt=0)
    title: str = "Sky scan"
    attrs: dict[str, str | int | float] = {}

    @property
    def total(self) -> int:
        """Number of points."""
        return self.grid.size


def make_plan(grid: ScanGrid, **fields: object) -> ScanPlan:
    """Make a `ScanPlan`, with errors in our own words.

    Parameters
    ----------
    grid : ScanGrid
        What to visit.
    **fields
        The other parameters of `ScanPlan`; the session gets a fresh name if it has none.

    Raises
    ------
    InvalidInput
        Naming the field, its value and what is allowed.

    Examples
    --------
    >>> make_plan(ScanGrid(), reads=0)
    Traceback (most recent call last):
    skyscan_lab.errors.InvalidInput: reads = 0: must be greater than or equal to 1
    """
    if fields.get("session") is None:
        fields["session"] = fresh_session_name()
    try:
        return ScanPlan.model_validate({"grid": grid, **fields})
    except ValidationError as error:
        raise invalid_input(error, whole="plan") from None


def fresh_session_name() -> str:
    """Name that no other session has, sortable by the time it was made."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
