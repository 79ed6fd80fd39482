"""Points from the journals of nodes to a durable store, and on to those who watch.

Twenty sessions with five subscribers each. The nodes are the real link and outbox over real
journals, the hub is ``skyscan serve`` as a user starts it (SQLite, every commit synced), and
each subscriber reads everything. Beside it the same road as one would write it today: FastAPI
on uvicorn, pydantic, a connection manager, and the same store code. All of them, and the load,
share the machine.

1. At full speed: points a second that are durable.
2. At full speed: CPU of the server a point, beside the peer. What the store alone takes for the
   same records in as many transactions is measured apart and left out on both sides.
3. At half the load that is asked for: from a journal to a subscriber, with one more subscriber
   who has stopped reading. The median and the 99th percentile without one are printed, too.
4. What that subscriber costs the hub in memory.

A run fails where a subscriber was not told exactly what the journals say, in order.

    python benchmarks/point_throughput.py [--quick] [--json]
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from server_load.hub import Server, furnish, hub, peer, person_token, tokens
from server_load.processes import LoadProcess, load_processes
from server_load.recordings import expected_digest, plan_of, records_of, told_digest
from server_load.report import at_least, at_most, finish, options, times_less
from server_load.sending_nodes import Journaled, Sending, Sent, send_journals
from server_load.store_alone import store_cpu
from server_load.subscribers import Told, Watching, watch_scans

SESSIONS = 20
SUBSCRIBERS = 5
FAST_SHARE = 0.4
"""Of the load on the session that somebody stops reading, so that there is something to miss."""

DURABLE_S = 5000.0
RATIO = 1.5
LATENCY_MS = 50.0
STALLED_MIB = 1.0
SOON_S = 120.0


@dataclass(frozen=True)
class Size:
    """How much of it is done: pairs of runs at full speed, seconds and repeats at half load."""

    pairs: int
    points: int
    half_load_s: float
    stalls: int


FULL = Size(pairs=5, points=2000, half_load_s=20.0, stalls=3)
QUICK = Size(pairs=1, points=1000, half_load_s=3.0, stalls=1)


@dataclass(frozen=True)
class Run:
    """What one run showed."""

    points: int
    points_s: float
    cpu_s: float
    commits: int
    latencies_ms: list[float]
    grown_bytes: int

    @property
    def cpu_us(self) -> float:
        """CPU of the server a point, µs."""
        return 1e6 * self.cpu_s / self.points

    def percentile_ms(self, share: float) -> float:
        """Latency that so many stay below."""
        return self.latencies_ms[int(share * (len(self.latencies_ms) - 1))]


class Bench:
    """A server, with sessions that wait to be scanned, and the processes that load it."""

    def __init__(self, server: Server, nodes: LoadProcess, watchers: Sequence[LoadProcess]) -> None:
        self.server = server
        self._nodes = nodes
        self._watchers = watchers

    def run(self, sessions: Sequence[Journaled], stalled: Sequence[int] = ()) -> Run:
        """Bring sessions from their journals to their subscribers.

        Parameters
        ----------
        sessions : sequence of Journaled
            Which ones; each can be brought once.
        stalled : sequence of int
            Those that one more subscriber watches who stops reading.
        """
        server, numbers = self.server, [session.number for session in sessions]
        token = person_token(server.folder)
        for place, watcher in enumerate(self._watchers):
            own = numbers[place :: len(self._watchers)]
            watching = Watching(
                host="127.0.0.1",
                port=server.port,
                token=token,
                sessions=[number for number in own for _ in range(SUBSCRIBERS)],
                stalled=[number for number in own if number in stalled],
            )
            watcher.tell(watching)
        for watcher in self._watchers:
            watcher.hear(SOON_S)
        sending = Sending(
            gateway_url=f"http://127.0.0.1:{server.gateway_port}",
            folder=server.folder / "journals",
            sessions=sessions,
            tokens=tokens(server.folder, numbers),
        )
        self._nodes.tell(sending).hear(SOON_S)
        cpu_s, commits, memory = server.cpu_s, server.commits, server.resident_bytes
        self._nodes.tell("begin")
        sent: Sent = self._nodes.hear(SOON_S)
        most = server.resident_bytes
        told = [one for watcher in self._watchers for one in watcher.hear(SOON_S)]
        points = sum(session.points for session in sessions)
        run = Run(
            points=points,
            points_s=points / (sent.ended - sent.began),
            cpu_s=server.cpu_s - cpu_s,
            commits=server.commits - commits,
            latencies_ms=_latencies_ms(sent, told),
            grown_bytes=most - memory,
        )
        _check(sessions, told)
        return run


def _latencies_ms(sent: Sent, told: Sequence[Told]) -> list[float]:
    """From each record's journal to each subscriber, sorted; the first message tells the state."""
    return sorted(
        1e3 * (came - appended)
        for one in told
        for appended, came in zip(sent.appended.get(one.session, ()), one.times[1:], strict=False)
    )


def _check(sessions: Sequence[Journaled], told: Sequence[Told]) -> None:
    """Fail loudly where somebody was not told what the journals say."""
    for session in sessions:
        records = records_of(session.number, session.points)
        mine = [one for one in told if one.session == session.number]
        kept = next(one for one in mine if one.messages)
        if (expected_digest(records), session.points) != told_digest(kept.messages):
            raise SystemExit(f"session {session.number}: told something else than was measured")
        for one in mine:
            if (one.count, one.digest) != (len(records) + 1, kept.digest):
                raise SystemExit(
                    f"session {session.number}: {one.count} of {len(records) + 1} told"
                )
        if len(mine) != SUBSCRIBERS:
            raise SystemExit(f"session {session.number}: {len(mine)} of {SUBSCRIBERS} subscribers")


