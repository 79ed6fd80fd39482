"""The numbered stream of a scan: what its journal keeps, and what its followers get.

Points and status changes travel in one stream, each with its number, so that whoever has
read up to a number knows what came before what. The same records go to disk and over the
wire.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from skyscan_lab.power import Domain
from skyscan_lab.protocol.lifecycle import PauseReason, ScanStatus
from skyscan_lab.protocol.times import Moment


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PointRecord(_Record):
    """A measured point of the grid.

    ``sequence`` is its place in the grid's order of visit; azimuth is on the rotor's own turn.
    A standard deviation that is not known is null.
    """

    kind: Literal["point"] = "point"
    sequence: int = Field(ge=0)
    azimuth_deg: float
    elevation_deg: float
    time: Moment
    reads: int = Field(ge=1)
    mean: float
    std: float | None
    last: float
    domain: Domain


class MissingRecord(_Record):
    """A point of the grid that has been given up, and why; it counts as done."""

    kind: Literal["missing"] = "missing"
    sequence: int = Field(ge=0)
    reason: Literal["reading_failed", "out_of_limits"]
    words: str
    time: Moment


class ReferenceRecord(_Record):
    """A visit to the reference direction; without a reading where that failed."""

    kind: Literal["reference"] = "reference"
    visit: int = Field(ge=0)
    azimuth_deg: float
    elevation_deg: float
    time: Moment
    reads: int = Field(ge=0)
    mean: float | None
    std: float | None
    last: float | None
    domain: Domain | None


class StatusRecord(_Record):
    """A change of status, or of the reasons for which a paused scan is held."""

    kind: Literal["status"] = "status"
    status: ScanStatus
    reasons: tuple[PauseReason, ...] = ()
    words: str | None = None
    time: Moment


ScanRecord = Annotated[
    PointRecord | MissingRecord | ReferenceRecord | StatusRecord, Field(discriminator="kind")
]
"""Any record of the stream; ``kind`` says which."""


class Entry(NamedTuple):
    """A record and its number in the stream, counted from 1 without a gap."""

    number: int
    record: PointRecord | MissingRecord | ReferenceRecord | StatusRecord
