"""Rotors at a server: listed, changed, asked where they are, and moved."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal

from pydantic import TypeAdapter

from skyscan_lab.client.calls import Calls, body_of
from skyscan_lab.client.jogging import jogging
from skyscan_lab.client.link import Repeat
from skyscan_lab.client.rotor_watch import RotorWatch
from skyscan_lab.protocol.rotors import (
    JogRequest,
    MotionReply,
    MoveRequest,
    PointReply,
    PointRequest,
    RotorFields,
    RotorOut,
    RotorPosition,
    RotorTest,
)

_ROTOR = TypeAdapter(RotorOut)
_ROTORS = TypeAdapter(list[RotorOut])
_TEST = TypeAdapter(RotorTest)
_POSITION = TypeAdapter(RotorPosition)
_MOTION = TypeAdapter(MotionReply)
_POINTED = TypeAdapter(PointReply)
_NOTHING = TypeAdapter(None)

_WHERE = "client.position(rotor) says where it is; if it has not moved, ask again"
_LISTED = "client.rotors() shows whether it is there; if not, ask again"


class RotorCalls(Calls):
    """The part of `SkyScanClient` that is about rotors."""

    async def rotors(self) -> list[RotorOut]:
        """List rotors."""
        return await self._link.ask("GET", "/api/rotors", _ROTORS)

    async def add_rotor(self, fields: RotorFields) -> RotorOut:
        """Add a rotor; that is for owners.

        Raises
        ------
        Forbidden
            For whom it is not.
        Conflict
            For a name that another has.
        OutcomeUnknown
            Where no answer came.
        """
        return await self._link.ask(
            "POST", "/api/rotors", _ROTOR, body=fields, repeat=Repeat.UNSENT, remedy=_LISTED
        )

    async def change_rotor(self, rotor: int, fields: RotorFields) -> RotorOut:
        """Change a rotor; raises as `add_rotor`, and `NotFound`."""
        return await self._link.ask("PUT", f"/api/rotors/{rotor}", _ROTOR, body=fields)

    async def delete_rotor(self, rotor: int) -> None:
        """Delete a rotor; its sessions stay.

        It is asked again where no answer comes; that of the second time may be `NotFound`.

        Raises
        ------
        NotFound
            For a rotor that is not there.
        Conflict
            For one that somebody holds.
        """
        await self._link.ask("DELETE", f"/api/rotors/{rotor}", _NOTHING)

    async def test(self, rotor: int) -> RotorTest:
        """Connect a rotor, and say what it is; raises `NotFound`."""
        path = f"/api/rotors/{rotor}/test"
        return await self._link.ask("GET", path, _TEST, repeat=Repeat.UNANSWERED)

    async def position(self, rotor: int) -> RotorPosition:
        """Where a rotor points.

        Raises
        ------
        NotFound
            For a rotor that is not there.
        Unavailable, Upstream
            For one that its site cannot reach, or that answers with an error.
        """
        path = f"/api/rotors/{rotor}/position"
        return await self._link.ask("GET", path, _POSITION, repeat=Repeat.UNANSWERED)

    def watch_rotor(
        self, rotor: int, *, on_trouble: Callable[[str], None] | None = None
    ) -> AsyncGenerator[RotorPosition, None]:
        """Follow a rotor: where it points now, and then each time that has changed.

        It goes on over lost connections and restarts of the server, and ends when the loop is
        left. It is no record: what the rotor passed while there was no connection, or too fast
        for whoever reads, is not told later. Of a rotor that its site cannot reach nothing comes
        until it can.

        Parameters
        ----------
        rotor : int
            Which rotor.
        on_trouble : callable, optional
            Told in words each time the connection is lost.

        Yields
        ------
        RotorPosition
            As `position`.

        Raises
        ------
        NotFound
            For a rotor that is not there.
        ServerUnreachable
            Where the server stays away for longer than the client has patience.
        """
        return RotorWatch(self._link, rotor, on_trouble).news()

    async def move(self, rotor: int, azimuth: float, elevation: float) -> MotionReply:
        """Begin a slew; `position` says how far it is.

        Parameters
        ----------
        rotor : int
            Which rotor.
        azimuth, elevation : float
            Where to, degrees.

        Raises
        ------
        InvalidInput
            For what is no direction.
        NotFound, Refused, Conflict
            For a rotor that is not there, cannot point there, or is held by somebody.
        Unavailable, Upstream
            For one that its site cannot reach, or that answers with an error.
        OutcomeUnknown
            Where no answer came: a move is asked for once, since somebody may have stopped it.
        """
        target = body_of(MoveRequest, azimuth=azimuth, elevation=elevation)
        path = f"/api/rotors/{rotor}/move"
        return await self._link.ask(
            "POST", path, _MOTION, body=target, repeat=Repeat.UNSENT, remedy=_WHERE
        )

    async def point(
        self,
        rotor: int,
        target_type: Literal["satellite", "geostationary", "sun", "moon"],
        target_id: str = "",
    ) -> PointReply:
        """Begin a slew to where a target is now; it is not followed.

        Parameters
        ----------
        rotor : int
            Which rotor.
        target_type : {"satellite", "geostationary", "sun", "moon"}
            What kind of target.
        target_id : str
            Longitude of a geostationary satellite, as ``"19.2E"``; catalogue number of another.

        Raises
        ------
        SkyscanError
            As `move`; `Refused` also for a target that is below the horizon.
        """
        target = body_of(PointRequest, target_type=target_type, target_id=target_id)
        path = f"/api/rotors/{rotor}/point"
        return await self._link.ask(
            "POST", path, _POINTED, body=target, repeat=Repeat.UNSENT, remedy=_WHERE
        )

    async def park(self, rotor: int) -> MotionReply:
        """Begin a slew to the park position; raises as `move`."""
        path = f"/api/rotors/{rotor}/park"
        return await self._link.ask("POST", path, _MOTION, repeat=Repeat.UNSENT, remedy=_WHERE)

    async def stop(self, rotor: int) -> MotionReply:
        """Stop a rotor, whoever moves it; a scan is paused.

        It is asked again where no answer comes.

        Raises
        ------
        NotFound
            For a rotor that is not there.
        Unavailable, Upstream
            Where its site cannot be told: it has to be stopped there.
        """
        path = f"/api/rotors/{rotor}/stop"
        return await self._link.ask("POST", path, _MOTION, repeat=Repeat.UNANSWERED)

    def jog(
        self, rotor: int, *, azimuth: Literal[-1, 0, 1] = 0, elevation: Literal[-1, 0, 1] = 0
    ) -> AbstractAsyncContextManager[None]:
        """Turn a rotor for as long as the block lasts: ``async with client.jog(1, azimuth=1):``.

        It is renewed every second. Where this program or its connection ends, the site stops
        the rotor two seconds after the last renewal.

        Parameters
        ----------
        rotor : int
            Which rotor.
        azimuth, elevation : {-1, 0, 1}
            Which way each axis turns.

        Returns
        -------
        context manager
            Leaving it stops the rotor. Where the jog ends sooner (somebody stopped the rotor,
            or it could not be renewed), the block is ended, with the error that says why.

        Raises
        ------
        InvalidInput
            For a way that is none of these.
        SkyscanError
            On entering, as `move`; on leaving, as `stop`.
        """
        request = body_of(JogRequest, azimuth=azimuth, elevation=elevation)
        return jogging(self._link, rotor, request)
