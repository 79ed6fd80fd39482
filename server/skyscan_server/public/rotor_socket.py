"""The socket of a rotor: where it points, whenever that has changed."""

from __future__ import annotations

from skyscan_lab.protocol.rotors import RotorPosition
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.errors import DomainError
from skyscan_server.domain.positions import Positions
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.sessions import NO_ROTOR
from skyscan_server.public.rotors import rotor_position
from skyscan_server.web.operations import Call, Channel
from skyscan_server.web.sockets import Socket


class RotorSocket:
    """Socket of the rotors.

    Parameters
    ----------
    rotors : Rotors
        The rules.
    positions : Positions
        Where they are.
    """

    def __init__(self, rotors: Rotors, positions: Positions) -> None:
        self._rotors = rotors
        self._positions = positions

    @property
    def channels(self) -> list[Channel]:
        """The one socket."""
        return [
            Channel(
                path="/ws/rotor/{rotor_id}",
                handler=self.follow_rotor,
                summary="Follow a rotor",
                scope=Scope.ROTORS_READ,
                tag="Rotors",
                errors={404: NO_ROTOR},
            )
        ]

    async def follow_rotor(
        self, call: Call[None, None], socket: Socket[None, RotorPosition]
    ) -> None:
        """Tell where the rotor is now, and then each time that has changed."""
        rotor = await self._rotors.get(call.path["rotor_id"])
        latest = self._positions.latest(rotor.id)
        if latest is None:
            try:
                _, latest = await self._rotors.position(rotor.id)
            except DomainError:
                latest = None  # it cannot be asked at present; it will tell when it can
        await socket.open()
        while True:
            if latest is not None:
                await socket.send(rotor_position(rotor, latest))
            latest = await self._positions.next(rotor.id, after=latest)
