"""The hub's end of the socket, driven by a test: it speaks node_link over a real WebSocket.

It commits what comes in to memory, grants every claim, and keeps all that it has heard, unless
a test tells it not to.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import asynccontextmanager, suppress

from aiohttp import WSMsgType, web

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.graph import HardwareGraph
from skyscan_lab.protocol.node_link import (
    NODE_MESSAGE,
    Ack,
    Chunk,
    Claim,
    Desired,
    Failed,
    Granted,
    GraphUpdate,
    Records,
    Result,
    Rpc,
    RpcCancel,
    Snapshot,
    Superseded,
    Task,
    Tasks,
    TaskUpdate,
    Trouble,
    Welcome,
)
from skyscan_lab.protocol.records import StatusRecord
from skyscan_lab.scanning import make_plan

SECRET = "secret of the node"  # noqa: S105 -- of a test
CODE = "ABCD-EFGH"
GRID = ScanGrid(az=(10, 13), el=(20, 22), step=1)
SOON_S = 20.0


class Refused(Exception):
    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.words)
        self.failure = failed.failure


class Hub:
    """A hub for one node."""

    def __init__(self) -> None:
        self.port = 0
        self.graph: HardwareGraph | None = None
        self.tasks: dict[int, Task] = {}
        self.records: dict[int, list] = {}
        self.resent = 0
        self.gaps = 0
        self.heard: list = []
        self.snapshots: list[tuple[float, Snapshot]] = []
        self.hellos: list = []
        self.grants = True
        self.acks = True
        self.tells_tasks = True
        self.tokens_made = 0
        self.good_tokens: set[str] = set()
        self.token_s = 3600
        self.enrolled: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.connections = 0
        self._calls: dict[int, asyncio.Future] = {}
        self._numbers = itertools.count(1)
        self._news = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/oauth/token", self._token)
        app.router.add_post("/v1/nodes/enrol", self._enrol)
        app.router.add_get("/v1/ws/node", self._node)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Go down, as a process that is killed: every connection is cut."""
        self.cut()
        await self._runner.cleanup()

    def cut(self) -> None:
        """Cut every connection without a word."""
        for socket in self.sockets:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        self.sockets.clear()

    # What the test asks

    async def until(self, condition, within_s: float = SOON_S) -> None:
        """Wait until something holds, looking whenever the node has said something."""
        async with asyncio.timeout(within_s):
            while not condition():
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.02):  # some conditions are about the node itself
                        await self._news.wait()

    def begin(self, session_id: int = 1, grid=GRID, **fields) -> Task:
        """Ask the node for a scan; told now, or when it connects."""
        settings = {"rotor": "simulated", "reads": 2, "epoch": 1} | fields
        plan = make_plan(
            grid,
            session=settings.pop("session", f"session-{session_id}"),
            reads=settings.pop("reads"),
            units=settings.pop("units", "dBm"),
        )
        task = Task(session_id=session_id, plan=plan, **settings)
        self.tasks[session_id] = task
        self.records.setdefault(session_id, [])
        return task

    async def tell(self, session_id: int = 1, **changes) -> None:
        """Tell the node what is desired now."""
        self.tasks[session_id] = self.task(session_id).model_copy(update=changes)
        await self.send(TaskUpdate(task=self.task(session_id)))

    async def want(self, desired: str, session_id: int = 1) -> None:
        """Utter a wish, as the users of the session do who know what is committed."""
        await self.tell(session_id, desired=Desired(desired), seen=len(self.records[session_id]))

    def task(self, session_id: int = 1) -> Task:
        return self.tasks[session_id].model_copy(update={"number": len(self.records[session_id])})

    async def call(self, call, timeout_s: float = 15.0):
        number = next(self._numbers)
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        await self.send(Rpc(request_id=number, timeout_s=timeout_s, call=call))
        try:
            async with asyncio.timeout(SOON_S):
                return await answer
        except asyncio.CancelledError:
            with suppress(ConnectionError):
                await self.send(RpcCancel(request_id=number))
            raise

    async def send(self, message) -> None:
        for socket in self.sockets[-1:]:
            await socket.send_str(message.model_dump_json())

    async def use_graph(self, graph: HardwareGraph) -> None:
        self.graph = graph
        await self.send(GraphUpdate(graph=graph, graph_version=2))

    # What the test sees

    def statuses(self, session_id: int = 1) -> list[str]:
        return [
            " ".join([str(record.status), *sorted(map(str, record.reasons))])
            for record in self.records[session_id]
            if isinstance(record, StatusRecord)
        ]

    def status(self, session_id: int = 1) -> str:
        return (self.statuses(session_id) or ["pending"])[-1]

    def sequences(self, session_id: int = 1) -> list[int]:
        return [r.sequence for r in self.records[session_id] if hasattr(r, "sequence")]

    def last(self, kind):
        found = [message for message in self.heard if isinstance(message, kind)]
        return found[-1] if found else None

    # The wire

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        wanted = ("client_credentials", "node-1", SECRET)
        if tuple(form.get(n) for n in ("grant_type", "client_id", "client_secret")) != wanted:
            return web.json_response({"error": "invalid_client"}, status=401)
        self.tokens_made += 1
        token = f"token-{self.tokens_made}"
        self.good_tokens.add(token)
        answer = {"access_token": token, "expires_in": self.token_s, "scope": "node"}
        return web.json_response({"token_type": "Bearer"} | answer)

    async def _enrol(self, request: web.Request) -> web.Response:
        code = (await request.json())["code"]
        if code != CODE or self.enrolled:
            return web.json_response({"detail": "not good"}, status=403)
        self.enrolled.append(code)
        answer = {"installation": "roof", "client_id": "node-1", "client_secret": SECRET}
        return web.json_response(answer)

    async def _node(self, request: web.Request) -> web.StreamResponse:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.good_tokens:
            return web.json_response({"detail": "no"}, status=401)
        socket = web.WebSocketResponse(max_msg_size=2**22)
        await socket.prepare(request)
        hello = NODE_MESSAGE.validate_json(await socket.receive_str())
        self.hellos.append(hello)
        for old in self.sockets:
            with suppress(ConnectionError):
                await old.send_str(Superseded(words="a newer one has come").model_dump_json())
        self.sockets.append(socket)
        self.connections += 1
        welcome = Welcome(
            node_id=1,
            connection_epoch=self.connections,
            graph=self.graph or hello.graph,
            graph_version=1,
        )
        await socket.send_str(welcome.model_dump_json())
        tasks = Tasks(tasks=tuple(self.task(number) for number in self.tasks))
        if self.tells_tasks:
            await socket.send_str(tasks.model_dump_json())
        self._news.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._hear(socket, NODE_MESSAGE.validate_json(message.data))
                self._news.set()
        return socket

    async def _hear(self, socket, message) -> None:
        self.heard.append(message)
        match message:
            case Claim() if self.grants:
                task = self.task(message.session_id)
                self.tasks[message.session_id] = task.model_copy(update={"claimed": True})
                granted = Granted(session_id=message.session_id, granted=True, epoch=task.epoch)
                await socket.send_str(granted.model_dump_json())
            case Records():
                self._commit(message)
                if self.acks:
                    ack = Ack(
                        session_id=message.session_id,
                        number=len(self.records[message.session_id]),
                    )
                    await socket.send_str(ack.model_dump_json())
                ended = self.status(message.session_id) in ("completed", "cancelled")
                if ended and self.acks and not self.tasks[message.session_id].final:
                    await self.tell(message.session_id, final=True)
            case Snapshot():
                self.snapshots.append((time.monotonic(), message))
            case Result() | Failed():
                answer = self._calls.pop(message.request_id, None)
                if answer is not None and not answer.done():
                    if isinstance(message, Result):
                        answer.set_result(message.value)
                    else:
                        answer.set_exception(Refused(message))
            case Trouble() | Claim() | Chunk():
                pass

    def _commit(self, message: Records) -> None:
        stored = self.records[message.session_id]
        if message.first > len(stored) + 1:
            self.gaps += 1
            return  # answered with where it stands
        for number, record in enumerate(message.records, message.first):
            if number <= len(stored):
                self.resent += 1
                assert stored[number - 1] == record, "sent again with other content"
            else:
                stored.append(record)


@asynccontextmanager
async def running(node):
    """Run a node, and end it in good order."""
    task = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
