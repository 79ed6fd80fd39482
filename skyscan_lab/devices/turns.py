"""One request at a time at a device, and who waits while it is out of reach.

A scan has time: it calls a lost device again for a while, and what is to come after its request
waits behind it, so that no order overtakes another. A person who asks where the rotor is, or wants
it stopped, has not: such requests are made within `in_a_hurry`, and fail as soon as it is known
that the device does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TypeVar

from skyscan_lab.devices.patience import Patience
from skyscan_lab.errors import DeviceError, DeviceTimeout, DeviceUnreachable

T = TypeVar("T")

_HURRIED_S = 2.0
_hurried: ContextVar[bool] = ContextVar("hurried", default=False)


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """Within it, no request waits for a device that is out of reach; it fails at once."""
    token = _hurried.set(True)
    try:
        yield
    finally:
        _hurried.reset(token)


def limit_s(usual_s: float) -> float:
    """How long to wait for a device that should answer at once.

    Examples
    --------
    >>> with in_a_hurry():
    ...     limit_s(5.0)
    2.0
    >>> limit_s(5.0)
    5.0
    """
    return min(usual_s, _HURRIED_S) if _hurried.get() else usual_s


def hurry_s() -> float | None:
    """How long who is in a hurry waits for others; None for everybody else."""
    return _HURRIED_S if _hurried.get() else None


class Turns:
    """Whose turn it is at a device.

    Parameters
    ----------
    window_s : float
        How long a lost device is called again by who is in no hurry, real seconds.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._lock = asyncio.Lock()
        self._trouble: DeviceError | None = None
        self._hurried: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, and have it."""
        await self._acquire()
        try:
            yield
        finally:
            self._lock.release()

    async def take(self, attempt: Callable[[], Awaitable[T]], worth: Callable[[], bool]) -> T:
        """Make a request when it is its turn, again and again while the device is away.

        Parameters
        ----------
        attempt : callable
            Makes it.
        worth : callable
            Whether another attempt may come to something.

        Raises
        ------
        DeviceUnreachable
            Where the device stays away; to who is in a hurry, also while another one calls it.
        DeviceError
            Others as `attempt` does.
        """
        async with self.turn():
            patience = Patience(0.0 if _hurried.get() else self._window_s)
            try:
                while True:
                    try:
                        return await attempt()
                    except DeviceTimeout as error:
                        self._tell(error)
                        raise
                    except DeviceUnreachable as error:
                        self._tell(error)
                        if not worth():
                            raise
                        self._trouble = error
                        if not await patience.pause():
                            raise
            finally:
                self._trouble = None

    async def _acquire(self) -> None:
        if not _hurried.get():
            await self._lock.acquire()
            return
        if self._trouble is None:
            scope = asyncio.timeout(None)
            try:
                async with scope:
                    self._hurried.add(scope)
                    await self._lock.acquire()
            except TimeoutError:
                pass
            else:
                return
            finally:
                self._hurried.discard(scope)
        trouble = self._last if self._trouble is None else self._trouble
        raise type(trouble)(trouble.device, trouble.reason) from trouble

    def _tell(self, trouble: DeviceError) -> None:
        """Tell those who wait in a hurry that it would be in vain."""
        self._last = trouble
        now = asyncio.get_running_loop().time()
        for scope in self._hurried:
            if not scope.expired():
                scope.reschedule(now)
