"""A mount in the hands of one holder: every order is checked against the holder's epoch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from skyscan_lab.devices.base import Measurement, Position, ReadingKey, Receiver, RotorLimits
from skyscan_lab.errors import DeviceError, NoSignalSource, RotorStalled
from skyscan_lab.power import Units
from skyscan_server.node.fence import Fence, StaleEpoch
from skyscan_server.node.mount import Mount


class StoppedByHand(DeviceError):
    """Somebody has stopped the rotor; it moves again when the scan is resumed."""


class TakenAway(StaleEpoch, NoSignalSource):
    """The rotor was moved by somebody else while a point was being read.

    It is a missing source, too, because the engine gives up a point whose reading failed; this
    one is to be read again, should the rotor ever come back.
    """


class FencedRotor:
    """Rotor of a mount for one holder.

    Parameters
    ----------
    mount : Mount
        What moves.
    fence : Fence
        Knows who holds it.
    epoch : int
        Of the holder's claim.

    Attributes
    ----------
    epoch : int
        Of the holder's claim; a new one may be set.
    """

    def __init__(self, mount: Mount, fence: Fence, epoch: int) -> None:
        self.epoch = epoch
        self._mount = mount
        self._fence = fence
        self._held = False

    @property
    def name(self) -> str:
        """How people know it."""
        return self._mount.name

    @property
    def limits(self) -> RotorLimits:
        """Range of motion."""
        return self._mount.limits

    @property
    def stale(self) -> bool:
        """Whether somebody else holds the rotor by now."""
        return self.epoch < self._fence.highest(self._mount.key)

    def hold(self) -> None:
        """Refuse every order to move until `release`; one under way is not stopped by this."""
        self._held = True

    def release(self) -> None:
        """Let orders through again."""
        self._held = False

    def check_claim(self) -> None:
        """See that the claim is not over.

        Raises
        ------
        StaleEpoch
            Saying which one has taken its place.
        """
        self._fence.check(self._mount.key, self.epoch)

    def permit(self) -> None:
        """See that the rotor may be moved at this very moment.

        Raises
        ------
        StaleEpoch, StoppedByHand
            Where it may not.
        """
        self.check_claim()
        if self._held:
            raise StoppedByHand(self.name, "stopped by hand; resume the scan to go on")

    async def __aenter__(self) -> Self:
        """Leave connecting to the mount."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave disconnecting to the mount."""

    async def position(self) -> Position:
        """Where the rotor is now; anybody may ask."""
        return await self._mount.position()

    async def move(self, azimuth_deg: float, elevation_deg: float) -> Position:
        """Go to a target and return once settled there.

        Raises
        ------
        StaleEpoch, StoppedByHand
            Before the order is given, and instead of what such an end looks like to a driver.
        DeviceError
            As the driver does.
        """
        return await self._order(
            lambda: self._mount.move(azimuth_deg, elevation_deg, self.permit, self)
        )

    async def turn_to(self, target: Position) -> Position:
        """Go to a target within the hard limits; raises as `move`."""
        return await self._order(lambda: self._mount.turn_to(target, self.permit, self))

    async def park(self) -> None:
        """Go to the park position; raises as `move`."""
        await self._order(lambda: self._mount.park(self.permit, self))

    async def stop(self) -> None:
        """Stop the rotor, unless somebody else has sent it on since: then it is theirs to stop.

        That our claim is over does not count for this, as long as what moves is ours.
        """
        mover = self._mount.moved_by
        if mover is self or (mover is None and not self.stale):
            await self._mount.stop()

    async def _order(self, go: Callable[[], Awaitable[Position]]) -> Position:
        await self._fence.admit(self._mount.key, self.epoch)
        try:
            return await go()
        except RotorStalled:
            # To a driver this is an order that another one has ended; say which one.
            self.permit()
            raise


class FencedReceiver:
    """Receiver of a scan: what was read while somebody else had the rotor is not its own.

    Parameters
    ----------
    receiver : Receiver
        Reads.
    rotor : FencedRotor
        The scan's.
    """

    def __init__(self, receiver: Receiver, rotor: FencedRotor) -> None:
        self.name = receiver.name
        self._receiver = receiver
        self._rotor = rotor

    @property
    def units(self) -> Units:
        """Units of its readings."""
        return self._receiver.units

    async def __aenter__(self) -> Self:
        """Leave connecting to the mount."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave disconnecting to the mount."""

    async def read(self, reads: int, key: ReadingKey | None = None) -> Measurement:
        """Take readings and average them.

        Raises
        ------
        TakenAway
            Where somebody else has taken control of the rotor meanwhile.
        """
        try:
            self._rotor.check_claim()
        except StaleEpoch as error:
            raise TakenAway(self._rotor.name, error.reason) from None
        measured = await self._receiver.read(reads, key)
        if self._rotor.stale:
            raise TakenAway(self._rotor.name, "somebody else took control of it during a reading")
        return measured
