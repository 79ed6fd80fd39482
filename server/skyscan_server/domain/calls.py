"""Calls at nodes, as the rules need them: typed, and with failures in the hub's own words."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol, TypeVar

from pydantic import BaseModel

from skyscan_lab.errors import SkyscanError
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.graph import GraphRotor
from skyscan_lab.protocol.rpc import (
    Check,
    Checked,
    Done,
    GetPosition,
    Jog,
    Move,
    Park,
    PositionNow,
    Probe,
    Probed,
    RpcCall,
    RpcFailure,
    Stop,
)
from skyscan_server.domain.errors import (
    Conflict,
    DomainError,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
    Upstream,
)
from skyscan_server.store.rotors import RotorRow

CALL_TIMEOUT_S = 5.0
MOVE_TIMEOUT_S = 300.0
# A rotor that was just added, or whose node was, is told to the node a moment later.
_NEWS_S = (0.05, 0.1, 0.2, 0.4, 0.8)

Answer = TypeVar("Answer", bound=BaseModel)

_KIND: dict[RpcFailure, type[DomainError]] = {
    RpcFailure.UNKNOWN_NODE: NotFound,
    RpcFailure.OFFLINE: Unavailable,
    RpcFailure.SLOW: Unavailable,
    RpcFailure.REFUSED: Upstream,
    RpcFailure.CANCELLED: Conflict,
    RpcFailure.UNKNOWN_ROTOR: NotFound,
    RpcFailure.UNREACHABLE: Unavailable,
    RpcFailure.OUT_OF_LIMITS: Refused,
    RpcFailure.STALE_EPOCH: Conflict,
    RpcFailure.BUSY: Unavailable,
}


class CallFailed(SkyscanError):
    """A call at a node came to nothing.

    Parameters
    ----------
    failure : RpcFailure
        Why: the node is unknown, offline, slow, or refused.
    words : str
        The same for people.
    """

    def __init__(self, failure: RpcFailure, words: str) -> None:
        self.failure = failure
        self.words = words
        super().__init__(words)


class NodeCaller(Protocol):
    """Makes calls at nodes, wherever they are connected."""

    async def call(self, node_id: int, call: RpcCall, *, timeout_s: float) -> BaseModel:
        """Make a call and return its answer, of the type that `RESULTS` has for its method.

        Raises
        ------
        CallFailed
            Where it came to nothing.
        """


async def probe(caller: NodeCaller, rotor: RotorRow, grid: ScanGrid | None = None) -> Probed:
    """Ask a rotor and its receiver what they are; raises `CallFailed`, to be told apart."""
    call = Probe(rotor=rotor.key, grid=grid)
    return _expected(Probed, await _called(caller, rotor, call, CALL_TIMEOUT_S))


async def position(caller: NodeCaller, rotor: RotorRow) -> PositionNow:
    """Where a rotor points."""
    return await _ask(caller, rotor, GetPosition(rotor=rotor.key), PositionNow, CALL_TIMEOUT_S)


async def move(
    caller: NodeCaller, rotor: RotorRow, azimuth_deg: float, elevation_deg: float, epoch: int
) -> PositionNow:
    """Slew to a direction, and return once there."""
    call = Move(rotor=rotor.key, azimuth_deg=azimuth_deg, elevation_deg=elevation_deg, epoch=epoch)
    return await _ask(caller, rotor, call, PositionNow, MOVE_TIMEOUT_S)


async def park(caller: NodeCaller, rotor: RotorRow, epoch: int) -> PositionNow:
    """Slew to the park position, and return once there."""
    call = Park(rotor=rotor.key, epoch=epoch)
    return await _ask(caller, rotor, call, PositionNow, MOVE_TIMEOUT_S)


async def jog(caller: NodeCaller, rotor: RotorRow, call: Jog) -> None:
    """Begin or renew a jog."""
    await _ask(caller, rotor, call, Done, CALL_TIMEOUT_S)


async def stop(caller: NodeCaller, rotor: RotorRow) -> None:
    """Stop all motion."""
    await _ask(caller, rotor, Stop(rotor=rotor.key), Done, CALL_TIMEOUT_S)


async def require_allowed(caller: NodeCaller, node_id: int, described: GraphRotor) -> None:
    """See that a node allows a rotor, as far as it can be asked.

    One that is away says so when the rotor is used.

    Raises
    ------
    Invalid
        For a setting that the node's own file does not allow.
    """
    call = Check(rotor=described.key, described=described)
    with suppress(CallFailed):
        checked = _expected(Checked, await caller.call(node_id, call, timeout_s=CALL_TIMEOUT_S))
        if checked.wrong is not None:
            raise Invalid(checked.wrong.field, checked.wrong.value, checked.wrong.allowed)


async def _ask(
    caller: NodeCaller, rotor: RotorRow, call: RpcCall, kind: type[Answer], timeout_s: float
) -> Answer:
    try:
        answer = await _called(caller, rotor, call, timeout_s)
    except CallFailed as error:
        raise in_domain(error, rotor) from error
    return _expected(kind, answer)


async def _called(
    caller: NodeCaller, rotor: RotorRow, call: RpcCall, timeout_s: float
) -> BaseModel:
    """Make a call, once more where its node has yet to hear of a new rotor."""
    for pause_s in _NEWS_S:
        try:
            return await caller.call(rotor.node_id, call, timeout_s=timeout_s)
        except CallFailed as error:
            if error.failure is not RpcFailure.UNKNOWN_ROTOR:
                raise
        await asyncio.sleep(pause_s)
    return await caller.call(rotor.node_id, call, timeout_s=timeout_s)


def in_domain(error: CallFailed, rotor: RotorRow | None = None) -> DomainError:
    """Refusal of the hub that stands for a failed call; it names the rotor that was asked for."""
    kind, words = _KIND[error.failure], error.words
    if rotor is None:
        return kind(words)
    if error.failure is RpcFailure.OFFLINE:
        words = f"its node, {rotor.node}, is not connected"
    elif error.failure is RpcFailure.SLOW:
        words = f"its node, {rotor.node}, did not answer in time"
    elif error.failure is RpcFailure.UNKNOWN_ROTOR:
        kind, words = Unavailable, f"its node, {rotor.node}, has yet to hear of it"
    if kind is Unavailable:
        words = f"{rotor.name} cannot be reached: {words}"
    return kind(words)


def _expected(kind: type[Answer], answer: BaseModel) -> Answer:
    if not isinstance(answer, kind):
        raise Upstream(f"the node answered {type(answer).__name__}, expected {kind.__name__}")
    return answer
