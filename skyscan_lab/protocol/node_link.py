"""Messages on the one WebSocket between a node and its hub.

::

    node                                   hub
     │ hello (graph, journals) ───────────▶ │
     │ ◀─────────── welcome (epoch, graph)  │
     │ ◀─────────── tasks (all that is open)│
     │ ask_tasks (from time to time) ─────▶ │   tasks
     │ claim ─────────────────────────────▶ │
     │ ◀────────────────────────── granted  │
     │ records (session, first, …) ───────▶ │   committed, then
     │ ◀────────────────────────────── ack  │
     │ trouble (what no record can tell) ─▶ │
     │ ◀────────────────────────────── rpc  │   result | error, after any number of chunks
     │ ◀──────────────────── task           │   what is desired has changed
     │ ◀──────────────────── superseded     │   a newer connection of this node has come

Everything may be sent again: records are known by their numbers, tasks say what is desired
and not what to do, a claim is granted as often as it is asked for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from skyscan_lab.errors import InvalidInput
from skyscan_lab.protocol.graph import HardwareGraph, RotorKey
from skyscan_lab.protocol.plans import ScanPlan
from skyscan_lab.protocol.records import ScanRecord
from skyscan_lab.protocol.rpc import Epoch, RpcCall, RpcFailure
from skyscan_lab.protocol.times import Moment

LINK_VERSION = 1
"""Version of these messages; hub and node of different versions refuse each other in words."""

MAX_MESSAGE_BYTES = 4 * 2**20
"""Largest message either side takes."""

MAX_BATCH = 256
"""Most records in one message."""

WINDOW = 4
"""Most batches of one session on their way without an acknowledgement."""


class _Message(BaseModel):
    # A newer peer may say more than we know.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Desired(StrEnum):
    """What the users of a session want of it."""

    RUN = "run"
    HOLD = "hold"
    CANCEL = "cancel"


class KnownJournal(_Message):
    """A journal that a node has: of which session, and up to which number.

    ``lost`` says that it has not got it, or not all of it, and so cannot go on.
    """

    session_id: int
    session: str
    number: int = Field(ge=0)
    lost: bool = False


class Task(_Message):
    """A session for a node to scan, and what is desired of it.

    Parameters
    ----------
    session_id : int
        Number of the session at the hub.
    rotor : str
        Key of the rotor in the node's graph.
    plan : ScanPlan
        What is scanned; ``plan.session`` is the session's name, the same for ever.
    desired : {"run", "hold", "cancel"}
        What its users want.
    seen : int
        Number of the newest record that the hub had when that was asked for. Running again
        takes away a fault only where it was on record by then: an old wish that is delivered
        once more says nothing about a newer fault.
    claimed : bool
        Whether the node has been granted it. Until then nothing of it may move.
    epoch : int
        Of the claim on the rotor, which each device call is checked against.
    number : int
        Newest record that the hub has committed; the node goes on from there.
    final : bool
        Whether the hub has its final status, so that the node may forget it.
    """

    session_id: int
    rotor: RotorKey
    plan: ScanPlan
    desired: Desired = Desired.RUN
    seen: int = 0
    claimed: bool = False
    epoch: int = 0
    number: int = 0
    final: bool = False


class Hello(_Message):
    """First message of a node. Its graph is used where the hub has none of it yet.

    One of another version is refused before anything else of it is looked at.

    Parameters
    ----------
    name : str
        What people call the node.
    epochs : dict of RotorKey to int
        Highest epoch of a claim that the node has seen of each rotor. A hub whose database is
        an older copy goes on above them, or none of its orders would be carried out.
    """

    kind: Literal["hello"] = "hello"
    version: int = LINK_VERSION
    software: str = ""
    name: str = Field(default="", max_length=100)
    graph: HardwareGraph = HardwareGraph()
    journals: tuple[KnownJournal, ...] = ()
    epochs: dict[RotorKey, Epoch] = Field(default={}, max_length=10_000)

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, message: Any) -> Any:
        version = message.get("version", LINK_VERSION) if isinstance(message, dict) else None
        if version not in (None, LINK_VERSION):
            allowed = f"{LINK_VERSION}: install the same version of skyscan-lab at node and hub"
            raise InvalidInput("version", version, allowed)
        return message


class AskTasks(_Message):
    """Ask for every task once more, with the journals there are.

    A node asks from time to time, so that whatever was lost on the way, or came in another
    order than it was sent, is put right on a connection that lives on.
    """

    kind: Literal["ask_tasks"] = "ask_tasks"
    journals: tuple[KnownJournal, ...] = ()


class Claim(_Message):
    """Ask to be the one who starts a session."""

    kind: Literal["claim"] = "claim"
    session_id: int


class Records(_Message):
    """Records of a session, numbered from ``first`` on without a gap."""

    kind: Literal["records"] = "records"
    session_id: int
    first: int = Field(ge=1)
    records: tuple[ScanRecord, ...] = Field(max_length=MAX_BATCH)


class Trouble(_Message):
    """What is the matter with a session, where none of its records can tell.

    Its station cannot be reached before it has begun, or the node's disk takes nothing. Told
    after each change and on each new connection; ``words`` is null once it is over.

    ``lost`` says that the node has not got what it would need to go on: its journal is damaged,
    or is not there. The session is then held until a node brings the journal, or a person ends
    it.
    """

    kind: Literal["trouble"] = "trouble"
    session_id: int
    words: str | None
    lost: bool = False


class Snapshot(_Message):
    """Where a rotor is, told unasked whenever that has changed."""

    kind: Literal["snapshot"] = "snapshot"
    rotor: RotorKey
    azimuth_deg: float
    elevation_deg: float
    time: Moment


class Result(_Message):
    """A call has been carried out."""

    kind: Literal["result"] = "result"
    request_id: int
    value: dict[str, Any]


class Chunk(_Message):
    """A part of an answer that comes in parts; the result comes after the last one."""

    kind: Literal["chunk"] = "chunk"
    request_id: int
    value: dict[str, Any]


class Failed(_Message):
    """A call came to nothing."""

    kind: Literal["error"] = "error"
    request_id: int
    failure: RpcFailure
    words: str


class Welcome(_Message):
    """First message of a hub: the node is known, and this is its newest connection.

    ``graph`` is the hub's, which the node uses from now on.
    """

    kind: Literal["welcome"] = "welcome"
    node_id: int
    connection_epoch: int
    graph: HardwareGraph
    graph_version: int


class Tasks(_Message):
    """Every open session of the node, and those of its journals that the hub knows."""

    kind: Literal["tasks"] = "tasks"
    tasks: tuple[Task, ...] = ()


class TaskUpdate(_Message):
    """A new session, or another wish about one."""

    kind: Literal["task"] = "task"
    task: Task


class Granted(_Message):
    """Answer to a claim; not granted where the session was cancelled before."""

    kind: Literal["granted"] = "granted"
    session_id: int
    granted: bool
    epoch: int = 0


class Ack(_Message):
    """Records are committed up to this number; the node sends what comes after it."""

    kind: Literal["ack"] = "ack"
    session_id: int
    number: int = Field(ge=0)


class GraphUpdate(_Message):
    """The hub's graph has changed."""

    kind: Literal["graph"] = "graph"
    graph: HardwareGraph
    graph_version: int


class Rpc(_Message):
    """A call; the node gives up after ``timeout_s``, counted from when it gets it."""

    kind: Literal["rpc"] = "rpc"
    request_id: int
    timeout_s: float = Field(gt=0)
    call: RpcCall


class RpcCancel(_Message):
    """Nobody waits for the answer any more."""

    kind: Literal["rpc_cancel"] = "rpc_cancel"
    request_id: int


class Superseded(_Message):
    """Last message on a connection: a newer one of the same node has taken its place.

    The node that gets it is not the newest of its name, and stays away, longer each time.
    """

    kind: Literal["superseded"] = "superseded"
    words: str


NodeMessage = Annotated[
    Hello | AskTasks | Claim | Records | Trouble | Snapshot | Result | Chunk | Failed,
    Field(discriminator="kind"),
]
"""Any message from a node."""

HubMessage = Annotated[
    Welcome | Tasks | TaskUpdate | Granted | Ack | GraphUpdate | Rpc | RpcCancel | Superseded,
    Field(discriminator="kind"),
]
"""Any message from a hub."""

NODE_MESSAGE: TypeAdapter[NodeMessage] = TypeAdapter(NodeMessage)
HUB_MESSAGE: TypeAdapter[HubMessage] = TypeAdapter(HubMessage)
