"""Scans at a hub whose bus drops, doubles, delays and reorders wakes, while people step in.

A hub and its node run in this process, over real sockets, with three rotors that scan at once.
People pause, resume and cancel the sessions, and each is watched by some who stay and some who
go away and come back with the last number that they have heard. In the end every session must be
completed, or cancelled where that was asked; every point must be there once and in order, at the
store and at each who watched; and every wish must have been heeded within a while.

    python -m tests.campaigns.faulty_bus --sessions 30 --report docs/validation/faulty_bus.md
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from skyscan_lab.client.runtime import read_runtime
from skyscan_server.bus.base import Bus, Wake
from skyscan_server.bus.local import LocalBus
from skyscan_server.main.serving import serving
from skyscan_server.settings import load_settings
from tests.campaigns.sessions import (
    ENOUGH_S,
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

REQUEST = request(az_end=178, el_start=20, el_end=28)
ROTORS = 3
HEEDED_S = 20.0
"""Longest time that a wish may take; the hub looks by itself each second."""
FINAL = ("completed", "cancelled")


@dataclass(frozen=True)
class Faults:
    """What happens to how many wakes of each pack, one a subject; the others pass."""

    pack: int = 20
    dropped: int = 10
    doubled: int = 2
    delayed: int = 3
    reordered: int = 3

    def dealt(self, chance: random.Random) -> Iterator[str]:
        """Give the fate of one wake after the other, without end."""
        counts = asdict(self)
        return dealt(counts.pop("pack"), counts, chance)


@dataclass
class FaultyBus:
    """Passes wakes on to a bus, or does not.

    Parameters
    ----------
    bus : Bus
        Which works.
    chance : random.Random
        What decides.
    faults : Faults
        How often.
    """

    bus: Bus
    chance: random.Random
    faults: Faults
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._fates: defaultdict[str, Iterator[str]] = defaultdict(
            lambda: self.faults.dealt(self.chance)
        )
        self._held: list[str] = []

    def listen(self, *subjects: str) -> AbstractContextManager[Wake]:
        """Hear what gets through."""
        return self.bus.listen(*subjects)

    def publish(self, subject: str) -> None:
        """Do with a wake what it is dealt."""
        fate = next(self._fates[subject])
        self.done[fate] += 1
        if fate == "reordered":
            self._held.append(subject)  # until another one has gone by
        elif fate == "delayed":
            late = self.chance.uniform(0.0, 2.0)
            asyncio.get_running_loop().call_later(late, self.bus.publish, subject)
        elif fate != "dropped":
            for _ in range(2 if fate == "doubled" else 1):
                self.bus.publish(subject)
            while self._held:
                self.bus.publish(self._held.pop())


@dataclass
class Watcher:
    """Somebody who watches a session to its end.

    Parameters
    ----------
    session_id : int
        Which one.
    leaving : random.Random, optional
        Says when to go away for a moment; without it, they stay, and count nothing.
    """

    session_id: int
    leaving: random.Random | None
    points: list[dict[str, Any]] = field(default_factory=list)
    began_at: int = 0
    numbers: list[int] = field(default_factory=list)
    connections: int = 0
    status: str = ""

    async def watch(self, client: aiohttp.ClientSession) -> None:
        """Watch, and come back, until it has ended."""
        while self.status not in FINAL:
            path = f"/ws/skyscan/{self.session_id}"
            if self.leaving is not None:
                path += f"?after={self.numbers[-1] if self.numbers else 0}"
            async with client.ws_connect(path) as socket:
                self.connections += 1
                stay = ENOUGH_S if self.leaving is None else self.leaving.uniform(0.0, 0.5)
                await self._listen(socket, stay)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse, stay_s: float) -> None:
        state = json.loads((await socket.receive()).data)
        self.status = state["status"]
        if self.leaving is None:
            self.began_at = state["completed"]
        leave_at = time.monotonic() + stay_s
        async for message in socket:
            told = json.loads(message.data)
            self.status = told["status"]
            if told["point"] is not None:
                self.points.append(told["point"])
            if self.leaving is not None:
                self.numbers.append(told["number"])
            if time.monotonic() > leave_at:
                return

    def found(self, points: list[dict[str, Any]]) -> Counter[str]:
        """Hold what they were told against what the store has."""
        told, stored = self.points, points[self.began_at :]
        places = {(point["azimuth"], point["elevation"]) for point in told}
        return Counter(
            {
                "connections": self.connections,
                "points told": len(told),
                "points not told": sum(point not in told for point in stored),
                "points told twice": len(told) - len(places),
                "points told out of order": sum(a != b for a, b in zip(told, stored, strict=False)),
                "gaps in the numbers told": sum(
                    b != a + 1 for a, b in zip([0, *self.numbers], self.numbers, strict=False)
                ),
            }
        )


TOLD = (
    "points not told",
    "points told twice",
    "points told out of order",
    "gaps in the numbers told",
)
"""Of which there must be none."""


class Campaign:
    """People at a hub.

    Parameters
    ----------
    client : aiohttp.ClientSession
        How they reach it.
    chance : random.Random
        What they do.
    """

    def __init__(self, client: aiohttp.ClientSession, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self.found: Counter[str] = Counter()
        self.slowest_s = 0.0

    async def scan(self, rotor: int, number: int) -> None:
        """Run a session to its end, with people who watch it, and one who steps in."""
        session_id = (await begun(self._client, REQUEST, rotor))["id"]
        watchers = [Watcher(session_id, None)]
        watchers += [Watcher(session_id, random.Random(session_id + n)) for n in range(2)]  # noqa: S311
        async with asyncio.timeout(ENOUGH_S), asyncio.TaskGroup() as tasks:
            for watcher in watchers:
                tasks.create_task(watcher.watch(self._client))
            cancelled = await self._step_in(
                session_id, cancel=number % 3 == 2, at_once=number % 6 == 5
            )
            status = await ended(self._client, session_id)
        points = await answer(self._client.get(f"/api/skyscan/{session_id}/data"))
        expected = wanted(REQUEST)
        if cancelled:
            expected = expected[: len(points)]
        self.found += counted(points, expected)
        self.found += Counter({"points": len(points), f"sessions {status}": 1})
        self.found["sessions that ended otherwise"] += (status == "cancelled") != cancelled
        for watcher in watchers:
            self.found += watcher.found(points)

    async def _step_in(self, session_id: int, *, cancel: bool, at_once: bool) -> bool:
        """Pause and resume, and perhaps cancel in the end or at once; whether that was heeded."""
        while not at_once and await self._status(session_id) == "pending":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for _ in range(0 if at_once else 2):
            await asyncio.sleep(self._chance.uniform(0.0, 0.5))
            if not await self._wish(session_id, "pause", "paused"):
                continue
            await asyncio.sleep(self._chance.uniform(0.0, 0.3))
            await self._wish(session_id, "resume", "running")
        return cancel and await self._wish(session_id, "cancel", "cancelled")

    async def _wish(self, session_id: int, verb: str, status: str) -> bool:
        """Ask for something; whether it came to be before the session had ended otherwise."""
        path = f"/api/skyscan/{session_id}"
        async with self._client.post(f"{path}/{verb}") as response:
            if response.status == 400:  # not begun, or ended already
                self.found["wishes refused"] += 1
                return False
            assert response.status == 200, await response.text()
        asked = time.monotonic()
        self.found["wishes"] += 1
        while time.monotonic() < asked + HEEDED_S:
            now = await self._status(session_id)
            if now == status:
                self.slowest_s = max(self.slowest_s, time.monotonic() - asked)
                return True
            if now in FINAL:
                self.found["wishes that came after the end"] += 1
                return False
            await asyncio.sleep(0.05)
        self.found["wishes not heeded"] += 1
        return False

    async def _status(self, session_id: int) -> str:
        return str((await answer(self._client.get(f"/api/skyscan/{session_id}")))["status"])


async def campaign(
    folder: Path, sessions: int, seed: int, faults: Faults = Faults()
) -> dict[str, object]:
    """Run scans at such a hub, and return what is to be reported."""
    started = time.monotonic()
    chance = random.Random(seed)  # noqa: S311 -- not a secret
    data = folder / "hub"
    data.mkdir()
    rotors = (f'[[rotors]]\nkey = "{n}"\nname = "Rotor {n}"\nseed = {n}\n' for n in range(ROTORS))
    data.joinpath("node.toml").write_text("".join(rotors))
    bus = FaultyBus(LocalBus(), chance, faults)
    async with serving(load_settings(data, port=0, gateway_port=0), bus=bus):
        runtime = read_runtime(data)
        assert runtime is not None
        headers = {"Authorization": f"Bearer {runtime.token}"}
        async with aiohttp.ClientSession(runtime.url, headers=headers) as client:
            people = Campaign(client, chance)

            async def at(rotor: int) -> None:
                for number in range(rotor, sessions, ROTORS):
                    await people.scan(rotor, number // ROTORS)

            async with asyncio.TaskGroup() as tasks:
                for rotor in range(ROTORS):
                    tasks.create_task(at(rotor))
    found = people.found
    names = ("sessions completed", "sessions cancelled", "sessions that ended otherwise", "points")
    wishes = ("wishes", "wishes refused", "wishes that came after the end", "wishes not heeded")
    return {
        "sessions": sessions,
        **{f"wakes {fate}": count for fate, count in sorted(bus.done.items())},
        **{name: found[name] for name in (*names, *NOTHING)},
        "connections of those who watched": found["connections"],
        **{name: found[name] for name in ("points told", *TOLD, *wishes)},
        "slowest wish, seconds": round(people.slowest_s, 2),
        "seconds": round(time.monotonic() - started, 1),
    }


def passed(result: dict[str, object]) -> bool:
    """Whether sessions ended as they should, with every point once, and every wish heeded."""
    none = (*NOTHING, *TOLD, "sessions that ended otherwise", "wishes not heeded")
    return all(result[name] == 0 for name in none)


def report(result: dict[str, object], seed: int) -> str:
    """Write the result as a page of the documentation."""
    return f"""# Scans over a faulty bus

The hub's bus drops, doubles, delays and reorders the wakes of its readers, while people pause,
resume and cancel sessions on three rotors, and watch each of them: one without a break, two who
go away and come back with the last number that they have heard:

```
python -m tests.campaigns.faulty_bus --sessions {result["sessions"]} --seed {seed}
```

{table(result)}

A wake that is lost costs time alone, since every reader looks by itself as well: for wishes,
each second. A wish that a session's end was faster than counts as one that came after it.
"""


def main() -> None:
    """Run it from the command line."""
    about = __doc__ or ""
    command_line(campaign, passed, report, about=about, sessions=30, time_scale=300)


if __name__ == "__main__":
    main()
