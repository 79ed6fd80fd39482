"""Orders to a rotor: the newest one counts, and one that its controller forgot is given again.

A move, a stop and a parking all end the one before, whoever gave it; whoever waits for that one
has to be told. And a controller that restarts on the way, or a server in front of it, remembers
no target: the rotor would stand still until somebody sends it on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from skyscan_lab.devices.base import Position
from skyscan_lab.devices.settle import Read, Settler
from skyscan_lab.errors import RotorStalled


class Orders:
    """What one rotor was last told to do.

    Parameters
    ----------
    device : str
        What errors call the rotor.
    position : callable
        Asks the rotor for its position.
    settler : Settler
        Watches the rotor; told when it may be elsewhere after a restart.
    lives : callable
        Number of times that the controller was found afresh: one more after each loss.
    """

    def __init__(
        self, device: str, position: Read, settler: Settler, lives: Callable[[], int]
    ) -> None:
        self._device = device
        self._position = position
        self._settler = settler
        self._lives = lives
        self._given = 0

    async def give(self, send: Callable[[], Awaitable[None]], *, repeat: bool = True) -> Read:
        """Send an order, and return how to watch it being carried out.

        Parameters
        ----------
        send : callable
            Sends it; more than once, where its controller is lost.
        repeat : bool
            Whether it is to be given again to a controller that has restarted.

        Returns
        -------
        callable
            Asks for the position while the order holds, and raises RotorStalled once another
            one has been given.
        """
        self._given += 1
        order = self._given
        await send()
        sent_in = self._lives()

        async def watch() -> Position:
            nonlocal sent_in
            where = await self._position()
            if self._given != order:
                raise RotorStalled(self._device, f"stopped on the way, at {where}")
            if self._lives() != sent_in:
                self._settler.forget()
                if repeat:
                    await send()
                sent_in = self._lives()
                where = await self._position()
            return where

        return watch
