"""Calls of the hub: carried out within their time, cancelled when nobody waits, never queued."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from skyscan_lab.errors import (
    DeviceError,
    DeviceTimeout,
    DeviceUnreachable,
    OutOfLimits,
)
from skyscan_lab.protocol.node_link import Failed, Result, Rpc
from skyscan_lab.protocol.rpc import GetPosition, Probe, RpcFailure, Stop
from skyscan_server.node.commands import Commands
from skyscan_server.node.crew import Crew
from skyscan_server.node.fence import StaleEpoch
from skyscan_server.node.mount import Overtaken
from skyscan_server.node.mounts import UnknownRotor

MAX_CALLS = 32
"""Most calls at a time; a stop is carried out beyond them."""

Answer = Callable[[Result | Failed], Awaitable[None]]

_FAILURES: tuple[tuple[type[DeviceError], RpcFailure], ...] = (
    (UnknownRotor, RpcFailure.UNKNOWN_ROTOR),
    (StaleEpoch, RpcFailure.STALE_EPOCH),
    (Overtaken, RpcFailure.CANCELLED),
    (OutOfLimits, RpcFailure.OUT_OF_LIMITS),
    (DeviceUnreachable, RpcFailure.UNREACHABLE),
    (DeviceTimeout, RpcFailure.UNREACHABLE),
)

log = structlog.get_logger(__name__)


def failure_of(error: DeviceError) -> RpcFailure:
    """Kind of failure that the hub is told.

    Examples
    --------
    >>> failure_of(DeviceUnreachable("rotor", "nothing listens there"))
    <RpcFailure.UNREACHABLE: 'unreachable'>
    """
    for kind, failure in _FAILURES:
        if isinstance(error, kind):
            return failure
    return RpcFailure.REFUSED


class Calls:
    """The calls under way that came over one connection.

    Parameters
    ----------
    commands : Commands
        Carries them out.
    answer : callable
        Sends an answer.
    crew : Crew
        Owns them. It outlives the connection: a move to a target that was accepted is finished,
        though nobody hears of it.
    """

    def __init__(self, commands: Commands, answer: Answer, crew: Crew) -> None:
        self._commands = commands
        self._answer = answer
        self._crew = crew
        self._under_way: dict[int, tuple[Rpc, asyncio.Task[None]]] = {}

    async def begin(self, rpc: Rpc) -> None:
        """Begin a call; its answer is sent when it has one."""
        number = rpc.request_id
        if number in self._under_way:
            return  # sent again: it is being carried out
        if len(self._under_way) >= MAX_CALLS and not isinstance(rpc.call, Stop):
            words = f"{MAX_CALLS} calls are under way already"
            await self._answer(Failed(request_id=number, failure=RpcFailure.BUSY, words=words))
            return
        task = self._crew.start(self._carry_out(rpc))
        self._under_way[number] = (rpc, task)
        task.add_done_callback(lambda _: self._under_way.pop(number, None))

    def cancel(self, request_id: int) -> None:
        """End a call that nobody waits for any more."""
        if request_id in self._under_way:
            self._under_way[request_id][1].cancel()

    async def end(self) -> None:
        """The connection has ended: nobody waits for what only asks."""
        asking = [
            task
            for rpc, task in self._under_way.values()
            if isinstance(rpc.call, Probe | GetPosition)
        ]
        await self._crew.dismiss(*asking)

    async def _carry_out(self, rpc: Rpc) -> None:
        number = rpc.request_id
        try:
            async with asyncio.timeout(rpc.timeout_s):
                value = await self._commands.carry_out(rpc.call)
        except TimeoutError:
            words = f"{rpc.call.method}: not done within {rpc.timeout_s:g} s"
            await self._fail(number, RpcFailure.SLOW, words)
        except DeviceError as error:
            await self._fail(number, failure_of(error), str(error))
        except asyncio.CancelledError:
            await self._fail(number, RpcFailure.CANCELLED, f"{rpc.call.method}: cancelled")
            raise
        except Exception as error:
            log.exception("call broke", method=rpc.call.method)
            words = f"the node failed: {type(error).__name__}: {error}"
            await self._fail(number, RpcFailure.REFUSED, words)
        else:
            await self._tell(Result(request_id=number, value=_json(value)))

    async def _fail(self, number: int, failure: RpcFailure, words: str) -> None:
        await self._tell(Failed(request_id=number, failure=failure, words=words))

    async def _tell(self, answer: Result | Failed) -> None:
        await self._answer(answer)


def _json(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = value.model_dump(mode="json")
    return found
