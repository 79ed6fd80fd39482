"""Calls to a device that end in time, whatever its driver does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from skyscan_lab.errors import DeviceTimeout

T = TypeVar("T")

# A call that is cancelled may still have something to put in order.
_GRACE_S = 2.0


class Interrupted(Exception):
    """The scan is to end: what was going on has been broken off."""


class Watchdog:
    """Lets one device call at a time go on, up to a limit or an interruption.

    A call that outlives its limit is cancelled. A driver that ignores even that is stuck: its
    call is kept, and until it ends every further call through here is refused, so that two
    never work on one device.
    """

    def __init__(self) -> None:
        self._interrupted = False
        self._wake: asyncio.Future[None] | None = None
        self._stuck: asyncio.Task[Any] | None = None

    def interrupt(self) -> None:
        """Break off the present call, and every later one, with `Interrupted`."""
        self._interrupted = True
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def call(self, step: Coroutine[Any, Any, T], *, device: str, limit_s: float) -> T:
        """Await a device call.

        Parameters
        ----------
        step : coroutine
            The call.
        device : str
            Name of the device, for the error.
        limit_s : float
            Real seconds it may take.

        Raises
        ------
        DeviceTimeout
            Where it has not returned by then, or an earlier one is stuck.
        Interrupted
            After `interrupt`.
        """
        if self._interrupted or (self._stuck is not None and not self._stuck.done()):
            step.close()
            if self._interrupted:
                raise Interrupted
            raise DeviceTimeout(
                device, "its driver is still stuck in an earlier call; reconnect it"
            )
        task = asyncio.ensure_future(step)
        task.add_done_callback(_retrieve)
        self._wake = asyncio.get_running_loop().create_future()
        try:
            first: set[asyncio.Future[Any]] = {task, self._wake}
            await asyncio.wait(first, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._wake.cancel()
            if not task.done():
                await self._break_off(task)
        if self._interrupted:
            raise Interrupted
        if not task.done() or task.cancelled():
            raise DeviceTimeout(device, f"no answer from its driver within {limit_s:g} s")
        return task.result()

    async def _break_off(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=_GRACE_S)
        if not task.done():
            self._stuck = task


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Take note of the error of a call that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
