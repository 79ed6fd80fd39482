"""Scan over a link that holds up, drops, doubles and reorders messages, and goes dead half-way.

Between a node and its hub stands a proxy that does to every message what chance tells it: TCP
would do none of this to a connection that lives, but proxies, tunnels and bugs do. In the end
every session must be completed, and its points must be those that the node has measured, each
once and in order.

    python -m tests.campaigns.faulty_link --sessions 20 --report docs/validation/faulty_link.md
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from skyscan_lab.client.runtime import read_runtime
from skyscan_server.main.serving import serving
from skyscan_server.node.agent import Node
from skyscan_server.node.config import NodeConfig, NodeSection
from skyscan_server.node.timing import NodeTiming
from skyscan_server.settings import load_settings
from tests.campaigns.sessions import (
    NOTHING,
    answer,
    begun,
    command_line,
    counted,
    dealt,
    ended,
    request,
    table,
    wanted,
)

REQUEST = request(az_end=58, el_start=20, el_end=28)
TIMING = NodeTiming(
    answer_s=2.0, heartbeat_s=1.0, proven_s=0.5, superseded_s=1.0, ack_s=1.0, resync_s=1.0
)


@dataclass(frozen=True)
class Faults:
    """What happens to how many messages of each pack; the others pass."""

    pack: int = 500
    delayed: int = 50
    dropped: int = 15
    doubled: int = 25
    reordered: int = 25
    dead: int = 1
    """Nothing more passes on the connection, and neither side is told."""
    cut: int = 1
    """The connection ends."""

    def dealt(self, chance: random.Random) -> Iterator[str]:
        """Give the fate of one message after the other, without end."""
        counts = asdict(self)
        return dealt(counts.pop("pack"), counts, chance)


@dataclass
class Proxy:
    """Stands between node and gateway.

    Parameters
    ----------
    gateway_url : str
        Where messages go.
    chance : random.Random
        What decides.
    faults : Faults
        How often.
    """

    gateway_url: str
    chance: random.Random
    faults: Faults
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._fates = self.faults.dealt(self.chance)

    @asynccontextmanager
    async def serving(self) -> Any:
        """Serve it; gives its URL."""
        app = web.Application()
        app.router.add_get("/v1/ws/node", self._link)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        async with aiohttp.ClientSession() as self._client:
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            try:
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                yield f"http://127.0.0.1:{runner.addresses[0][1]}"
            finally:
                await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k not in ("Host", "Content-Length")}
        url = self.gateway_url + request.path_qs
        body = await request.read()
        async with self._client.request(request.method, url, data=body, headers=headers) as answer:
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
            )

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        near = web.WebSocketResponse(autoping=False)
        await near.prepare(request)
        headers = {"Authorization": request.headers["Authorization"]}
        url = f"{self.gateway_url}/v1/ws/node"
        with suppress(aiohttp.ClientError, ConnectionError):
            async with self._client.ws_connect(url, headers=headers, autoping=False) as far:
                self.done["connections"] += 1
                ways = {
                    asyncio.ensure_future(self._carry(near, far)),
                    asyncio.ensure_future(self._carry(far, near)),
                }
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        with suppress(ConnectionError):
            await near.close()
        return near

    async def _carry(self, source: Any, sink: Any) -> None:
        """Carry messages one way, until the connection ends."""
        held: list[Any] = []
        dead = False
        async for message in source:
            if dead:
                continue  # also no answer to a ping: that is how it is noticed
            if message.type is aiohttp.WSMsgType.PING:
                await sink.ping(message.data)
                continue
            if message.type is aiohttp.WSMsgType.PONG:
                await sink.pong(message.data)
                continue
            fate = next(self._fates)
            self.done[fate] += 1
            if fate == "cut":
                return
            if fate == "dead":
                dead = True
            elif fate == "reordered":
                held.append(message.data)
            elif fate != "dropped":
                if fate == "delayed":
                    await asyncio.sleep(self.chance.uniform(0.0, 0.2))
                for _ in range(2 if fate == "doubled" else 1):
                    await sink.send_str(message.data)
                while held:
                    await sink.send_str(held.pop())


async def campaign(
    folder: Path,
    sessions: int,
    seed: int,
    faults: Faults = Faults(),
) -> dict[str, object]:
    """Run scans over the link, and hold what the hub has against what was to be scanned."""
    started = time.monotonic()
    settings = load_settings(folder / "hub", port=0, gateway_port=0)
    async with serving(settings, with_node=False) as hub:
        runtime = read_runtime(folder / "hub")
        assert runtime is not None
        proxy = Proxy(hub.gateway_url, random.Random(seed), faults)  # noqa: S311 -- not a secret
        headers = {"Authorization": f"Bearer {runtime.token}"}
        async with (
            proxy.serving() as url,
            aiohttp.ClientSession(runtime.url, headers=headers) as client,
        ):
            code = await answer(client.post("/api/nodes/enrolments", json={"installation": "far"}))
            section = NodeSection(name="far", hub=url, data=folder / "node", enrol=code["code"])
            node = Node(NodeConfig(node=section), timing=TIMING)
            running = asyncio.create_task(node.run())
            try:
                found = Counter[str]()
                for _ in range(sessions):
                    found += await _one(client)
                    assert not running.done(), "the node has ended by itself"
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
    return {
        "sessions": sessions,
        **{f"messages {fate}": count for fate, count in sorted(proxy.done.items())},
        "sessions completed": found["completed"],
        **{name: found[name] for name in NOTHING},
        "seconds": round(time.monotonic() - started, 1),
    }


async def _one(client: aiohttp.ClientSession) -> Counter[str]:
    session = await begun(client, REQUEST)
    status = await ended(client, session["id"])
    points = await answer(client.get(f"/api/skyscan/{session['id']}/data"))
    return counted(points, wanted(REQUEST)) + Counter({status: 1})


def passed(result: dict[str, object]) -> bool:
    """Whether every session was completed and no point was lost, doubled or out of order."""
    return result["sessions completed"] == result["sessions"] and all(
        result[name] == 0 for name in NOTHING
    )


def report(result: dict[str, object], seed: int) -> str:
    """Write the result as a page of the documentation."""
    return f"""# Scans over a faulty link

A proxy between node and hub holds up, drops, doubles and reorders single messages of their
WebSocket, cuts it, or lets it go dead without telling either side:

```
python -m tests.campaigns.faulty_link --sessions {result["sessions"]} --seed {seed}
```

{table(result)}

Time limits of the node are shortened to a second, so that what is lost is soon asked for again.
"""


def main() -> None:
    """Run it from the command line."""
    about = __doc__ or ""
    command_line(campaign, passed, report, about=about, sessions=20, time_scale=1000)


if __name__ == "__main__":
    main()
