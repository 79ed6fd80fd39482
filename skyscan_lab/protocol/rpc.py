"""Calls that a hub makes at a node, and gets an answer to while somebody waits.

They are never stored and forwarded: a late move is worse than none. Those that move a rotor
carry the epoch of their claim on it, and the node refuses an epoch below the highest that it
has seen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from skyscan_lab.grid import ScanGrid
from skyscan_lab.power import Units
from skyscan_lab.protocol.graph import GraphRotor, RotorKey
from skyscan_lab.protocol.times import Moment
from skyscan_lab.station import Limits

JOG_RENEWAL_S = 2.0
"""A jog that is not renewed within this time is stopped by the node."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RpcFailure(StrEnum):
    """Why a call came to nothing."""

    UNKNOWN_NODE = "unknown_node"
    OFFLINE = "offline"
    SLOW = "slow"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNKNOWN_ROTOR = "unknown_rotor"
    UNREACHABLE = "unreachable"
    OUT_OF_LIMITS = "out_of_limits"
    STALE_EPOCH = "stale_epoch"
    BUSY = "busy"


MAX_EPOCH = 2**53
"""Highest epoch of a claim, far beyond all that there will ever be."""

Epoch = Annotated[int, Field(ge=0, le=MAX_EPOCH)]
"""Epoch of a claim on a rotor."""


class Probe(_Part):
    """Connect the rotor and its receiver, and say what they are; nothing moves.

    With a grid it also says whether the rotor can reach its points.
    """

    method: Literal["probe"] = "probe"
    rotor: RotorKey
    grid: ScanGrid | None = None


class GetPosition(_Part):
    """Ask where the rotor points."""

    method: Literal["position"] = "position"
    rotor: RotorKey


class Move(_Part):
    """Slew to a direction, degrees; the answer comes when the rotor has settled there."""

    method: Literal["move"] = "move"
    rotor: RotorKey
    azimuth_deg: float
    elevation_deg: float
    epoch: Epoch


class Park(_Part):
    """Slew to the park position."""

    method: Literal["park"] = "park"
    rotor: RotorKey
    epoch: Epoch


class Jog(_Part):
    """Turn each axis its way (-1, 0, 1) until renewed no more, `JOG_RENEWAL_S` later."""

    method: Literal["jog"] = "jog"
    rotor: RotorKey
    azimuth: Literal[-1, 0, 1] = 0
    elevation: Literal[-1, 0, 1] = 0
    epoch: Epoch


class Stop(_Part):
    """Stop all motion. It needs no claim, and ends what moves the rotor."""

    method: Literal["stop"] = "stop"
    rotor: RotorKey


class Check(_Part):
    """Ask whether the node's own file allows a rotor as it is described; nothing is connected."""

    method: Literal["check"] = "check"
    rotor: RotorKey
    described: GraphRotor


RpcCall = Annotated[
    Probe | GetPosition | Move | Park | Jog | Stop | Check, Field(discriminator="method")
]
"""Any call; ``method`` says which."""


class Probed(_Part):
    """What a rotor and its receiver said about themselves.

    ``units`` is null where the receiver measures no signal strength; ``unreachable_points``
    says in words why the grid does not fit, and is null where it does.
    """

    model: str
    rotor: str
    receiver: str
    units: Units | None
    limits: Limits
    unreachable_points: str | None = None


class PositionNow(_Part):
    """Where a rotor points, degrees, azimuth on its own turn."""

    azimuth_deg: float
    elevation_deg: float
    time: Moment


class Done(_Part):
    """The call has been carried out; there is nothing to say about it."""


class Wrong(_Part):
    """A setting of a rotor that a node does not allow: which, as it was given, and what is."""

    field: str
    value: JsonValue
    allowed: str


class Checked(_Part):
    """Whether a node allows a rotor; ``wrong`` is null where it does."""

    wrong: Wrong | None = None


Answer = Probed | PositionNow | Done | Checked
"""Any answer; the method of its call says which (`RESULTS`)."""

RESULTS: dict[str, type[Answer]] = {
    "probe": Probed,
    "position": PositionNow,
    "move": PositionNow,
    "park": PositionNow,
    "jog": Done,
    "stop": Done,
    "check": Checked,
}
"""What each method answers."""
