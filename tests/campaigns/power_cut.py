"""Cut the power at every fsync of a scan, and show that nothing anybody relies on is lost.

The file operations of a hub and a node, both real processes, are recorded from their first start
through a scan to their end, and with them what they told each other and their clients. For each
fsync the disk is made anew as a power cut right there may have left it: what was synced, and of
the rest nothing, all, or any part. Each such disk is opened with the code that a start opens it
with, and held against what had been told by then. From some of them hub and node are started
again, as processes, and the scan must come to its end with every point once and in order.

    python -m tests.campaigns.power_cut --report docs/validation/power_cut.md
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.campaigns import recorded_scan
from tests.campaigns.after_a_cut import hub_faults, node_faults, whole
from tests.campaigns.cut_disk import CUTS, EVERYTHING, Disk, write_out
from tests.campaigns.kill_server import Site
from tests.campaigns.promises import Promises
from tests.campaigns.recorded_scan import Caller, Recorded
from tests.campaigns.system_calls import (
    Event,
    Removed,
    Resized,
    Sent,
    Synced,
    Written,
    events,
    record,
)

SIDES = ("hub", "node")
ENOUGH_S = 120.0
"""Longest time that a session may take from a start to its end."""


@dataclass(frozen=True)
class Sweep:
    """What is scanned: its request, and the places in order."""

    columns: int = 10
    rows: int = 5

    @property
    def request(self) -> dict[str, int]:
        """Request of the scan."""
        return {
            "az_start": 0,
            "az_end": 2 * (self.columns - 1),
            "el_start": 20,
            "el_end": 20 + 2 * (self.rows - 1),
            "rssi_iterations": 5,
        }

    @property
    def places(self) -> list[tuple[int, int]]:
        """Azimuth and elevation of each point."""
        return [
            (2 * column, 20 + 2 * row) for row in range(self.rows) for column in range(self.columns)
        ]


SWEEP = Sweep()


@dataclass
class Moment:
    """A recording up to some moment: the disks, and what had been told."""

    disks: dict[str, Disk]
    promised: Promises
    journal_kept: bool = True
    """Whether the node had not yet begun to remove what the hub has."""
    node_works: bool = False
    """Whether the node has not come to an orderly end."""

    @classmethod
    def first(cls, folder: Path, recorded: Recorded) -> Moment:
        """Return the moment at which the recording of a folder begins."""
        disks = {side: Disk(folder, side, made=side == "hub") for side in SIDES}
        return cls(disks, Promises(recorded.port, recorded.gateway_port))

    def take(self, event: Event) -> None:
        """Go on to behind the next event."""
        match event.what:
            case Sent():
                self.promised.take(event.what)
                return
            case Removed(path) if path.suffix == ".journal":
                self.journal_kept = False
            case Written(path) if path.name == "node.lock":
                self.node_works = True
            case Resized(path, 0) if path.name == "node.lock":
                self.node_works = False
        for disk in self.disks.values():
            if disk.concerns(event):
                disk.take(event)


@dataclass
class Campaign:
    """Cuts one recording.

    Parameters
    ----------
    folder : Path
        Where everything is done.
    sweep : Sweep
        What is scanned.
    seed : int
        Of what a cut leaves.
    """

    folder: Path
    sweep: Sweep
    seed: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 -- not a secret
        self.recording = self.folder.resolve() / "recorded"

    async def record(self) -> None:
        """Record a scan, and see that the recording lacks nothing that was done or told."""
        (self.recording / "hub").mkdir(parents=True)
        calls = self.folder / "calls.txt"
        script = [sys.executable, "-m", "tests.campaigns.recorded_scan"]
        request = json.dumps(self.sweep.request)
        await asyncio.to_thread(record, [*script, str(self.recording), request], calls)
        self.events = await asyncio.to_thread(events, calls, self.recording)
        self.recorded = recorded_scan.read(self.recording)
        assert places(self.recorded.points) == self.sweep.places
        moment = Moment.first(self.recording, self.recorded)
        for event in self.events:
            moment.take(event)
        for side, disk in moment.disks.items():
            left = disk.left(EVERYTHING, self.chance)
            assert _bytes(left) == _found(self.recording, side), f"{side}: not all was recorded"
        self.known = await whole(self.recording)
        self._require_all_was_heard(moment.promised)
        self.paused = moment.promised.wishes == {self.recorded.session["id"]: "run"}

    def _require_all_was_heard(self, promised: Promises) -> None:
        """See that the recording has all that was told."""
        session_id = self.recorded.session["id"]
        stored = {n: json.loads(body) for n, body in self.known.records[session_id].items()}
        told = promised.told[session_id]
        assert promised.enrolled
        assert promised.issued
        assert promised.connected
        assert promised.granted[session_id]
        assert promised.sent[session_id] == stored
        assert promised.acknowledged[session_id] == len(stored)
        assert promised.answered[session_id] == len(self.sweep.places)
        assert list(told) == list(range(1, len(stored) + 1))
        assert [told[n]["point"] for n in told if told[n]["point"]] == self.recorded.points

    async def check(self, deaf_to: str | None = None) -> tuple[Counter[str], Counter[str]]:
        """Cut at every sync, and hold what is left against what had been told.

        Parameters
        ----------
        deaf_to : str, optional
            How the names of files end whose syncs do nothing. It ends at the first fault then:
            that shows that such a thing is noticed.

        Returns
        -------
        counted, faults : Counter
            What was done, and what was wrong.
        """
        moment = Moment.first(self.recording, self.recorded)
        counted: Counter[str] = Counter()
        faults: Counter[str] = Counter()
        for event in self.events:
            if isinstance(event.what, Synced):
                for side in self._sides(event.what):
                    counted[f"cuts at a sync of the {side}"] += 1
                    counted["disks made anew"] += await self._check(moment, side, faults)
                if deaf_to is not None and faults:
                    return counted, faults
                if deaf_to is not None and event.what.path.name.endswith(deaf_to):
                    continue
            moment.take(event)
        for side in SIDES:
            counted["disks made anew"] += await self._check(moment, side, faults)
        return counted, faults

    async def _check(self, moment: Moment, side: str, faults: Counter[str]) -> int:
        """Check all that a cut may leave of one side; return on how many different disks."""
        seen = []
        for cut in CUTS:
            left = moment.disks[side].left(cut, self.chance)
            if left in seen:
                continue
            seen.append(left)
            with tempfile.TemporaryDirectory(dir=self.folder) as name:
                write_out(left, Path(name))
                found = (
                    await hub_faults(Path(name), moment.promised, self.known)
                    if side == "hub"
                    else await node_faults(
                        Path(name),
                        moment.promised,
                        self.known,
                        kept=moment.journal_kept,
                        works=moment.node_works,
                    )
                )
            faults.update(f"{fault.replace(name, '')}; left: {cut.name}" for fault in found)
        return len(seen)

    async def complete(self, times: int) -> tuple[Counter[str], Counter[str]]:
        """Start hub and node again after some of the cuts, and let the scan come to its end.

        Returns
        -------
        counted, faults : Counter
            What was done, and what was wrong.
        """
        counted = Counter({"scans gone on with": times})
        faults: Counter[str] = Counter()
        for number in range(times):
            folder = self.folder / f"again-{number}"
            folder.mkdir()
            victims = (("hub",), ("node",), SIDES)[number % 3]
            at, cut = self._draw(victims), self.chance.choice(CUTS)
            moment, later = self._moments(at)
            for side in SIDES:
                if side in victims:
                    left = moment.disks[side].left(cut, self.chance)
                else:
                    lives = later if side == "node" and moment.promised.granted else moment
                    left = lives.disks[side].left(EVERYTHING, self.chance)
                write_out(left, folder)
            counted[f"after a cut of {' and '.join(victims)}"] += 1
            try:
                await Again(folder, self.sweep, moment.promised).run()
            except (AssertionError, OSError, aiohttp.ClientError) as error:
                what = f"{type(error).__name__}: {error}"
                faults[f"{folder.name}: {what}; left: {cut.name}; line {at}"] += 1
        counted["sessions completed"] = times - faults.total()
        return counted, faults

    def _draw(self, victims: tuple[str, ...]) -> int:
        """Draw a sync of some victim."""
        return self.chance.choice(
            [
                event.at
                for event in self.events
                if isinstance(event.what, Synced) and set(victims) & set(self._sides(event.what))
            ]
        )

    def _sides(self, what: Synced) -> tuple[str, ...]:
        """Return whose a sync is; a folder that both are in is synced for either's name."""
        return what.path.relative_to(self.recording).parts[:1] or SIDES

    def _moments(self, at: int) -> tuple[Moment, Moment]:
        """Return a moment, and the last one at which a node that lived on still had its journal."""
        moment = Moment.first(self.recording, self.recorded)
        later = Moment.first(self.recording, self.recorded)
        for event in self.events:
            if event.at < at:
                moment.take(event)
            ends = isinstance(event.what, Removed) and event.what.path.parent.name == "journals"
            if event.at >= at and ends:
                break
            later.take(event)
        return moment, later


