"""As much of a hub as a client needs, on loopback; it misbehaves when told to."""

import asyncio
from collections import defaultdict, deque

from aiohttp import WSCloseCode, web

from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.rotors import MotionReply, RotorFields, RotorOut, RotorPosition, RotorTest
from skyscan_lab.protocol.skyscan import (
    DataPoint,
    NumberedProgress,
    ScanDetail,
    ScanReply,
    ScanRequest,
    ScanSession,
    SessionNotes,
    progress_pct,
)

NOON = "2026-02-14T12:00:00"
_WANTS = {
    "pause": ("pausing", ScanStatus.PAUSED, {ScanStatus.RUNNING}),
    "resume": ("resuming", ScanStatus.RUNNING, {ScanStatus.PAUSED}),
    "cancel": ("cancelling", ScanStatus.CANCELLED, {ScanStatus.RUNNING, ScanStatus.PAUSED}),
}


class Scan:
    """A session: its request, and the messages that tell of it."""

    def __init__(self, number, request):
        self.number = number
        self.request = request
        self.total = request.grid.size
        self.done = 0
        self.status = ScanStatus.PENDING
        self.reasons = ()
        self.words = None
        self.messages = []
        self.grown = asyncio.Event()
        self._tell()

    def become(self, status, *reasons):
        self.status = status
        self.reasons = reasons
        self._tell()

    def measure(self, count=1):
        for _ in range(count):
            self.done += 1
            self._tell(
                DataPoint(
                    azimuth=float(self.done),
                    elevation=20.0,
                    rssi_reads=10,
                    rssi_average=-92,
                    rssi_current=-91,
                    measured_at=NOON,
                )
            )

    def run_to_the_end(self):
        self.become(ScanStatus.RUNNING)
        self.measure(self.total - self.done)
        self.become(ScanStatus.COMPLETED)

    @property
    def fields(self):
        asked = self.request
        return {
            **asked.model_dump(),
            "id": self.number,
            "status": self.status,
            "total_points": self.total,
            "completed_points": self.done,
            "progress_pct": progress_pct(self.done, self.total, self.status),
        }

    def _tell(self, point=None):
        self.messages.append(
            NumberedProgress(
                session_id=self.number,
                status=self.status,
                point=point,
                progress_pct=progress_pct(self.done, self.total, self.status),
                completed=self.done,
                total=self.total,
                number=len(self.messages),
                reasons=self.reasons,
            ).model_dump_json()
        )
        grown, self.grown = self.grown, asyncio.Event()
        grown.set()


class Turning:
    """A rotor: where it is, and the messages that tell of it."""

    status = ScanStatus.RUNNING  # it never ends

    def __init__(self):
        self.messages = []
        self.grown = asyncio.Event()
        self.turn_to(10.0)

    def turn_to(self, azimuth):
        where = RotorPosition(azimuth=azimuth, elevation=20.0, rotor_name="Roof", timestamp=NOON)
        self.messages.append(where.model_dump_json())
        grown, self.grown = self.grown, asyncio.Event()
        grown.set()


