"""A disk that is really full: the node's in the middle of a scan, then the hub's, then both starts.

The data folder stands on a small file system of its own, in memory, which a ballast file fills
to the last byte. It is mounted in a mount namespace of the campaign's, and goes with it; who may
not have one as root gets a user namespace besides.

    python -m tests.campaigns.full_disk --report docs/validation/full_disk.md
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiohttp

from skyscan_lab.client.runtime import Runtime
from tests.campaigns.sessions import (
    ENOUGH_S,
    NOTHING,
    answer,
    begun,
    counted,
    ended,
    request,
    table,
    wanted,
)
from tests.server.processes import HubProcess, Process

REQUEST = request(az_end=178, el_start=20, el_end=30)
SIZE_KIB = 16 * 1024
ROOMS_KIB = (0, 4, 8, 16, 64, 192, 256, 320, 384, 1024)
"""Room that a first start finds: it fails at another step with each, or succeeds."""
FEW_ROOMS_KIB = (16, 192)
STARTED = "started"
CLEAR = "refused, saying which file and why"
START = (STARTED, CLEAR)
AGAIN = "of them started once there was room"
HALF_MADE = "files left half-made"
FULL = ("No space left on device", "disk is full", "is the disk full?")
NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "-U", "-r", "--mount"]


class Disk:
    """A small file system, mounted at a folder for as long as the block runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def __enter__(self) -> Self:
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KIB}k", "tmpfs"]
        subprocess.run([*command, str(self.folder)], check=True)
        return self

    def __exit__(self, *raised: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fill(self, room_kib: int = 0) -> None:
        """Take all the room there is, but for some."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        os.truncate(self._ballast, max(0, self._ballast.stat().st_size - room_kib * 1024))

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink()


class Site:
    """A hub and a node as processes, with their folders, logs among them, in two places."""

    def __init__(self, hub: Path, node: Path) -> None:
        self._hub_folder, self._node_folder = hub, node
        for folder in (hub, node):
            folder.mkdir(exist_ok=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Run both; gives a client."""
        self.hub = HubProcess(self._hub_folder, "--no-node")
        try:
            runtime = await asyncio.to_thread(self.hub.wait_until_ready)
            async with client_of(runtime) as client:
                body = {"installation": "site"}
                code = await answer(client.post("/api/nodes/enrolments", json=body))
                config = self._node_folder / "node.toml"
                config.write_text(node_toml(runtime.gateway_url, self._node_folder, code["code"]))
                log = self._node_folder / "node.log"
                self.node = Process("node", "--config", config, log=log)
                try:
                    yield client
                    assert self.node.alive, self.node.output[-4000:]
                    assert self.hub.alive, self.hub.output[-4000:]
                finally:
                    self.node.end()
        finally:
            self.hub.end()


def node_toml(hub: str, folder: Path, code: str) -> str:
    """Describe a node."""
    lines = {"name": "site", "hub": hub, "data": str(folder / "data"), "enrol": code}
    return "[node]\n" + "".join(f"{key} = {json.dumps(text)}\n" for key, text in lines.items())


def client_of(runtime: Runtime) -> aiohttp.ClientSession:
    """Return a client of a hub."""
    headers = {"Authorization": f"Bearer {runtime.token}"}
    return aiohttp.ClientSession(runtime.url, headers=headers)


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(ENOUGH_S):
        while not await what():  # noqa: ASYNC110 - a process of its own knows of no event
            await asyncio.sleep(0.05)


async def scan_on(disk: Disk, site: Site, *, at_hub: bool) -> dict[str, object]:
    """Scan, with one of the disks full for a while; return what was to be seen of it."""
    seen: dict[str, object] = {}
    async with site.running() as client:
        session = await begun(client, REQUEST)
        path = f"/api/skyscan/{session['id']}"

        async def detail() -> Any:
            return await answer(client.get(f"{path}/detail"))

        async def ready() -> str:
            async with client.get("/readyz") as response:
                return "ready" if response.status == 200 else (await response.json())["detail"]

        async def under_way() -> bool:
            return bool((await detail())["completed_points"] > 50)

        async def told() -> bool:
            words = str((await detail())["words"])
            return any(text in words for text in FULL)

        async def untold() -> bool:
            return (await detail())["words"] is None and await ready() == "ready"

        await until(under_way)
        disk.fill()
        await until(told)
        held = await detail()
        seen["status while it is full"] = held["status"]
        seen["`words` of its detail"] = held["words"].replace(str(disk.folder), "…")
        seen["`/readyz` while it is full"] = await ready()
        async with client.post(f"{path}/pause") as response:
            seen["answer to a pause"] = f"{response.status}: {await response.text()}"
            assert (response.status == 503) == at_hub, await response.text()
        before = (await detail())["completed_points"]
        await asyncio.sleep(3.0)
        after = await detail()
        seen["points at the hub when it was full, and 3 s later"] = (
            f"{before}, {after['completed_points']}"
        )
        disk.free()
        if not at_hub:  # the pause holds; take it back
            await until(lambda: _is(detail, "paused"))
            await answer(client.post(f"{path}/resume"))
        status = await ended(client, session["id"])
        await until(untold)
        points = await answer(client.get(f"{path}/data"))
        seen["status in the end"] = status
        seen["points in the end"] = len(points)
        found = counted(points, wanted(REQUEST))
    logged = site.hub.output if at_hub else site.node.output
    seen["tracebacks in the log"] = logged.count("Traceback")
    return seen | {name: found[name] for name in NOTHING}


async def enrol_on(disk: Disk, folder: Path) -> dict[str, object]:
    """Let a node enrol while its disk is full: its code is good once, and must not be lost."""
    seen: dict[str, object] = {}
    home, hub = disk.folder / "node", HubProcess(folder / "enrolling", "--no-node")
    home.mkdir()
    try:
        runtime = await asyncio.to_thread(hub.wait_until_ready)
        async with client_of(runtime) as client:
            code = await answer(client.post("/api/nodes/enrolments", json={"installation": "new"}))
            config = folder / "enrolling.toml"
            config.write_text(node_toml(runtime.gateway_url, home, code["code"]))

            async def online() -> bool:
                nodes = await answer(client.get("/api/nodes"))
                return any(one["connected"] for one in nodes if one["installation"] == "new")

            async def offline() -> bool:
                return not await online()

            async def waiting() -> bool:
                return "credentials cannot be kept yet" in node.output

            disk.fill()
            log = folder / "enrolling.log"
            node = Process("node", "--config", config, log=log)
            try:
                await until(waiting)
                events = map(json.loads, node.output.splitlines())
                held = next(event for event in events if event["event"].startswith("credentials"))
                seen["word in the log"] = f"{held['event']}: {held['reason']}".replace(
                    str(disk.folder), "…"
                )
                seen[HALF_MADE] = len(list(home.rglob("*.part")))
                disk.free()
                await until(online)
                seen["online once there was room"] = True
                node.end()
                await until(offline)
                node = Process("node", "--config", config, log=log)
                await until(online)
                seen["online after a restart"] = node.output.count('"enrolled"') == 1
            finally:
                node.end()
    finally:
        hub.end()
    return seen


async def _is(detail: Callable[[], Awaitable[Any]], status: str) -> bool:
    return bool((await detail())["status"] == status)


def starts(folder: Path, disk: Disk, what: str, rooms_kib: Sequence[int]) -> Counter[str]:
    """Start a hub, or a node, with ever more room, and each time again once there is enough."""
    found = Counter({CLEAR: 0, AGAIN: 0, STARTED: 0, HALF_MADE: 0})
    for room in rooms_kib:
        home = disk.folder / what
        home.mkdir()
        disk.fill(room)
        outcome = _start(what, home, folder / f"{what}-{room}.log")
        found[outcome] += 1
        found[HALF_MADE] += len(list(home.rglob("*.part")))
        disk.free()
        if outcome != STARTED:
            found[AGAIN] += _start(what, home, folder / f"{what}-{room}-again.log") == STARTED
        shutil.rmtree(home)
    return found


def _start(what: str, home: Path, log: Path) -> str:
    """Start it; say how that went."""
    if what == "hub":
        options = ["serve", "--no-node", "--data", home, "--port", 0, "--gateway-port", 0]
    else:
        config = log.with_suffix(".toml")
        config.write_text(node_toml("http://127.0.0.1:9", home, "nobody-will-ask"))
        options = ["node", "--config", config]
    process = Process(*options, log=log)
    made = home / ("runtime.json" if what == "hub" else "data/node.lock")
    said = "public API" if what == "hub" else "cannot enrol yet"
    while process.alive and said not in process.output:
        with suppress(subprocess.TimeoutExpired):
            process._process.wait(0.05)
    if process.alive:
        assert made.exists()
        process.end()
        return STARTED
    *_, last = process.output.splitlines()
    clear = last.startswith("error: ") and str(home) in last and any(w in last for w in FULL)
    return CLEAR if clear else f"refused: {last}"


async def campaign(folder: Path, rooms_kib: Sequence[int]) -> dict[str, dict[str, object]]:
    """Run all of it in a folder; nobody but us sees what is mounted there."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    result: dict[str, dict[str, object]] = {}
    with Disk(folder / "node") as small:
        site = Site(elsewhere / "hub", small.folder / "node")
        result["A scan, and the node's disk is full"] = await scan_on(small, site, at_hub=False)
    with Disk(folder / "hub") as small:
        site = Site(small.folder / "hub", elsewhere / "node")
        result["A scan, and the hub's disk is full"] = await scan_on(small, site, at_hub=True)
    with Disk(folder / "enrol") as small:
        result["A node enrols, and its disk is full"] = await enrol_on(small, elsewhere)
    with Disk(folder / "start") as small:
        # A node needs none: what it keeps, it tries to keep again.
        for what, rooms in (("hub", rooms_kib), ("node", rooms_kib[:1])):
            found = await asyncio.to_thread(starts, elsewhere, small, what, rooms)
            result[f"First starts of a {what}"] = dict(found)
    return result


def passed(result: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether scans were completed with every point once, and starts said what was wrong."""
    *scans, enrolment, hub, node = result.values()
    return (
        all(
            scan["status in the end"] == "completed" and not any(scan[name] for name in NOTHING)
            for scan in scans
        )
        and enrolment["online after a restart"] is True
        and not enrolment[HALF_MADE]
        and all(set(starts) <= {*START, HALF_MADE, AGAIN} for starts in (hub, node))
        and all(starts[CLEAR] == starts[AGAIN] and not starts[HALF_MADE] for starts in (hub, node))
    )


def report(result: Mapping[str, Mapping[str, object]]) -> str:
    """Write the result as a page of the documentation."""
    tables = "\n".join(f"## {name}\n\n{table(found)}\n" for name, found in result.items())
    return f"""# A full disk

A data folder, and the log of whose it is, on a file system of {SIZE_KIB // 1024} MiB; a file
fills it to the last byte in the middle of a scan, and leaves it again:

```
python -m tests.campaigns.full_disk
```

{tables}
A first start of a hub finds {", ".join(map(str, ROOMS_KIB))} KiB of room, so that it
fails at another step each time. A node starts without any: what it has to keep, it tries to keep
again. The pause at the node is heeded as soon as its journal takes records.
"""


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="fewer starts")
    parser.add_argument("--report", type=Path, help="write the result as a page of documentation")
    parser.add_argument("--unshared", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.unshared:
        again = [sys.executable, "-m", "tests.campaigns.full_disk", "--unshared"]
        os.execvp(NAMESPACE[0], [*NAMESPACE, *again, *sys.argv[1:]])  # noqa: S606 - not a shell
    os.environ["SKYSCAN_TIME_SCALE"] = "1000"
    with tempfile.TemporaryDirectory() as name:
        rooms = FEW_ROOMS_KIB if options.short else ROOMS_KIB
        result = asyncio.run(campaign(Path(name), rooms))
    for heading, found in result.items():
        print(heading)
        for key, value in found.items():
            print(f"    {key:55} {value}")
    if options.report is not None:
        options.report.write_text(report(result), encoding="utf-8")
    sys.exit(0 if passed(result) else "the campaign has failed")


if __name__ == "__main__":
    main()
