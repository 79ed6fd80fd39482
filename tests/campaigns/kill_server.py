"""Kill node, hub, or both at random moments of scans, and show that no point is lost or doubled.

A hub and a node run as processes of their own. Scan after scan is started through the API while
one of them, or both, get SIGKILL again and again and are started anew; nobody else helps. A
follower listens to each session all along, coming back with the last number it has heard. In
the end every session must be completed, its stream numbered without a gap, every point there
once and in order, and everything that the follower was told must be what the store has.

    python tests/campaigns/kill_server.py --kills 200 --report docs/validation/kill_server.md
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from skyscan_lab.client.runtime import Runtime, read_runtime
from tests.ports import free_port
from tests.server.processes import HubProcess, Process

REQUEST = {"az_start": 0, "az_end": 358, "el_start": 20, "el_end": 30, "rssi_iterations": 5}
ENOUGH_S = 240.0
"""Longest time that a session may take from its last kill to its end."""


@dataclass
class Site:
    """A hub and a node, each a process that can be killed and started again."""

    folder: Path
    database: str | None
    port: int = field(default_factory=free_port)
    gateway_port: int = field(default_factory=free_port)
    hub: HubProcess | None = None
    node: Process | None = None

    def start_hub(self) -> Runtime:
        """Start the hub, and return how to reach it."""
        options = ["--no-node"]
        if self.database is not None:
            options += ["--database", self.database]
        self.hub = HubProcess(
            self.folder / "hub", *options, port=self.port, gateway_port=self.gateway_port
        )
        return self.hub.wait_until_ready()

    def start_node(self) -> None:
        """Start the node."""
        config = self.folder / "node.toml"
        self.node = Process("node", "--config", config, log=self.folder / "node.log")

    def write_node(self, code: str) -> None:
        """Describe the node, with the code that it enrols by."""
        (self.folder / "node.toml").write_text(
            f'[node]\nname = "campaign"\nhub = "http://127.0.0.1:{self.gateway_port}"\n'
            f'data = "{self.folder / "node"}"\nenrol = "{code}"\n'
        )

    def kill(self, victims: str) -> None:
        """Pull the plug, and put it back in."""
        if victims in ("node", "both") and self.node is not None:
            self.node.kill()
        if victims in ("hub", "both") and self.hub is not None:
            self.hub.kill()
            self.start_hub()
        if victims in ("node", "both"):
            self.start_node()

    def end(self) -> None:
        """End both, as a user does."""
        for process in (self.node, self.hub):
            if process is not None:
                process.end()


@dataclass
class Followed:
    """What somebody who listened all along was told of one session."""

    session_id: int
    told: dict[int, dict[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    connections: int = 0


class Campaign:
    """Runs scans through kills.

    Parameters
    ----------
    site : Site
        What is killed.
    kills, seed : int
        How often, and when.
    """

    def __init__(self, site: Site, kills: int, seed: int) -> None:
        self.site = site
        self.kills = kills
        self.chance = random.Random(seed)  # noqa: S311 -- not a secret
        self.killed: Counter[str] = Counter()
        self.followed: list[Followed] = []

    async def run(self) -> dict[str, object]:
        """Run it, and return what is to be reported."""
        started = time.monotonic()
        await asyncio.to_thread(self.site.start_hub)
        try:
            async with aiohttp.ClientSession() as session:
                self.session = session
                code = await self._post("/api/nodes/enrolments", {"installation": "campaign"})
                self.site.write_node(code["code"])
                await asyncio.to_thread(self.site.start_node)
                while sum(self.killed.values()) < self.kills:
                    await self._one_session()
                result = await self._check()
        finally:
            await asyncio.to_thread(self.site.end)
        return result | {"seconds": round(time.monotonic() - started, 1)}

    async def _one_session(self) -> None:
        rotor = await self._until(self._rotor)
        answer = await self._until(lambda: self._start(rotor))
        followed = Followed(answer["id"])
        self.followed.append(followed)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow(followed))
            while not following.done() and sum(self.killed.values()) < self.kills:
                await asyncio.wait({following}, timeout=self.chance.uniform(0.0, 1.5))
                if not following.done():
                    victims = self.chance.choice(["node", "hub", "both"])
                    await asyncio.to_thread(self.site.kill, victims)
                    self.killed[victims] += 1
            async with asyncio.timeout(ENOUGH_S):
                await following

    async def _follow(self, followed: Followed) -> None:
        """Listen to a session until it has ended, however often the hub goes away."""
        last, status = 0, ""
        while status not in ("completed", "cancelled"):
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                runtime = self._runtime()
                url = f"{runtime.url}/ws/skyscan/{followed.session_id}?after={last}"
                headers = {"Authorization": f"Bearer {runtime.token}"}
                async with self.session.ws_connect(url, headers=headers, heartbeat=5) as socket_:
                    followed.connections += 1
                    state = True  # the first message says where the session stood
                    async for message in socket_:
                        told = json.loads(message.data)
                        status = told["status"]
                        if not state:
                            followed.repeated += told["number"] in followed.told
                            followed.told[told["number"]] = told
                            last = told["number"]
                        state = False
            await asyncio.sleep(0.05)

    async def _check(self) -> dict[str, object]:
        totals: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        for followed in self.followed:
            session = await self._get(f"/api/skyscan/{followed.session_id}")
            points = await self._get(f"/api/skyscan/{followed.session_id}/data")
            statuses[session["status"]] += 1
            numbers = sorted(followed.told)
            heard = [followed.told[number] for number in numbers]
            heard_points = [told["point"] for told in heard if told["point"] is not None]
            places = [(round(p["azimuth"]) % 360, round(p["elevation"])) for p in points]
            wanted = [(az, el) for el in range(20, 31, 2) for az in range(0, 360, 2)]
            totals += Counter(
                {
                    "points": session["total_points"],
                    "points lost": len(set(wanted) - set(places)),
                    "points doubled": len(places) - len(set(places)),
                    "points out of order": sum(
                        a != b for a, b in zip(places, wanted, strict=False)
                    ),
                    "gaps in the stream": sum(
                        b != a + 1 for a, b in zip([0, *numbers], numbers, strict=False)
                    ),
                    "messages told twice": followed.repeated,
                    "points told that differ from the store": sum(
                        a != b for a, b in zip(heard_points, points, strict=False)
                    )
                    + abs(len(heard_points) - len(points)),
                    "connections of the follower": followed.connections,
                }
            )
        return {
            "sessions": len(self.followed),
            "kills": sum(self.killed.values()),
            **{f"kills of {victims}": count for victims, count in sorted(self.killed.items())},
            **{f"sessions {status}": count for status, count in sorted(statuses.items())},
            **{
                name: totals[name]
                for name in (
                    "points",
                    "connections of the follower",
                    *NOTHING,
                )
            },
        }

    async def _rotor(self) -> int:
        rotors = await self._get("/api/rotors")
        if not rotors:
            raise TimeoutError("the node has not registered yet")
        number: int = rotors[0]["id"]
        return number

    async def _start(self, rotor: int) -> dict[str, Any]:
        # A start whose answer was lost may have made a session: that one is meant then.
        listed = await self._get("/api/skyscan/sessions")
        known = {followed.session_id for followed in self.followed}
        for session in listed:
            if session["id"] not in known:
                return dict(session)
        return await self._post("/api/skyscan/start", {"rotor_id": rotor, **REQUEST})

    async def _until(self, attempt: Any) -> Any:
        async with asyncio.timeout(ENOUGH_S):
            while True:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    return await attempt()
                await asyncio.sleep(0.1)

    async def _get(self, path: str) -> Any:
        runtime = self._runtime()
        headers = {"Authorization": f"Bearer {runtime.token}"}
        async with self.session.get(runtime.url + path, headers=headers) as response:
            response.raise_for_status()
            return await response.json()

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        runtime = self._runtime()
        headers = {"Authorization": f"Bearer {runtime.token}"}
        async with self.session.post(runtime.url + path, json=body, headers=headers) as response:
            response.raise_for_status()
            return await response.json()

    def _runtime(self) -> Runtime:
        runtime = read_runtime(self.site.folder / "hub")
        if runtime is None:
            raise TimeoutError("the hub is not there")
        return runtime


NOTHING = (
    "points lost",
    "points doubled",
    "points out of order",
    "gaps in the stream",
    "messages told twice",
    "points told that differ from the store",
)


def passed(result: dict[str, object]) -> bool:
    """Whether every session was completed and nothing was lost, doubled or changed."""
    return result.get("sessions completed") == result["sessions"] and all(
        result[name] == 0 for name in NOTHING
    )


def report(result: dict[str, object], seed: int, database: str) -> str:
    """Write the result as a page of the documentation."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in result.items())
    where = "" if database == "SQLite" else " --database URL"
    return f"""# Node and hub killed at random moments: {database}

`kill -9` of node, hub or both, {result["kills"]} times during scans, each started again at once
and by nobody helped:

```
python -m tests.campaigns.kill_server --kills {result["kills"]} --seed {seed}{where}
```

A follower listens to every session through all of it, coming back with the last number that it
has heard.

| | |
|---|---|
{rows}
"""


async def campaign(folder: Path, kills: int, seed: int, database: str | None) -> dict[str, object]:
    """Run a campaign in a folder."""
    return await Campaign(Site(folder, database), kills, seed).run()


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="URL of a database; SQLite by default")
    parser.add_argument("--report", type=Path, help="write the result as a page of documentation")
    parser.add_argument("--folder", type=Path, help="work here, and leave everything there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        result = asyncio.run(campaign(folder, options.kills, options.seed, options.database))
    for key, value in result.items():
        print(f"{key:45} {value}")
    if options.report is not None:
        kind = "SQLite" if options.database is None else "PostgreSQL"
        options.report.write_text(report(result, options.seed, kind), encoding="utf-8")
    sys.exit(0 if passed(result) else "the campaign has failed")


if __name__ == "__main__":
    main()
