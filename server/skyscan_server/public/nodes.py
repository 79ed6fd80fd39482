"""Nodes, as administrators see them: listed, invited by a one-time code, and removed."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from skyscan_server.auth.enrolment import Enrolling
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.nodes import NO_NODE, Nodes
from skyscan_server.domain.removal import BUILT_IN_STAYS, Removal
from skyscan_server.web.operations import Call, Operation

_TAG = "Nodes"


class NodeOut(BaseModel):
    """A node of this hub."""

    id: int
    name: str
    installation: str
    connected: bool
    seen_at: AwareDatetime | None


class Invitation(BaseModel):
    """Body of ``POST /api/nodes/enrolments``: what the node will be called."""

    model_config = ConfigDict(extra="forbid")

    installation: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")


class EnrolmentCode(BaseModel):
    """A code to type in at the site, good once; it is shown this one time."""

    code: str
    installation: str
    expires: datetime


class NodeRoutes:
    """Routes of the nodes.

    Parameters
    ----------
    nodes : Nodes
        The rules.
    enrolling : Enrolling
        Makes codes.
    removal : Removal
        Takes nodes away.
    """

    def __init__(self, nodes: Nodes, enrolling: Enrolling, removal: Removal) -> None:
        self._nodes = nodes
        self._enrolling = enrolling
        self._removal = removal

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        return [
            Operation(
                method="GET",
                path="/api/nodes",
                handler=self.list_nodes,
                summary="List nodes",
                scope=Scope.ADMIN,
                tag=_TAG,
            ),
            Operation(
                method="POST",
                path="/api/nodes/enrolments",
                handler=self.invite_node,
                summary="Make a one-time code with which a node enrols",
                scope=Scope.ADMIN,
                tag=_TAG,
                status=201,
            ),
            Operation(
                method="DELETE",
                path="/api/nodes/{node_id}",
                handler=self.remove_node,
                summary="Remove a node, with its rotors and credentials",
                description="Its connection is closed, and its open sessions end. What it has "
                "measured stays. Its installation may be given to another node.",
                scope=Scope.ADMIN,
                tag=_TAG,
                errors={404: NO_NODE, 409: BUILT_IN_STAYS},
            ),
        ]

    async def remove_node(self, call: Call[None, None]) -> None:
        """Remove a node."""
        await self._removal.node(call.path["node_id"])

    async def list_nodes(self, call: Call[None, None]) -> list[NodeOut]:  # noqa: ARG002 - a handler takes its call
        """List nodes."""
        return [
            NodeOut(
                id=row.id,
                name=row.name,
                installation=row.installation,
                connected=row.connected,
                seen_at=row.seen_at,
            )
            for row in await self._nodes.everyone()
        ]

    async def invite_node(self, call: Call[Invitation, None]) -> EnrolmentCode:
        """Make a code."""
        code = await self._enrolling.invite(call.body.installation)
        return EnrolmentCode(code=code.code, installation=code.installation, expires=code.expires)
