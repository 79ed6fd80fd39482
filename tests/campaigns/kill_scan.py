"""Kill a scan at random moments, again and again, and show that nothing announced is lost.

A child process scans with the simulated station and tells each record, once it is on disk, to
its parent through a pipe. The parent kills it with SIGKILL at random moments, also while it
starts and recovers, and starts it again. In the end the journal must hold every record that
was ever told, each once and unchanged, and its session must equal that of a scan that was left
alone, to the last bit (but for the times, which are different ones).

    python tests/campaigns/kill_scan.py --kills 50 --report docs/validation/kill_scan.md
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from skyscan_lab.devices.simulated import simulated_station
from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.records import MissingRecord, PointRecord, StatusRecord
from skyscan_lab.recording import session_of
from skyscan_lab.scanning import read_journal, scan
from skyscan_lab.scanning.journal_lines import entry_line
from skyscan_lab.simulation.receiver import ReceiverModel
from skyscan_lab.simulation.scene import Scene
from skyscan_lab.simulation.sources import PointSource
from skyscan_lab.simulation.station import StationModel
from skyscan_lab.station import Station

SCALE = 10_000.0
SESSION = "kill-campaign"


def grid_for(kills: int) -> ScanGrid:
    """Grid with some forty points for each life of the child."""
    return ScanGrid(az=(0, 2 * kills), el=(20, 40), step=1, order="serpentine")


def model() -> StationModel:
    """Return a station whose readings depend on direction, session and sequence alone.

    After a restart the rotor comes from elsewhere, at another time; play in the gears, ringing,
    a moving source or a drifting gain would make its next point another one.
    """
    sources = (
        PointSource(20.0, 28.0, 500.0, name="one"),
        PointSource(7.0, 31.0, 90.0, name="two"),
    )
    return StationModel(scene=Scene(sources=sources), receiver=ReceiverModel(resolution=0.0))


async def live(path: Path, kills: int, after: int) -> None:
    """Scan, and tell every record after a number once it is on disk."""
    devices = simulated_station(Station(), scale=SCALE, model=model())
    async with (
        devices.rotor as rotor,
        devices.receiver as receiver,
        scan(
            grid_for(kills),
            rotor,
            receiver,
            reads=5,
            journal=path,
            session=SESSION,
            clock=devices.clock,
        ) as running,
    ):
        async for entry in running.follow(after):
            os.write(1, entry_line(entry))


@dataclass
class Campaign:
    """What one journal went through."""

    path: Path
    kills: int
    told: list[bytes] = field(default_factory=list)
    phases: Counter[str] = field(default_factory=Counter)
    torn: int = 0
    started: float = field(default_factory=time.monotonic)

    def life(self, kill_after: tuple[int, float] | None) -> bool:
        """One life of the child, ended after some records and some seconds; True at the end."""
        if self.path.exists() and not self.path.read_bytes().endswith(b"\n"):
            self.torn += 1
        arguments = ["--child", str(self.path), "--kills", str(self.kills)]
        command = [sys.executable, __file__, *arguments, "--after", str(len(self.told))]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            before = len(self.told)
            reader = threading.Thread(target=self._listen, args=(child,))
            reader.start()
            if kill_after is not None:
                records, seconds = kill_after
                while len(self.told) < before + records and reader.is_alive():
                    time.sleep(0.0005)
                time.sleep(seconds)
                child.send_signal(signal.SIGKILL)
            reader.join()
        if child.returncode == 0:
            return True
        if child.returncode != -signal.SIGKILL:
            raise SystemExit(f"the scan failed by itself, with exit status {child.returncode}")
        self.phases["while scanning" if len(self.told) > before else "before it told anything"] += 1
        return False

    def _listen(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            if line.endswith(b"\n"):
                self.told.append(line)


def run(kills: int, seed: int, folder: Path) -> Campaign:
    """Run a scan through its kills, to its end."""
    chance = random.Random(seed)  # noqa: S311 -- not a secret
    campaign = Campaign(folder / "killed.journal", kills)
    each = grid_for(kills).size // (kills + 1)
    for _ in range(kills):
        in_start = chance.random() < 0.1
        when = (
            (0, chance.uniform(0.0, 1.0))
            if in_start
            else (
                chance.randrange(1, 2 * each),
                chance.uniform(0.0, 0.005),
            )
        )
        if campaign.life(when):
            break
    while not campaign.life(None):
        pass
    return campaign


def check(campaign: Campaign, folder: Path) -> dict[str, object]:
    """Hold what was told against what is on disk, and both against a scan left alone."""
    quiet = Campaign(folder / "quiet.journal", campaign.kills)
    assert quiet.life(None), "a scan that nobody kills must end"
    recording = read_journal(campaign.path)
    on_disk = {entry_line(entry) for entry in recording.entries}
    told = set(campaign.told)
    done = [
        entry.record.sequence
        for entry in recording.entries
        if isinstance(entry.record, PointRecord | MissingRecord)
    ]
    total = recording.plan.total
    ours, theirs = (
        session_of(read_journal(path)).drop_vars("time") for path in (campaign.path, quiet.path)
    )
    del ours.attrs["history"], theirs.attrs["history"]
    last = recording.entries[-1].record
    return {
        "points": total,
        "kills": sum(campaign.phases.values()),
        "kills while scanning": campaign.phases["while scanning"],
        "kills before a life told anything": campaign.phases["before it told anything"],
        "lives that found a torn last line": campaign.torn,
        "records told": len(campaign.told),
        "told records lost or changed": len(told - on_disk),
        "told records repeated": len(campaign.told) - len(told),
        "records on disk and never told": len(on_disk - told),
        "points repeated": len(done) - len(set(done)),
        "gaps in the sequence": sum(a != b for a, b in zip(done, range(total), strict=False))
        + total
        - len(done),
        "last status": str(last.status) if isinstance(last, StatusRecord) else "none",
        "session equals the undisturbed one, bit for bit": ours.identical(theirs),
        "seconds": round(time.monotonic() - campaign.started, 1),
    }


def passed(result: dict[str, object]) -> bool:
    """Whether nothing was lost, repeated or changed."""
    nothing = (
        "told records lost or changed",
        "told records repeated",
        "records on disk and never told",
        "points repeated",
        "gaps in the sequence",
    )
    return (
        all(result[name] == 0 for name in nothing)
        and result["last status"] == "completed"
        and result["session equals the undisturbed one, bit for bit"] is True
    )


def report(result: dict[str, object], seed: int) -> str:
    """Write the result as a page of the documentation."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in result.items())
    return f"""# A scan killed at random moments

`kill -9` at {result["kills"]} random moments of one scan, a tenth of them while it starts:

```
python tests/campaigns/kill_scan.py --kills {result["kills"]} --seed {seed}
```

The scanning process tells each record, once it is on disk, through a pipe; whatever came out of
that pipe was announced. The undisturbed scan is run afterwards with the same session name, so
that the simulated receiver draws the same noise; times differ, and are left out of the
comparison.

| | |
|---|---|
{rows}

`SIGKILL` leaves the kernel's file cache alone, so torn lines are rare here; that recovery holds
wherever a line is torn is tested by cutting the journal at every byte
(`tests/scanning/test_journal.py`). The short version of this campaign runs with the other tests
(`tests/scanning/test_kill.py`).
"""


def main() -> None:
    """Run as a campaign, or as its child."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write the result as a page of documentation")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--after", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        asyncio.run(live(options.child, options.kills, options.after))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = check(run(options.kills, options.seed, folder), folder)
    for key, value in result.items():
        print(f"{key:50} {value}")
    if options.report is not None:
        options.report.write_text(report(result, options.seed), encoding="utf-8")
    sys.exit(0 if passed(result) else "the campaign has failed")


if __name__ == "__main__":
    main()
