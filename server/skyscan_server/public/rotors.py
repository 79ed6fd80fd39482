"""Rotors: listed, added, changed, asked where they are, and moved."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

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
from skyscan_lab.protocol.rpc import PositionNow
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.graphs import rotor_out
from skyscan_server.domain.motions import Motions
from skyscan_server.domain.rotors import Rotors
from skyscan_server.domain.sessions import NO_ROTCTLD, NO_ROTOR
from skyscan_server.store.rotors import RotorRow
from skyscan_server.web.operations import Call, Operation

_TAG = "Rotors"
_NOT_FOUND = {404: NO_ROTOR}
_HELD = {409: "Roof is held by scan 3"}
_AWAY = {502: "rotctld answered RPRT -6", 503: NO_ROTCTLD}


class ListQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int | None = Field(default=None, ge=1, le=1000, description="Most to list.")
    offset: int = Field(default=0, ge=0, description="How many to pass over.")


def rotor_position(rotor: RotorRow, where: PositionNow) -> RotorPosition:
    """Position as the API has it."""
    azimuth = where.azimuth_deg % 360.0
    return RotorPosition(
        azimuth=azimuth if azimuth < 360.0 else 0.0,
        elevation=where.elevation_deg,
        rotor_name=rotor.name,
        timestamp=where.time,
    )


class RotorRoutes:
    """Routes of the rotors.

    Parameters
    ----------
    rotors, motions : Rotors, Motions
        The rules.
    """

    def __init__(self, rotors: Rotors, motions: Motions) -> None:
        self._rotors = rotors
        self._motions = motions

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        one = "/api/rotors/{rotor_id}"
        read, move, admin = Scope.ROTORS_READ, Scope.ROTORS_MOVE, Scope.ROTORS_ADMIN
        moving = {400: "elevation 95.0° is outside [0°, 90°]", **_NOT_FOUND, **_HELD, **_AWAY}
        exists = {409: "A rotor named 'Roof' exists already"}
        return [
            Operation(
                method="GET",
                path="/api/rotors",
                handler=self.list_rotors,
                summary="List rotors",
                scope=read,
                tag=_TAG,
            ),
            Operation(
                method="POST",
                path="/api/rotors",
                handler=self.add_rotor,
                summary="Add a rotor",
                description="Its node connects to hosts that its own file allows, and no others: "
                "they are refused here, or on use where the node is not connected now.",
                scope=admin,
                tag=_TAG,
                status=201,
                errors={**exists, 503: "no node has registered yet"},
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.get_rotor,
                summary="Get a rotor",
                scope=read,
                tag=_TAG,
                errors=_NOT_FOUND,
            ),
            Operation(
                method="PUT",
                path=one,
                handler=self.change_rotor,
                summary="Change a rotor",
                scope=admin,
                tag=_TAG,
                errors={**_NOT_FOUND, **exists},
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.delete_rotor,
                summary="Delete a rotor; its sessions stay",
                scope=admin,
                tag=_TAG,
                errors={**_NOT_FOUND, **_HELD},
            ),
            Operation(
                method="GET",
                path=f"{one}/test",
                handler=self.test_rotor,
                summary="Connect a rotor, and say what it is",
                description="Without a connection it is false alone; /position says why.",
                scope=read,
                tag=_TAG,
                errors=_NOT_FOUND,
            ),
            Operation(
                method="GET",
                path=f"{one}/position",
                handler=self.get_position,
                summary="Ask where a rotor points",
                scope=read,
                tag=_TAG,
                errors={**_NOT_FOUND, **_AWAY},
            ),
            Operation(
                method="POST",
                path=f"{one}/move",
                handler=self.move_rotor,
                summary="Slew to a direction",
                scope=move,
                tag=_TAG,
                errors=moving,
            ),
            Operation(
                method="POST",
                path=f"{one}/point",
                handler=self.point_rotor,
                summary="Slew to a named target, where it is now",
                scope=move,
                tag=_TAG,
                errors={**moving, 400: "sun is below the horizon: elevation -12.3°"},
            ),
            Operation(
                method="POST",
                path=f"{one}/park",
                handler=self.park_rotor,
                summary="Slew to the park position",
                scope=move,
                tag=_TAG,
                errors=moving,
            ),
            Operation(
                method="POST",
                path=f"{one}/jog",
                handler=self.jog_rotor,
                summary="Turn until no more renewed: every 2 s, or it is stopped",
                scope=move,
                tag=_TAG,
                errors=moving,
            ),
            Operation(
                method="POST",
                path=f"{one}/stop",
                handler=self.stop_rotor,
                summary="Stop, whoever holds the rotor; a scan is paused",
                scope=move,
                tag=_TAG,
                errors={**_NOT_FOUND, **_AWAY},
            ),
        ]

    async def list_rotors(self, call: Call[None, ListQuery]) -> list[RotorOut]:
        """List rotors."""
        query = call.query
        found = await self._rotors.everyone(limit=query.limit, offset=query.offset)
        return [rotor_out(row) for row in found]

    async def add_rotor(self, call: Call[RotorFields, None]) -> RotorOut:
        """Add a rotor."""
        return rotor_out(await self._rotors.add(call.body))

    async def get_rotor(self, call: Call[None, None]) -> RotorOut:
        """Get a rotor."""
        return rotor_out(await self._rotors.get(call.path["rotor_id"]))

    async def change_rotor(self, call: Call[RotorFields, None]) -> RotorOut:
        """Change a rotor."""
        return rotor_out(await self._rotors.change(call.path["rotor_id"], call.body))

    async def delete_rotor(self, call: Call[None, None]) -> None:
        """Delete a rotor."""
        await self._rotors.delete(call.path["rotor_id"])

    async def test_rotor(self, call: Call[None, None]) -> RotorTest:
        """Test a rotor."""
        found = await self._rotors.test(call.path["rotor_id"])
        if found is None:
            return RotorTest(connected=False)
        return RotorTest(connected=True, model=found.model)

    async def get_position(self, call: Call[None, None]) -> RotorPosition:
        """Ask where a rotor points."""
        return rotor_position(*await self._rotors.position(call.path["rotor_id"]))

    async def move_rotor(self, call: Call[MoveRequest, None]) -> MotionReply:
        """Slew."""
        epoch = await self._motions.move(call.path["rotor_id"], call.body)
        return MotionReply(status="moving", epoch=epoch)

    async def point_rotor(self, call: Call[PointRequest, None]) -> PointReply:
        """Point."""
        target = await self._motions.point(call.path["rotor_id"], call.body)
        return PointReply(
            target=target.name, azimuth=target.azimuth_deg, elevation=target.elevation_deg
        )

    async def park_rotor(self, call: Call[None, None]) -> MotionReply:
        """Park."""
        epoch = await self._motions.park(call.path["rotor_id"])
        return MotionReply(status="parking", epoch=epoch)

    async def jog_rotor(self, call: Call[JogRequest, None]) -> MotionReply:
        """Jog."""
        epoch = await self._motions.jog(call.path["rotor_id"], call.body)
        return MotionReply(status="jogging", epoch=epoch)

    async def stop_rotor(self, call: Call[None, None]) -> MotionReply:
        """Stop."""
        await self._motions.stop(call.path["rotor_id"])
        return MotionReply(status="stopped")