class Again:
    """Hub and node are started from what is left, and the scan comes to its end.

    Parameters
    ----------
    folder : Path
        What is left of them.
    sweep : Sweep
        What was to be scanned.
    promised : Promises
        What had been told before the cut.
    """

    def __init__(self, folder: Path, sweep: Sweep, promised: Promises) -> None:
        self._folder = folder
        self._sweep = sweep
        self._promised = promised

    async def run(self) -> None:
        """Run it.

        Raises
        ------
        AssertionError, TimeoutError
            Where something is wrong.
        """
        site = Site(self._folder, None)
        (self._folder / "hub").mkdir(exist_ok=True)
        runtime = await asyncio.to_thread(site.start_hub)
        try:
            async with asyncio.timeout(ENOUGH_S), aiohttp.ClientSession() as session:
                caller = Caller(site, session, runtime.token)
                # Where the node had none yet, it has to enrol; its code may have been used up.
                code = await caller.post("/api/nodes/enrolments", {"installation": "campaign"})
                site.write_node(code["code"])
                await asyncio.to_thread(site.start_node)
                await self._end(caller)
        finally:
            await asyncio.to_thread(site.end)

    async def _end(self, caller: Caller) -> None:
        listed = await caller.get("/api/skyscan/sessions")
        assert len(listed) >= len(self._promised.answered), "a session is gone"
        scan = listed[0] if listed else await caller.start(self._sweep.request)
        path = f"/api/skyscan/{scan['id']}"
        following = asyncio.create_task(caller.follow(scan["id"]))
        try:
            # Nobody resumes it, unless that had not been done before the cut.
            if self._promised.wishes.get(scan["id"], "run") != "run":
                while not following.done() and not await caller.resumed(path):
                    await asyncio.wait({following}, timeout=0.05)
            told = await following
        finally:
            following.cancel()
        ended, points = await caller.get(path), await caller.get(f"{path}/data")
        assert ended["status"] == "completed", ended
        assert places(points) == self._sweep.places
        assert [message["number"] for message in told] == list(range(1, len(told) + 1))
        assert [message["point"] for message in told if message["point"]] == points
        for number, message in self._promised.told.get(scan["id"], {}).items():
            assert told[number - 1] == message, "what was told is another by now"


