"""A Jupyter server of its own process, and a hub that is none: it says what it was asked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from skyscan_lab.client.private_file import write_private
from skyscan_lab.client.runtime import RUNTIME_FILE, Runtime

ROOT = Path(__file__).parents[3]
HUB_TOKEN = "hub.token.that-no-browser-may-see"  # noqa: S105 made up
SOON_S = 60.0


@dataclass
class Jupyter:
    """A running Jupyter server."""

    url: str
    token: str
    pid: int
    home: Path

    def hub(self, path):
        """A path of the hub as a browser sees it, sent as it is written here."""
        return URL(f"{self.url}skyscan{path}", encoded=True)

    @property
    def origin(self):
        return "/".join(self.url.split("/", 3)[:3])

    @property
    def bearer(self):
        return {"Authorization": f"token {self.token}"}

    @property
    def output(self):
        return (self.home / "jupyter.log").read_text()


@contextmanager
def jupyter_server(home, *options, base="/", **environment):
    """Run one whose data folder, and all else, is in one folder."""
    runtime = home / "jupyter"
    isolated = {
        "HOME": str(home),
        "SKYSCAN_HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.base_url={base}"),
        f"--ServerApp.root_dir={home}",
        *options,
    ]
    with (home / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **isolated, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield _wait_for(process, home, runtime / f"jpserver-{process.pid}.json")
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process, home, info):
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            said = json.loads(info.read_text())
        except (OSError, ValueError):
            time.sleep(0.05)
            continue
        return Jupyter(said["url"], said["token"], process.pid, home)
    raise AssertionError(f"no Jupyter:\n{(home / 'jupyter.log').read_text()[-4000:]}")


@dataclass
class FakeHub:
    """A hub that says what it was asked, and does what the path says."""

    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    gone_on: asyncio.Event = field(default_factory=asyncio.Event)
    closed_with: asyncio.Future | None = None

    @asynccontextmanager
    async def running(self, folder, port=0):
        """Serve, with the runtime file of a hub."""
        app = web.Application(client_max_size=2**30)
        app.router.add_get("/ws/{what}", self.socket)
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.port = runner.addresses[0][1]
            self.leave_file(folder)
            yield self
        finally:
            (folder / RUNTIME_FILE).unlink(missing_ok=True)
            await runner.cleanup()

    def leave_file(self, folder, **changes):
        runtime = {
            "url": f"http://127.0.0.1:{self.port}",
            "gateway_url": "http://127.0.0.1:9",
            "token": HUB_TOKEN,
            "pid": os.getpid(),
        }
        write_private(
            folder / RUNTIME_FILE, Runtime(**(runtime | changes)).model_dump_json().encode()
        )

    async def answer(self, request):
        self.asked.append((request.method, request.raw_path))
        act = getattr(self, f"do_{request.path.strip('/')}", None)
        if act is not None:
            return await act(request)
        body = await request.read()
        return web.json_response(
            {
                "method": request.method,
                "path": request.raw_path,
                "headers": [[name, value] for name, value in request.headers.items()],
                "body": body.decode("latin-1"),
            }
        )

    async def do_status(self, request):
        return web.Response(status=int(request.query["code"]), text=request.query.get("text", ""))

    async def do_redirect(self, request):
        return web.Response(status=307, headers={"Location": request.query["to"]})

    async def do_headers(self, request):
        answer = web.Response(body=b"x", content_type="text/html")
        for name, value in json.loads(request.query["set"]):
            answer.headers.add(name, value)
        return answer

    async def do_etag(self, request):
        headers = {"ETag": '"3"'}
        if request.headers.get("If-None-Match") == '"3"':
            return web.Response(status=304, headers=headers)
        return web.Response(text="three", headers=headers)

    async def do_stream(self, request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        piece = bytes(2**16)
        for _ in range(int(request.query["pieces"])):
            await answer.write(piece)
            self.sent += len(piece)
        return answer

    async def do_dribble(self, request):
        """A piece, and another only when the client has answered by a request."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"first")
        await self.gone_on.wait()
        await answer.write(b"second")
        return answer

    async def do_go_on(self, _request):
        self.gone_on.set()
        return web.Response()

    async def do_count(self, request):
        async for piece in request.content.iter_any():
            self.received += len(piece)
        return web.json_response({"received": self.received})

    async def do_refuse(self, _request):
        """Answer without having read the body."""
        return web.json_response({"detail": "too much"}, status=413)

    async def do_silent(self, _request):
        await asyncio.sleep(3600)

    async def do_half(self, request):
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"half of it")
        request.transport.abort()
        return answer

    async def do_half_chunked(self, request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half of it")
        request.transport.abort()
        return answer

    async def socket(self, request):
        self.asked.append((request.method, request.raw_path))
        what = request.match_info["what"]
        if what == "refused":
            return web.json_response({"detail": "no such thing"}, status=404)
        self.closed_with = asyncio.get_running_loop().create_future()
        self.joined.set()
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        try:
            await self.talk(what, socket, request)
        except ConnectionError:
            self.closed_with.set_result("lost")
        else:
            self.closed_with.set_result(socket.close_code)
        return socket

    async def talk(self, what, socket, request):
        if what == "close":
            message = request.query.get("reason", "").encode()
            await socket.close(code=int(request.query["code"]), message=message)
        elif what == "abort":
            await socket.receive()
            request.transport.abort()
        elif what == "deaf":
            await asyncio.sleep(3600)
        elif what == "flood":
            for number in range(int(request.query["messages"])):
                await socket.send_bytes(number.to_bytes(4, "big") + bytes(2**16))
                self.sent += 2**16
        elif what == "headers":
            await socket.send_json([[name, value] for name, value in request.headers.items()])
        else:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await socket.send_str(message.data)
                else:
                    await socket.send_bytes(message.data)
