"""A hub and a node, from their first start through one scan to their end: what is recorded.

The scan is paused and resumed once. It runs as a process of its own, which strace watches with
all that it starts, and leaves beside the folders of hub and node what came out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.campaigns.kill_server import Site
from tests.server.processes import Process

ENOUGH_S = 120.0
TIME_SCALE = 25
"""So slow that nearly every point is a transaction of its own at the hub."""
FILE = "recorded.json"


@dataclass(frozen=True)
class Recorded:
    """What came out of a scan that nothing disturbed.

    Attributes
    ----------
    port, gateway_port : int
        Of the hub.
    session : dict
        As the API has it in the end.
    points : list
        Its data, as the API has them.
    """

    port: int
    gateway_port: int
    session: dict[str, Any]
    points: list[dict[str, Any]]


def read(folder: Path) -> Recorded:
    """Read what came out of the scan in a folder."""
    return Recorded(**json.loads((folder / FILE).read_text()))


class UnhurriedSite(Site):
    """A site whose scans take a few seconds."""

    def start_node(self) -> None:
        """Start the node."""
        config, log = self.folder / "node.toml", self.folder / "node.log"
        self.node = Process("node", "--config", config, log=log, time_scale=TIME_SCALE)


class Caller:
    """Calls the API of a site's hub.

    Parameters
    ----------
    site : Site
        With a hub that runs.
    session : ClientSession
        To call with.
    token : str
        Of the hub.
    """

    def __init__(self, site: Site, session: aiohttp.ClientSession, token: str) -> None:
        self._base = f"http://127.0.0.1:{site.port}"
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> Any:
        """Get something."""
        async with self._session.get(self._base + path, headers=self._headers) as response:
            response.raise_for_status()
            return await response.json()

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Make something."""
        async with self._session.post(
            self._base + path, json=body, headers=self._headers
        ) as response:
            response.raise_for_status()
            return await response.json()

    async def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a scan with the node's rotor, as soon as that is there."""
        while True:
            with suppress(aiohttp.ClientResponseError):  # 503: the node is not there yet
                for rotor in await self.get("/api/rotors"):
                    body = {"rotor_id": rotor["id"], **request}
                    return dict(await self.post("/api/skyscan/start", body))
            await asyncio.sleep(0.1)

    async def until(self, path: str, so: Callable[[Any], bool]) -> None:
        """Wait until something is so."""
        while True:
            if so(await self.get(path)):
                return
            await asyncio.sleep(0.01)

    async def resumed(self, path: str) -> bool:
        """Resume a session; False where it is not paused."""
        with suppress(aiohttp.ClientResponseError):
            await self.post(f"{path}/resume", {})
            return True
        return False

    async def follow(self, session_id: int) -> list[dict[str, Any]]:
        """Listen to a session from its beginning to its end."""
        url = f"{self._base}/ws/skyscan/{session_id}?after=0"
        async with self._session.ws_connect(url, headers=self._headers) as socket:
            told = [json.loads(message.data) async for message in socket]
        return told[1:]  # the first message says where the session stood


async def scan(folder: Path, request: dict[str, Any]) -> None:
    """Run it."""
    site = UnhurriedSite(folder, None)
    runtime = await asyncio.to_thread(site.start_hub)
    try:
        async with asyncio.timeout(ENOUGH_S), aiohttp.ClientSession() as session:
            caller = Caller(site, session, runtime.token)
            code = await caller.post("/api/nodes/enrolments", {"installation": "campaign"})
            site.write_node(code["code"])
            await asyncio.to_thread(site.start_node)
            started = await caller.start(request)
            path = f"/api/skyscan/{started['id']}"
            following = asyncio.create_task(caller.follow(started["id"]))
            await caller.until(path, lambda scan: scan["completed_points"] > 0)
            with suppress(aiohttp.ClientResponseError):  # on a busy machine it may come too late
                await caller.post(f"{path}/pause", {})
                await caller.until(path, lambda scan: scan["status"] in ("paused", "completed"))
                await caller.post(f"{path}/resume", {})
            while not following.done():
                await caller.get(path)
                await asyncio.sleep(0.05)
            await following
            await _journals_removed(folder / "node" / "journals")
            ended, points = await caller.get(path), await caller.get(f"{path}/data")
    finally:
        await asyncio.to_thread(site.end)
    recorded = Recorded(site.port, site.gateway_port, ended, points)
    (folder / FILE).write_text(json.dumps(asdict(recorded)))


async def _journals_removed(folder: Path) -> None:
    """Wait until the node has removed what the hub has."""
    while True:
        if not await asyncio.to_thread(lambda: list(folder.glob("*.journal"))):
            return
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(scan(Path(sys.argv[1]), json.loads(sys.argv[2])))