def places(points: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return where points of the API are."""
    return [(round(point["azimuth"]) % 360, round(point["elevation"])) for point in points]


def _bytes(left: dict[Path, tuple[int, bytes] | None]) -> dict[str, bytes | None]:
    return {str(path): thing and thing[1] for path, thing in left.items()}


def _found(folder: Path, side: str) -> dict[str, bytes | None]:
    paths = [folder / side, *(folder / side).rglob("*")]
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in paths
    }


async def campaign(
    folder: Path, seed: int, *, sweep: Sweep = SWEEP, again: int = 60
) -> dict[str, object]:
    """Run a campaign in a folder that is empty."""
    started = time.monotonic()
    run = Campaign(folder, sweep, seed)
    await run.record()
    counted, faults = await run.check()
    went_on, more_faults = await run.complete(again)
    faults += more_faults
    noticed = {}
    for whose, ending in DEAF.items():
        _, found = await run.check(deaf_to=ending)
        noticed[f"{NOTICED}{whose}"] = "yes" if found else "no"
    for fault, times in faults.items():
        print(f"{times:4} × {fault}", file=sys.stderr)
    return {
        "points of the scan": len(sweep.places),
        "paused and resumed": "yes" if run.paused else "no",
        **counted,
        **went_on,
        "faults": faults.total(),
        **noticed,
        "seconds": round(time.monotonic() - started, 1),
    }


NOTICED = "noticed, had it not synced "
DEAF = {"the node's journal": ".journal", "the hub's log": "-wal"}
"""What to leave unsynced, to see that the campaign would notice; and how its files end."""


def passed(result: dict[str, object]) -> bool:
    """Whether nothing was lost, every scan came to its end, and it would have been noticed."""
    return (
        result["faults"] == 0
        and result["sessions completed"] == result["scans gone on with"]
        and all(result[f"{NOTICED}{whose}"] == "yes" for whose in DEAF)
    )


def report(result: dict[str, object], seed: int) -> str:
    """Write the result as a page of the documentation."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in result.items())
    cuts = "\n".join(f"- {cut.name}: {cut.words}" for cut in CUTS)
    return f"""# The power cut at every fsync: SQLite

The file operations of a hub and a node are recorded, from their first start through a scan to
their end, and what they tell each other and their clients with them. For every fsync the disk is
made anew, as a power cut right there may have left it:

```
python -m tests.campaigns.power_cut --again {result["scans gone on with"]} --seed {seed}
```

What was synced is there. Of all else a cut leaves, one after the other:

{cuts}

That is what POSIX allows, and more than most file systems do: the name of a new file or folder is
there for certain only once the folder that it is in has been synced.

**Every** such disk is opened with the code that a start opens it with. At the hub there must be
every record that the node had been told to be there, that a subscriber had been sent or that the
API had counted, without a gap, with the session's row as their sum; the last wish that was
answered (the scan is paused and resumed once), the epoch that was granted, the signing key and the
node's credentials. At the node there must be every record that it had sent, the task, its epoch,
its credentials, and the note by which it knows that it died at work.

From **a sample** of them, drawn by the seed, hub and node are started again as processes: the hub
cut while the node lived on, the node cut while the hub lived on, both cut at the same moment.
The session must be completed, each point there once and in order, the stream numbered without a
gap, and what a subscriber had been told unchanged.

A node that is cut after the hub has taken its code of enrolment, and before it has kept what came
back, needs a new code, as it says in words; that is given to it here.

Last, the same with syncs that do nothing, to see that it would be noticed.

| | |
|---|---|
{rows}
"""


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--again", type=int, default=60, help="scans to go on with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--columns", type=int, default=SWEEP.columns, help="of the grid")
    parser.add_argument("--rows", type=int, default=SWEEP.rows, help="of the grid")
    parser.add_argument("--report", type=Path, help="write the result as a page of documentation")
    parser.add_argument("--folder", type=Path, help="work here, and leave everything there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        sweep = Sweep(options.columns, options.rows)
        result = asyncio.run(campaign(folder, options.seed, sweep=sweep, again=options.again))
    for key, value in result.items():
        print(f"{key:45} {value}")
    if options.report is not None:
        options.report.write_text(report(result, options.seed), encoding="utf-8")
    sys.exit(0 if passed(result) else "the campaign has failed")


if __name__ == "__main__":
    main()