class SmallServer:
    """Serves the models of the protocol.

    Each of ``faults[method, path]`` serves for one request: it is called with the request and
    with what would answer it. Each of ``sockets`` serves for one connection: it is called with
    the open socket, the scan or rotor, and the number after which to go on.
    """

    def __init__(self, prefix=""):
        self.prefix = prefix
        # The token that is needed; None for none.
        self.admits = None
        self.scans = {}
        self.rotors = [RotorOut(id=1, name="Roof", driver="simulated")]
        self.turning = Turning()
        self.requests = []
        self.tokens = []
        self.moves = []
        self.epoch = 0
        self.export = b""
        self.faults = defaultdict(deque)
        self.sockets = deque()
        self.after = []
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    async def start(self):
        app = web.Application(middlewares=[self._misbehave])
        one = "/api/skyscan/{id:[0-9]+}"
        app.add_routes(
            [
                web.get("/api/skyscan/sessions", self._sessions),
                web.post("/api/skyscan/start", self._start),
                web.get(one, self._session),
                web.patch(one, self._notes),
                web.get(f"{one}/detail", self._detail),
                web.get(f"{one}/data", self._data),
                web.get(f"{one}/export", self._export),
                web.post(f"{one}/{{verb:pause|resume|cancel}}", self._order),
                web.get("/ws/skyscan/{id}", self._scan_socket),
                web.get("/ws/rotor/{id}", self._rotor_socket),
                web.get("/api/rotors", self._rotors),
                web.post("/api/rotors", self._add_rotor),
                web.get("/api/rotors/{id}", self._rotor),
                web.get("/api/rotors/1/test", self._test),
                web.get("/api/rotors/1/position", self._position),
                web.post("/api/rotors/1/{verb:move|park|stop|jog}", self._move),
            ]
        )
        if self.prefix:
            inner, app = app, web.Application()
            app.add_subapp(self.prefix, inner)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        # The same port again after a restart, which all clients try to reach.
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    async def stop(self):
        await self._runner.cleanup()

    def add(self, **fields):
        """Add a session of 10 points."""
        grid = {"az_start": 0, "az_end": 9, "el_start": 20, "el_end": 20, "step_deg": 1}
        number = len(self.scans) + 1
        self.scans[number] = Scan(number, ScanRequest(**{"rotor_id": 1, **grid, **fields}))
        return self.scans[number]

    def count(self, method, path):
        return self.requests.count((method, path))

    @web.middleware
    async def _misbehave(self, request, handler):
        key = (request.method, request.path.removeprefix(self.prefix))
        self.requests.append(key)
        self.tokens.append(request.headers.get("Authorization"))
        if self.admits is not None and self.tokens[-1] != f"Bearer {self.admits}":
            return problem(401, "the token has expired")
        if self.faults[key]:
            return await self.faults[key].popleft()(request, lambda: handler(request))
        return await handler(request)

    def _found(self, request):
        scan = self.scans.get(int(request.match_info["id"]))
        if scan is None:
            raise web.HTTPNotFound(
                text='{"detail": "Scan session not found"}', content_type="application/json"
            )
        return scan

    async def _sessions(self, request):
        wanted = request.query
        scans = [
            scan
            for scan in reversed(self.scans.values())
            if wanted.get("status", scan.status) == scan.status
            and int(wanted.get("rotor_id", scan.request.rotor_id)) == scan.request.rotor_id
        ]
        first = int(wanted.get("offset", 0))
        last = first + int(wanted.get("limit", 1000))
        parts = [ScanSession(**scan.fields).model_dump_json() for scan in scans[first:last]]
        return as_json(f"[{','.join(parts)}]")

    async def _start(self, request):
        asked = ScanRequest.model_validate_json(await request.read())
        if asked.rotor_id != 1:
            return problem(404, "Rotor not found")
        scan = self.add(**asked.model_dump())
        return as_json(ScanSession(**scan.fields).model_dump_json())

    async def _session(self, request):
        return as_json(ScanSession(**self._found(request).fields).model_dump_json())

    async def _notes(self, request):
        scan = self._found(request)
        notes = SessionNotes.model_validate_json(await request.read()).notes
        scan.request = scan.request.model_copy(update={"notes": notes})
        return as_json(ScanSession(**scan.fields).model_dump_json())

    async def _detail(self, request):
        scan = self._found(request)
        detail = ScanDetail(
            **scan.fields,
            number=len(scan.messages) - 1,
            missing_points=0,
            reasons=scan.reasons,
            words=scan.words,
            units="dBm",
            created_at=NOON,
            rotor_name="Roof",
            node="built-in",
            online=True,
        )
        return as_json(detail.model_dump_json())

    async def _data(self, request):
        messages = map(NumberedProgress.model_validate_json, self._found(request).messages)
        parts = [update.point.model_dump_json() for update in messages if update.point]
        return as_json(f"[{','.join(parts)}]")

    async def _export(self, request):
        self._found(request)
        assert request.query["format"] == "netcdf"
        return web.Response(body=self.export, content_type="application/x-netcdf")

    async def _order(self, request):
        scan, verb = self._found(request), request.match_info["verb"]
        reply, status, allowed = _WANTS[verb]
        if scan.status not in allowed:
            must = " or ".join(sorted(allowed))
            return problem(400, f"Cannot {verb} scan in '{scan.status}' state (must be {must})")
        scan.become(status)
        return as_json(ScanReply(status=reply, session_id=scan.number).model_dump_json())

    async def _scan_socket(self, request):
        scan, after = self._found(request), int(request.query["after"])
        self.after.append(after)
        return await self._socket(request, scan, after)

    async def _rotor_socket(self, request):
        if request.match_info["id"] != "1":
            return problem(404, "Rotor not found")
        return await self._socket(request, self.turning, len(self.turning.messages) - 1)

    async def _socket(self, request, told, after):
        socket = web.WebSocketResponse(autoping=not self.sockets, timeout=0.1)
        await socket.prepare(request)
        serve = self.sockets.popleft() if self.sockets else serve_well
        await serve(socket, told, after)
        await socket.close()
        return socket

    async def _rotors(self, _):
        return as_json(f"[{','.join(rotor.model_dump_json() for rotor in self.rotors)}]")

    async def _rotor(self, request):
        if request.match_info["id"] != "1":
            return problem(404, "Rotor not found")
        return as_json(self.rotors[0].model_dump_json())

    async def _add_rotor(self, request):
        fields = RotorFields.model_validate_json(await request.read())
        self.rotors.append(RotorOut(id=len(self.rotors) + 1, **fields.model_dump()))
        return as_json(self.rotors[-1].model_dump_json(), status=201)

    async def _test(self, _):
        return as_json(RotorTest(connected=True, model="simulated").model_dump_json())

    async def _position(self, _):
        return as_json(self.turning.messages[-1])

    async def _move(self, request):
        verb = request.match_info["verb"]
        body = await request.json() if request.can_read_body else None
        self.moves.append((verb, body))
        if verb == "jog" and body["epoch"] not in (None, self.epoch):
            return problem(409, f"Roof: the claim with epoch {body['epoch']} has ended")
        self.epoch += verb != "jog" or body["epoch"] is None
        status = {"move": "moving", "park": "parking", "stop": "stopped", "jog": "jogging"}[verb]
        return as_json(MotionReply(status=status, epoch=self.epoch).model_dump_json())


