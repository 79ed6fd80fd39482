"""What a node may do over HTTP: everything that its socket does, for one that has none."""

from __future__ import annotations

from aiohttp import web

from skyscan_lab.protocol.graph import HardwareGraph
from skyscan_lab.protocol.node_http import NodeRegistered
from skyscan_lab.protocol.node_link import MAX_MESSAGE_BYTES, Ack, Granted, Hello, Records, Task
from skyscan_server.auth.scopes import Scope
from skyscan_server.domain.errors import Conflict, NotFound
from skyscan_server.domain.ingest import Ingest
from skyscan_server.domain.nodes import NO_NODE, Nodes
from skyscan_server.domain.sessions import NO_SESSION
from skyscan_server.domain.tasks import Tasks
from skyscan_server.gateway.etags import is_known
from skyscan_server.gateway.installations import installation_of
from skyscan_server.web.operations import JSON, Call, Operation
from skyscan_server.web.problems import HttpRefusal
from skyscan_server.web.validation import in_words

_TAG = "Nodes"


class NodeRoutes:
    """Routes of the nodes.

    Parameters
    ----------
    nodes, tasks, ingest : Nodes, Tasks, Ingest
        The rules.
    """

    def __init__(self, nodes: Nodes, tasks: Tasks, ingest: Ingest) -> None:
        self._nodes = nodes
        self._tasks = tasks
        self._ingest = ingest

    @property
    def operations(self) -> list[Operation]:
        """Every route."""
        node, task = "/v1/nodes/{node_id}", "/v1/nodes/{node_id}/tasks/{session_id}"
        no_task = {404: NO_SESSION}
        return [
            Operation(
                method="POST",
                path="/v1/nodes/register",
                handler=self.register_node,
                summary="Bring the graph of a node, and get the hub's of it",
                description="The graph is taken where the hub has none of this node yet.",
                scope=Scope.NODE,
                tag=_TAG,
            ),
            Operation(
                method="POST",
                path=f"{node}/heartbeat",
                handler=self.node_heartbeat,
                summary="Say that a node lives",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                errors={404: NO_NODE},
                quiet=True,
            ),
            Operation(
                method="GET",
                path=f"{node}/graph",
                handler=self.node_graph,
                summary="Get the hardware graph of a node",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                headers={"If-None-Match": "The ETag that is known: the version of the graph."},
                also={304: "The graph is the one that is known."},
                produces=(JSON,),
                errors={404: NO_NODE},
            ),
            Operation(
                method="GET",
                path=f"{node}/tasks",
                handler=self.node_tasks,
                summary="List the open sessions of a node",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                errors={404: NO_NODE},
            ),
            Operation(
                method="POST",
                path=f"{task}/claim",
                handler=self.claim_task,
                summary="Ask to be the one who starts a session",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                errors=no_task,
            ),
            Operation(
                method="POST",
                path=f"{task}/records",
                handler=self.send_records,
                summary="Bring records of a session",
                description="Answered once they are committed, with the number up to which the "
                "session is; that is less than was brought where records before them are missing.",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                max_body_bytes=MAX_MESSAGE_BYTES,
                errors={400: "record 8: nothing can follow, the session is completed", **no_task},
            ),
            Operation(
                method="POST",
                path=f"{task}/complete",
                handler=self.complete_task,
                summary="Make sure that the hub has all of a session",
                scope=Scope.NODE,
                installation_bound=True,
                tag=_TAG,
                errors={409: str(_not_complete(7)), **no_task},
            ),
        ]

    async def register_node(self, call: Call[Hello, None]) -> NodeRegistered:
        """Make a node known."""
        installation = installation_of(call.principal)
        known = await self._nodes.register(installation, call.body.graph, call.body.name)
        return NodeRegistered(
            node_id=known.node_id, graph=known.graph, graph_version=known.graph_version
        )

    async def node_heartbeat(self, call: Call[None, None]) -> None:
        """Note that a node lives."""
        await self._nodes.see(installation_of(call.principal), call.path["node_id"])

    async def node_graph(self, call: Call[None, None]) -> HardwareGraph | web.Response:
        """Get a graph, unless it is known."""
        installation = installation_of(call.principal)
        graph, version = await self._nodes.graph(installation, call.path["node_id"])
        etag = f'"{version}"'
        if is_known(call.request.headers.get("If-None-Match"), etag):
            return web.Response(status=304, headers={"ETag": etag})
        call.answer_headers["ETag"] = etag
        return graph

    async def node_tasks(self, call: Call[None, None]) -> list[Task]:
        """List open sessions."""
        node_id = call.path["node_id"]
        await self._nodes.require_own(installation_of(call.principal), node_id)
        return await self._tasks.of_node(node_id)

    async def claim_task(self, call: Call[None, None]) -> Granted:
        """Claim a session."""
        node_id, session_id = await self._own_task(call)
        return await self._tasks.claim(node_id, session_id)

    async def send_records(self, call: Call[Records, None]) -> Ack:
        """Commit records."""
        _, session_id = await self._own_task(call)
        body = call.body
        if body.session_id != session_id:
            words = in_words("session_id", body.session_id, f"{session_id}, as in the path")
            raise HttpRefusal(422, words)
        number = await self._ingest.store(session_id, body.first, body.records)
        return Ack(session_id=session_id, number=number)

    async def complete_task(self, call: Call[None, None]) -> Ack:
        """See whether the final record is committed."""
        node_id, session_id = await self._own_task(call)
        for task in await self._tasks.of_sessions(node_id, [session_id]):
            if not task.final:
                raise _not_complete(task.number)
            return Ack(session_id=session_id, number=task.number)
        raise NotFound(NO_SESSION)

    async def _own_task(self, call: Call[Records, None] | Call[None, None]) -> tuple[int, int]:
        node_id, session_id = call.path["node_id"], call.path["session_id"]
        await self._nodes.require_own(installation_of(call.principal), node_id)
        await self._tasks.require_own(node_id, session_id)
        return node_id, session_id


def _not_complete(number: int) -> Conflict:
    return Conflict(f"the session has not ended here: its records are committed up to {number}")