class Plan:
    """All runs of one server: their sessions are in its store before it starts."""

    def __init__(self, size: Size) -> None:
        self._numbers = itertools.count(1)
        self.warm_up = self._even(50)
        self.full_speed = [self._even(size.points) for _ in range(size.pairs)]
        load = DURABLE_S / 2
        self.half_load = self._even(int(load * size.half_load_s / SESSIONS), load / SESSIONS)
        self.uneven = [self._uneven(load, size.half_load_s) for _ in range(2 * size.stalls)]

    @property
    def everything(self) -> list[Journaled]:
        """Every session."""
        runs = [self.warm_up, *self.full_speed, self.half_load, *self.uneven]
        return [session for run in runs for session in run]

    def _even(self, points: int, rate: float | None = None) -> list[Journaled]:
        return [Journaled(next(self._numbers), points, rate) for _ in range(SESSIONS)]

    def _uneven(self, load: float, seconds: float) -> list[Journaled]:
        slow = (1 - FAST_SHARE) * load / (SESSIONS - 1)
        rates = [FAST_SHARE * load, *[slow] * (SESSIONS - 1)]
        return [Journaled(next(self._numbers), int(rate * seconds), rate) for rate in rates]


@contextmanager
def benches(folder: Path, plan: Plan) -> Iterator[tuple[Bench, Bench]]:
    """Our side and the peer, ready, with one set of load processes for both."""
    plans = [plan_of(session.number, session.points) for session in plan.everything]
    servers: list[Server] = [hub(folder / "ours"), peer(folder / "peer")]
    with ExitStack() as stack:
        works = (send_journals, watch_scans, watch_scans)
        nodes, *watchers = stack.enter_context(load_processes(*works))
        for server in servers:
            asyncio.run(furnish(server.folder, len(plans), plans))
            server.start()
            stack.callback(server.end)
        for server in servers:
            server.wait_until_ready()
        ours, other = (Bench(server, nodes, watchers) for server in servers)
        yield ours, other


def main() -> None:
    """Measure, print, and end with 1 where a claim does not hold."""
    chosen = options(__doc__)
    size = QUICK if chosen.quick else FULL
    plan = Plan(size)

    def say(text: str) -> None:
        if not chosen.json:
            print(text, flush=True)

    # Beside this script, not in a temporary file system that may be memory.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent, prefix="tmp") as name:
        folder = Path(name)
        plans = [plan_of(session.number, session.points) for session in plan.everything]
        for alone in ("alone-ours", "alone-peer"):
            asyncio.run(furnish(folder / alone, len(plans), plans))
        with benches(folder, plan) as (ours, other):
            for bench in (ours, other):
                bench.run(plan.warm_up)
            pairs, own = [], []
            for sessions in plan.full_speed:
                pair = ours.run(sessions), other.run(sessions)
                store = [
                    1e6 * store_cpu(folder / alone, sessions, run.commits) / run.points
                    for alone, run in zip(("alone-ours", "alone-peer"), pair, strict=True)
                ]
                pairs.append(pair)
                own.append([run.cpu_us - alone for run, alone in zip(pair, store, strict=True)])
                say(
                    f"full speed: {pair[0].points_s:.0f} and {pair[1].points_s:.0f} points/s; "
                    f"{pair[0].cpu_us:.1f} and {pair[1].cpu_us:.1f} µs a point, of which the store "
                    f"{store[0]:.1f} and {store[1]:.1f} (in {pair[0].commits} and "
                    f"{pair[1].commits} transactions)"
                )
            for words, bench in (("ours", ours), ("peer", other)):
                run = bench.run(plan.half_load)
                say(
                    f"half load, {words}: p50 {run.percentile_ms(0.5):.1f} ms, "
                    f"p99 {run.percentile_ms(0.99):.1f} ms; {run.cpu_us:.0f} µs a point"
                )
            without, stalled = [], []
            for first, second in zip(plan.uneven[::2], plan.uneven[1::2], strict=True):
                without.append(ours.run(first))
                stalled.append(ours.run(second, stalled=[second[0].number]))
                say(
                    f"without and with one who stopped reading: p99 "
                    f"{without[-1].percentile_ms(0.99):.1f} and "
                    f"{stalled[-1].percentile_ms(0.99):.1f} ms; memory grew by "
                    f"{without[-1].grown_bytes / 2**20:.2f} and "
                    f"{stalled[-1].grown_bytes / 2**20:.2f} MiB"
                )
    durable_s = statistics.median(ours.points_s for ours, _ in pairs)
    ours_us, peer_us = (statistics.median(side) for side in zip(*own, strict=True))
    p99_ms = statistics.median(run.percentile_ms(0.99) for run in stalled)
    grown = [a.grown_bytes - b.grown_bytes for a, b in zip(stalled, without, strict=True)]
    grown_mib = max(statistics.median(grown) / 2**20, 0.0)
    finish(
        [
            at_least(
                f"{SESSIONS} sessions × {SUBSCRIBERS} subscribers: durable points a second, beside "
                "what is asked for",
                durable_s,
                DURABLE_S,
            ),
            times_less(
                "CPU a point without the store: µs, beside FastAPI on uvicorn",
                ours_us,
                peer_us,
                RATIO,
            ),
            at_most(
                f"journal to subscriber at {DURABLE_S / 2:.0f} points/s, beside one who stopped "
                "reading: p99 in ms, beside what is allowed",
                p99_ms,
                LATENCY_MS,
            ),
            at_most(
                "memory for one who stopped reading: MiB, beside what is allowed",
                grown_mib,
                STALLED_MIB,
            ),
        ],
        only_json=chosen.json,
    )


if __name__ == "__main__":
    main()