def as_json(text, status=200):
    return web.Response(text=text, content_type="application/json", status=status)


def problem(status, words):
    return web.json_response({"detail": words}, status=status)


async def until(condition):
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def serve_well(socket, scan, after):
    """As the hub does: where the session stood, what came after, and its end."""
    at = min(after, len(scan.messages) - 1)
    await socket.send_str(scan.messages[at])
    while True:
        grown = scan.grown
        for message in scan.messages[at + 1 :]:
            at += 1
            await socket.send_str(message)
        if scan.status.final:
            return
        # aiohttp answers pings only while somebody receives.
        waits = {asyncio.ensure_future(grown.wait()), asyncio.ensure_future(socket.receive())}
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        await asyncio.wait(waits)
        if socket.closed:
            return


# What may go wrong with a request.


async def lose_request(request, answer):
    """Cut the connection before anything is done."""
    request.transport.abort()
    raise ConnectionResetError


async def lose_answer(request, answer):
    """Do what is asked for, and cut the connection."""
    await answer()
    request.transport.abort()
    raise ConnectionResetError


async def never_answer(request, answer):
    await answer()
    await asyncio.sleep(60)


def say(status, words):
    async def fault(request, answer):
        return problem(status, words)

    return fault


def say_as_a_proxy(status):
    async def fault(request, answer):
        return web.Response(status=status, text="<html>Bad Gateway</html>")

    return fault


# What may go wrong with a socket.


def cut_after(count):
    """Cut the connection after some messages."""

    async def serve(socket, scan, after):
        for message in scan.messages[after : after + count]:
            await socket.send_str(message)
        socket._req.transport.abort()

    return serve


def go_silent_after(count):
    """Stay connected, and neither send nor answer anything any more."""

    async def serve(socket, scan, after):
        for message in scan.messages[after : after + count]:
            await socket.send_str(message)
        await asyncio.sleep(60)

    return serve


def close_after(count, code, words=""):
    async def serve(socket, scan, after):
        for message in scan.messages[after : after + count]:
            await socket.send_str(message)
        await socket.close(code=code, message=words.encode())

    return serve


async def repeat_everything(socket, scan, after):
    """Send each message twice, and old ones in between."""
    for number, message in enumerate(scan.messages):
        await socket.send_str(message)
        await socket.send_str(scan.messages[number // 2])
        await socket.send_str(message)


def leave_out(number):
    """Send all messages but one."""

    async def serve(socket, scan, after):
        for message in scan.messages[after:number] + scan.messages[max(after, number + 1) :]:
            await socket.send_str(message)

    return serve


async def backwards(socket, scan, after):
    for message in reversed(scan.messages[after:]):
        await socket.send_str(message)


GOING_AWAY = WSCloseCode.GOING_AWAY
