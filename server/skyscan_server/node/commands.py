"""What each call of the hub does at a rotor."""

from __future__ import annotations

import asyncio

import structlog

from skyscan_lab.devices.turns import in_a_hurry
from skyscan_lab.errors import DeviceError, DeviceTimeout, DeviceUnreachable
from skyscan_lab.protocol.graph import RotorKey
from skyscan_lab.protocol.rpc import (
    Answer,
    Check,
    Checked,
    Done,
    GetPosition,
    Jog,
    Move,
    Park,
    Probe,
    RpcCall,
    Stop,
)
from skyscan_lab.scanning.unbroken import unbroken
from skyscan_server.node.crew import Crew
from skyscan_server.node.fence import Fence
from skyscan_server.node.fenced import FencedRotor
from skyscan_server.node.jog import Jogger
from skyscan_server.node.mount import Mount
from skyscan_server.node.mounts import Mounts
from skyscan_server.node.scans import Scans
from skyscan_server.node.timing import NodeTiming

log = structlog.get_logger(__name__)


class Commands:
    """Carries out calls, one or many at a time.

    Parameters
    ----------
    mounts : Mounts
        The rotors.
    fence : Fence
        Knows who holds them.
    scans : Scans
        Held when their rotor is stopped.
    timing : NodeTiming
        How long to wait for what.
    crew : Crew
        Owns what goes on after a call has been answered.
    """

    def __init__(
        self, mounts: Mounts, fence: Fence, scans: Scans, timing: NodeTiming, crew: Crew
    ) -> None:
        self._mounts = mounts
        self._fence = fence
        self._scans = scans
        self._timing = timing
        self._crew = crew
        self._joggers: dict[RotorKey, Jogger] = {}
        self._stopping: dict[RotorKey, asyncio.Task[None]] = {}

    async def carry_out(self, call: RpcCall) -> Answer:
        """Carry out a call and return its answer.

        A move that nobody waits for any more, because its caller has left or its time is up,
        is stopped: a rotor does not go on moving behind people's backs.

        Raises
        ------
        DeviceError
            Where it comes to nothing.
        """
        if isinstance(call, Check):  # of a rotor that may not be there yet
            return Checked(wrong=self._mounts.wrong(call.described))
        mount = self._mounts.get(call.rotor)
        if not isinstance(call, Stop):
            # Somebody waits. Once it moves, there is time to find a lost controller again.
            with in_a_hurry():
                match call:
                    case Probe():
                        return await mount.probe(call.grid)
                    case GetPosition():
                        return await mount.position_now()
                    case _:
                        await mount.position()
        match call:
            case Move():
                rotor = FencedRotor(mount, self._fence, call.epoch)
                await self._order(mount, rotor, call)
                return await mount.position_now(max_age_s=self._timing.snapshot_s)
            case Park():
                rotor = FencedRotor(mount, self._fence, call.epoch)
                await self._order(mount, rotor, call)
                return await mount.position_now(max_age_s=self._timing.snapshot_s)
            case Jog():
                await self._jogger(mount).jog(call.azimuth, call.elevation, call.epoch)
                return Done()
            case Stop():
                await self.stop(mount)
                return Done()

    async def stop(self, mount: Mount) -> None:
        """Stop a rotor, whoever moves it, and see that it stays where it is.

        A jog and a move end. A scan under way is held as if its user had paused it, because
        its next point would move the rotor again; only a wish of its users to go on that was
        uttered later releases it. Neither a claim, nor the hub, nor a disk is needed, and once
        begun the stop is carried out even if nobody waits for it.

        Raises
        ------
        DeviceError
            Where the rotor does not obey: it then has to be stopped at the site.
        """
        if mount.key in self._joggers:
            self._joggers[mount.key].forget()
        self._scans.stop_by_hand(mount.key)
        with in_a_hurry():
            failure = await asyncio.shield(self._crew.start(_stopped(mount)))
        if isinstance(failure, DeviceUnreachable | DeviceTimeout):
            # Who asked is told at once; should the rotor be reached in a while, it is stopped.
            self._stop_later(mount)
        if failure is not None:
            raise failure

    def _stop_later(self, mount: Mount) -> None:
        """Stop a rotor that is out of reach, should it be found again soon."""
        if mount.key not in self._stopping:
            self._stopping[mount.key] = task = self._crew.start(_stopped_at_last(mount))
            task.add_done_callback(lambda _: self._stopping.pop(mount.key))

    async def stop_all(self) -> list[DeviceError]:
        """Stop every rotor of the node, all at once.

        Returns
        -------
        list of DeviceError
            Of those that do not obey.
        """
        stops = [self.stop(mount) for mount in self._mounts]
        results = await asyncio.gather(*stops, return_exceptions=True)
        return [error for error in results if isinstance(error, DeviceError)]

    async def end_jogs(self) -> None:
        """Stop whatever is being jogged: nobody can renew it any more."""
        await asyncio.gather(*(jogger.end() for jogger in self._joggers.values()))

    async def _order(self, mount: Mount, rotor: FencedRotor, call: Move | Park) -> None:
        self._fence.check(mount.key, call.epoch)
        await self._end_jog(mount)
        # What is refused must not raise the fence: its epoch may be anybody's.
        await mount.reach()
        if isinstance(call, Move):
            mount.limits.check(mount.name, call.azimuth_deg, call.elevation_deg)
        await self._fence.admit(mount.key, call.epoch)
        await self._end_jog(mount)
        try:
            if isinstance(call, Move):
                await rotor.move(call.azimuth_deg, call.elevation_deg)
            else:
                await rotor.park()
        except asyncio.CancelledError:
            await unbroken(rotor.stop())
            raise

    async def _end_jog(self, mount: Mount) -> None:
        if mount.key in self._joggers:
            await self._joggers[mount.key].end()

    def _jogger(self, mount: Mount) -> Jogger:
        jogger = self._joggers.get(mount.key)
        if jogger is None or jogger.mount is not mount:
            jogger = Jogger(mount, self._fence, self._crew, self._timing.jog_renewal_s)
            self._joggers[mount.key] = jogger
        return jogger


async def _stopped(mount: Mount) -> DeviceError | None:
    try:
        await unbroken(mount.stop())
    except DeviceError as error:
        log.critical("rotor could not be stopped", rotor=mount.key, reason=str(error))
        return error
    return None


async def _stopped_at_last(mount: Mount) -> None:
    try:
        await mount.stop()
    except DeviceError as error:
        log.warning("rotor is still out of reach", rotor=mount.key, reason=str(error))
    else:
        log.info("rotor stopped late, as it was out of reach", rotor=mount.key)
